import { bytesToHex } from '@noble/hashes/utils.js'
import { PublicKey, Redacted } from '@vestibule/keys'
import { GuestDriver } from './driver/guest-driver.ts'
import { HostDriver } from './driver/host-driver.ts'
import type { Parts } from './driver/parts.ts'
import { InvitationError } from './errors.ts'
import type { Asking, Hosting } from './hosting.ts'
import { Invitation } from './invitation.ts'
import { InvitationLink, parseInvitation } from './link/link.ts'
import { newLinkGuest } from './link/link-guest.ts'
import { commitment, deriveLinkKeys, LINK_SECRET_BYTES } from './link/link-keys.ts'
import type { InvitationKind } from './link/link-layout.ts'
import { hostConfig, isEndedLife, newHostRecord } from './machine/host-state.ts'
import { AuthenticatingInvitationProvider, CancellableInvitationObservable, isEnded } from './observable.ts'
import { codeOf, type HostChoices, type InvitationsOptions, type RearmOptions, timeoutOf } from './options.ts'
import {
  invitationWrite,
  parseStoredInvitation,
  RESUME_MS,
  recordKeys,
  type SpaceTarget,
  type StoredInvitation,
} from './records.ts'
import { cancelOnAbort, directAddresses, expiry, fail, storedInvitation } from './starting.ts'

const HOST_SECRET_BYTES = 32

/** The invitations of one kind on this device: made, served, accepted and kept over restarts. */
export class Invitations {
  readonly #parts: Parts
  readonly #kind: InvitationKind
  readonly #hosted = new Map<string, HostDriver>()
  readonly #accepting = new Map<string, { driver: GuestDriver; provider: AuthenticatingInvitationProvider }>()
  readonly #starting = new Set<Promise<unknown>>()
  /** Those that are being delegated, by their ids: nobody else takes them up. */
  readonly #delegating = new Set<string>()
  readonly #listeners = new Set<(observable: CancellableInvitationObservable) => void>()
  #closed = false

  constructor(parts: Parts, kind: InvitationKind) {
    this.#parts = parts
    this.#kind = kind
  }

  create(
    hosting: Hosting,
    choices: HostChoices,
    { signal }: InvitationsOptions,
  ): CancellableInvitationObservable {
    this.assertOpen()
    const secret = new Redacted(this.#parts.random(LINK_SECRET_BYTES))
    const now = this.#parts.clock.now()
    const invitation = new Invitation({
      invitationId: bytesToHex(deriveLinkKeys(secret).invitationId),
      kind: this.#kind,
      type: choices.type,
      authMethod: choices.authMethod,
      multiUse: choices.multiUse,
      state: 'INIT',
      timeout: choices.timeoutMs,
      persistent: choices.persistent,
      created: new Date(now),
      lifetime: choices.lifetimeS,
      expires: new Date(expiry(now, choices)),
      ...hosting.fields,
      ...(choices.target !== undefined && { target: choices.target }),
      ...(choices.guestKey instanceof PublicKey && { guestKey: String(choices.guestKey) }),
    })
    const observable: CancellableInvitationObservable = new CancellableInvitationObservable(
      invitation,
      async () => (await created)?.cancel(),
      (id, yes) => this.#hosted.get(invitation.invitationId)?.decide(id, yes) === true,
    )
    // What went wrong before it began is told by the observable's end.
    const created = this.#track(this.#create(hosting, choices, secret, now, observable)).catch(
      (error: unknown) => {
        fail(observable, error)
        return undefined
      },
    )
    cancelOnAbort(observable, signal)
    return observable
  }

  accept(
    invitation: Invitation | InvitationLink | string,
    asking: Asking,
    options: InvitationsOptions,
  ): AuthenticatingInvitationProvider {
    this.assertOpen()
    const link = this.#toLink(invitation)
    const timeoutMs = timeoutOf(options)
    const id = bytesToHex(deriveLinkKeys(link.secret).invitationId)
    const under = this.#accepting.get(id)
    if (under !== undefined && !isEnded(under.provider.invitation)) return under.provider
    const fields = new Invitation({
      invitationId: id,
      kind: link.kind,
      type: link.type,
      authMethod: link.authMethod,
      multiUse: link.multiUse,
      state: 'INIT',
      timeout: timeoutMs,
      expires: new Date(link.expiresAtMs),
      ...(link.target !== undefined && { target: link.target }),
    })
    const provider: AuthenticatingInvitationProvider = new AuthenticatingInvitationProvider(
      fields,
      () => driver.cancel(),
      (code) => driver.authenticate(code),
    )
    const driver = new GuestDriver(this.#parts, asking.kind(link), link, timeoutMs, provider)
    this.#accepting.set(id, { driver, provider })
    void this.#track(this.#accept(asking, link, driver, provider)).catch((error: unknown) => {
      fail(provider, error)
      void driver.cancel()
    })
    const forget = () => {
      if (this.#accepting.get(id)?.provider === provider) this.#accepting.delete(id)
    }
    provider.result().then(forget, forget)
    cancelOnAbort(provider, options.signal)
    return provider
  }

  rearm({ invitationId }: Invitation, options: RearmOptions): CancellableInvitationObservable {
    this.assertOpen()
    const driver = this.#hosted.get(invitationId)
    if (!driver?.isLocked) throw new InvitationError('NOT_LOCKED')
    // Its code is sealed to all who serve it.
    if (driver.stored.target?.delegation !== undefined) throw new InvitationError('UNSUPPORTED')
    // Without its secrets: the code that it had is worth nothing any more.
    const invitation = new Invitation({ ...driver.invitation, state: 'INIT' })
    const code = new Redacted(codeOf(options, invitation.multiUse))
    const observable = new CancellableInvitationObservable(
      invitation,
      () => driver.cancel(),
      (id, yes) => driver.decide(id, yes),
    )
    this.#track(driver.rearm(code, observable)).catch((error: unknown) => fail(observable, error))
    cancelOnAbort(observable, options.signal)
    return observable
  }

  /** @param hostingOf `undefined` for what is not here any more */
  async restore(
    hostingOf: (stored: StoredInvitation) => Hosting | undefined,
  ): Promise<CancellableInvitationObservable[]> {
    const { storage, clock } = this.#parts
    const observables: CancellableInvitationObservable[] = []
    for (const [, record] of await storage.list(recordKeys.invitations)) {
      const found = parseStoredInvitation(record)
      const { kind, secret, expiresAtMs } = found.link
      const { invitationId } = deriveLinkKeys(secret)
      if (kind !== this.#kind || found.target?.delegation !== undefined) continue
      if (this.#hosted.has(bytesToHex(invitationId))) continue
      if (clock.now() > expiresAtMs + RESUME_MS) {
        await this.#wipe(found, invitationId)
        continue
      }
      const hosting = hostingOf(found)
      if (hosting === undefined) continue
      const stored = await this.#settled(found)
      const observable = await this.#resume(hosting, stored)
      if (!isEndedLife(stored.progress.life) && clock.now() < expiresAtMs) observables.push(observable)
    }
    return observables
  }

  /** The delegated invitations of a space that are stored, and not served. Those that nobody comes back to are wiped. */
  async storedOf(space: PublicKey): Promise<StoredInvitation[]> {
    const { storage, clock } = this.#parts
    const found: StoredInvitation[] = []
    for (const [, record] of await storage.list(recordKeys.invitations)) {
      const stored = parseStoredInvitation(record)
      const { target, link } = stored
      const { invitationId } = deriveLinkKeys(link.secret)
      if (target?.delegation === undefined || target.spaceKey !== space) continue
      if (this.isHosting(bytesToHex(invitationId))) continue
      if (clock.now() > link.expiresAtMs + RESUME_MS) await this.#wipe(stored, invitationId)
      else found.push(stored)
    }
    return found
  }

  /** Whether an invitation is served here, or about to be. @param id 32 hex digits */
  isHosting(id: string): boolean {
    return this.#hosted.has(id) || this.#delegating.has(id)
  }

  /** Stores an invitation of another member. */
  async keep(stored: StoredInvitation): Promise<void> {
    await this.#parts.storage.transact([invitationWrite(stored)])
  }

  /** Serves what is stored, and tells of it. */
  async serve(hosting: Hosting, stored: StoredInvitation): Promise<void> {
    const observable = await this.#resume(hosting, stored)
    this.#tell(observable)
  }

  #tell(observable: CancellableInvitationObservable): void {
    if (isEnded(observable.invitation)) return
    for (const listener of [...this.#listeners]) listener(observable)
  }

  /** Stops serving some, which stay as they are in the storage. */
  async release(isMeant: (target: SpaceTarget | undefined) => boolean): Promise<void> {
    for (const [id, driver] of this.#hosted) {
      const { target } = driver.stored
      if (target?.delegation === undefined || !isMeant(target)) continue
      this.#hosted.delete(id)
      await driver.close()
    }
  }

  /** The delegated invitations that are served here and have not ended. */
  delegated(): CancellableInvitationObservable[] {
    return [...this.#hosted.values()]
      .filter(({ stored }) => stored.target?.delegation !== undefined)
      .flatMap(({ observable }) => (isEnded(observable.invitation) ? [] : observable))
  }

  /** Calls back with each delegated invitation that is served from now on. */
  onDelegated(listener: (observable: CancellableInvitationObservable) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async #resume(hosting: Hosting, stored: StoredInvitation): Promise<CancellableInvitationObservable> {
    const observable: CancellableInvitationObservable = new CancellableInvitationObservable(
      storedInvitation(stored, hosting),
      () => driver.cancel(),
      (id, yes) => driver.decide(id, yes),
    )
    const driver = await this.#serve(hosting, stored, observable)
    return observable
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#starting)
    await Promise.all([...this.#accepting.values()].map(({ driver }) => driver.cancel()))
    await Promise.all([...this.#hosted.values()].map((driver) => driver.close()))
  }

  assertOpen(): void {
    if (this.#closed) throw new InvitationError('CLOSED')
  }

  async #create(
    hosting: Hosting,
    choices: HostChoices,
    secret: Redacted<Uint8Array>,
    now: number,
    observable: CancellableInvitationObservable,
  ): Promise<HostDriver> {
    const { networkManager, keyring, storage, random } = this.#parts
    hosting.check()
    const hostSecret = hosting.delegate && new Redacted(random(HOST_SECRET_BYTES))
    const hostKey = await (hostSecret ? keyring.importKey(hostSecret.unwrap()) : keyring.createKey())
    const keys = deriveLinkKeys(secret)
    const { type, authMethod, guestKey, multiUse, uses, code, approve, target } = choices
    const known = guestKey && (await newLinkGuest(guestKey, random))
    const link = InvitationLink.create({
      kind: this.#kind,
      type,
      authMethod,
      multiUse,
      secret,
      hostKey,
      commitment: commitment(keys, this.#kind, hosting.committed()),
      ...(known && { guest: known.guest }),
      expiresAtMs: expiry(now, choices),
      relays: networkManager.relays,
      hosts: directAddresses(networkManager.addresses()),
      ...(target !== undefined && { target }),
    })
    const stored: StoredInvitation = {
      link,
      ...(code !== undefined && { code: new Redacted(code) }),
      ...(hosting.target && { target: hosting.target }),
      ...(known && { guestKey: known.key }),
      createdAtMs: now,
      timeoutMs: choices.timeoutMs,
      approve,
      persistent: choices.persistent,
      ...(uses !== undefined && { uses }),
      progress: newHostRecord(hostConfig({ multiUse, hasCode: code !== undefined, approve })),
    }
    if (hosting.delegate !== undefined && hostSecret !== undefined)
      return this.#delegate(hosting.delegate, { stored, hostSecret }, observable)
    await storage.transact([invitationWrite(stored)])
    return this.#serve(hosting, stored, observable)
  }

  async #delegate(
    delegate: NonNullable<Hosting['delegate']>,
    invitation: Parameters<typeof delegate>[0],
    observable: CancellableInvitationObservable,
  ): Promise<HostDriver> {
    const { invitationId } = observable.invitation
    this.#delegating.add(invitationId)
    try {
      const { hosting, stored } = await delegate(invitation, invitationWrite)
      const driver = await this.#serve(hosting, stored, observable)
      this.#tell(observable)
      return driver
    } catch (error) {
      await this.#parts.keyring.deleteKey(invitation.stored.link.hostKey)
      throw error
    } finally {
      this.#delegating.delete(invitationId)
    }
  }

  async #serve(
    hosting: Hosting,
    stored: StoredInvitation,
    observable: CancellableInvitationObservable,
  ): Promise<HostDriver> {
    const { invitationId } = deriveLinkKeys(stored.link.secret)
    const prefix = recordKeys.admittedBy(invitationId)
    const rows = await this.#parts.storage.list(prefix)
    const admitted = rows.map(([key]) => PublicKey.fromHex(key.slice(prefix.length)))
    const { guest } = stored.link
    const known = guest && stored.guestKey && { type: guest.type, key: stored.guestKey }
    const kind = hosting.kind(invitationId, known)
    const driver = new HostDriver(this.#parts, kind, stored, admitted, observable)
    this.#hosted.set(bytesToHex(invitationId), driver)
    await driver.start()
    return driver
  }

  async #accept(
    asking: Asking,
    link: InvitationLink,
    driver: GuestDriver,
    provider: AuthenticatingInvitationProvider,
  ): Promise<void> {
    const joined = await asking.joined(link)
    if (joined !== undefined) {
      const success = { state: 'SUCCESS', alreadyMember: true, ...joined } as const
      return provider.update(provider.invitation.with(success))
    }
    // The host's clock decides, but nobody's is that wrong, and no host serves it any more.
    if (this.#parts.clock.now() > link.expiresAtMs + RESUME_MS)
      return provider.update(provider.invitation.with({ state: 'EXPIRED' }), new InvitationError('EXPIRED'))
    await driver.start()
  }

  /** One that was to end with its process has ended, durably, before anybody hears of it. */
  async #settled(stored: StoredInvitation): Promise<StoredInvitation> {
    if (stored.persistent || isEndedLife(stored.progress.life)) return stored
    const over = { ...stored, progress: { ...stored.progress, life: 'CANCELLED' } } as const
    await this.#parts.storage.transact([invitationWrite(over)])
    return over
  }

  async #wipe({ link }: StoredInvitation, invitationId: Uint8Array): Promise<void> {
    const { storage, keyring } = this.#parts
    const admitted = await storage.list(recordKeys.admittedBy(invitationId))
    const gone = [recordKeys.invitation(invitationId), ...admitted.map(([key]) => key)]
    await storage.transact(gone.map((key) => ({ key, value: undefined })))
    await keyring.deleteKey(link.hostKey)
  }

  #track<T>(starting: Promise<T>): Promise<T> {
    this.#starting.add(starting)
    const done = () => this.#starting.delete(starting)
    starting.then(done, done)
    return starting
  }

  /** @throws InvitationError */
  #toLink(invitation: Invitation | InvitationLink | string): InvitationLink {
    const text = invitation instanceof InvitationLink ? '' : textOf(invitation)
    const link = invitation instanceof InvitationLink ? invitation : parseInvitation(text)
    // A device has no identity yet whose key could be known.
    if (link.kind !== this.#kind || (link.kind === 'DEVICE' && link.guest !== undefined))
      throw new InvitationError('UNSUPPORTED')
    return link
  }
}

function textOf(invitation: Invitation | string): string {
  const text = typeof invitation === 'string' ? invitation : invitation.link
  if (text === undefined) throw new TypeError('expected an invitation that has its link')
  return text
}
