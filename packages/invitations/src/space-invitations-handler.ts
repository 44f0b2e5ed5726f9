import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes, type Keyring, PublicKey, Redacted } from '@vestibule/keys'
import { type Clock, NetworkError, type NetworkManager, systemClock } from '@vestibule/network'
import type { SigningContext, Space, SpaceManager } from '@vestibule/space'
import { GuestDriver } from './driver/guest-driver.ts'
import { HostDriver } from './driver/host-driver.ts'
import { cryptoRandom, type Parts } from './driver/parts.ts'
import { InvitationError } from './errors.ts'
import { Invitation } from './invitation.ts'
import { encodeInvitation, InvitationLink, parseInvitation } from './link/link.ts'
import { commitment, deriveLinkKeys, LINK_SECRET_BYTES } from './link/link-keys.ts'
import { hostConfig, isEndedLife, newHostRecord } from './machine/host-state.ts'
import {
  AuthenticatingInvitationProvider,
  CancellableInvitationObservable,
  type InvitationObservable,
  isEnded,
} from './observable.ts'
import { codeOf, type HostChoices, hostChoices, type InvitationsOptions, timeoutOf } from './options.ts'
import {
  encodeStoredInvitation,
  parseStoredInvitation,
  RESUME_MS,
  recordKeys,
  type StoredInvitation,
} from './records.ts'

/** More of a host's own addresses make the link long; the relays are there for the rest. */
const MAX_HOST_HINTS = 3

/** What an application may replace, in tests mostly. */
export interface HandlerOptions {
  readonly clock?: Clock
  /** Cryptographic random bytes. */
  readonly random?: (length: number) => Uint8Array
}

/**
 * Invites people into spaces, and accepts invitations.
 *
 * @example
 * const handler = new SpaceInvitationsHandler(networkManager, spaceManager, signingContext, keyring)
 * const observable = handler.createInvitation(space)
 * observable.subscribe({ onConnecting: ({ link, authCode }) => show(link, authCode) })
 * await observable.result()
 */
export class SpaceInvitationsHandler implements AsyncDisposable {
  readonly #parts: Parts
  readonly #hosted = new Map<string, HostDriver>()
  readonly #accepting = new Map<string, { driver: GuestDriver; provider: AuthenticatingInvitationProvider }>()
  readonly #starting = new Set<Promise<unknown>>()
  #closed = false

  /** All four are the application's: it opened them, and closes them after this. */
  constructor(
    networkManager: NetworkManager,
    spaceManager: SpaceManager,
    signingContext: SigningContext,
    keyring: Keyring,
    options: HandlerOptions = {},
  ) {
    const { clock = systemClock, random = cryptoRandom } = options
    this.#parts = { networkManager, spaceManager, signingContext, keyring, clock, random }
  }

  /**
   * Creates an invitation and listens for a join request from the invited (guest) peer.
   *
   * It is durable before `invitation.link` appears, with `CONNECTING`; after a restart `restore` serves it again.
   * The observable ends with `ERROR` and `NOT_ALLOWED` when the own role does not allow to admit at that role.
   *
   * @throws TypeError for options that make no invitation; InvitationError `CLOSED`
   */
  createInvitation(space: Space, options: InvitationsOptions = {}): CancellableInvitationObservable {
    this.#assertOpen()
    const choices = hostChoices(options)
    const secret = new Redacted(this.#parts.random(LINK_SECRET_BYTES))
    const now = this.#parts.clock.now()
    const invitation = new Invitation({
      invitationId: bytesToHex(deriveLinkKeys(secret).invitationId),
      kind: 'SPACE',
      type: 'INTERACTIVE',
      authMethod: choices.authMethod,
      multiUse: choices.multiUse,
      state: 'INIT',
      timeout: choices.timeoutMs,
      created: new Date(now),
      lifetime: choices.lifetimeS,
      expires: new Date(expiry(now, choices)),
      role: choices.role,
      spaceName: space.name,
      inviterName: this.#parts.signingContext.profile.displayName,
      spaceKey: String(space.key),
      ...(choices.target !== undefined && { target: choices.target }),
    })
    const observable: CancellableInvitationObservable = new CancellableInvitationObservable(
      invitation,
      async () => (await created)?.cancel(),
      (id, yes) => this.#hosted.get(invitation.invitationId)?.decide(id, yes) === true,
    )
    // What went wrong before it began is told by the observable's end.
    const created = this.#track(this.#create(space, choices, secret, now, observable)).catch(
      (error: unknown) => {
        fail(observable, error)
        return undefined
      },
    )
    cancelOnAbort(observable, options.signal)
    return observable
  }

  /**
   * Looks for the host of an invitation and asks it for admission. The same link accepted again meanwhile gives
   * the same provider; one of a space that this identity is a member of already ends with `SUCCESS` at once.
   *
   * @param invitation a link (text or URL, untrusted), a parsed link, or an invitation that has one
   * @throws InvitationError `LINK_TOO_LONG`, `LINK_FOREIGN`, `LINK_MALFORMED`, `LINK_VERSION`, `UNSUPPORTED`, `CLOSED`
   */
  acceptInvitation(
    invitation: Invitation | InvitationLink | string,
    options: InvitationsOptions = {},
  ): AuthenticatingInvitationProvider {
    this.#assertOpen()
    const link = toLink(invitation)
    const timeoutMs = timeoutOf(options)
    const { invitationId } = deriveLinkKeys(link.secret)
    const id = bytesToHex(invitationId)
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
    const driver = new GuestDriver(this.#parts, link, timeoutMs, provider)
    this.#accepting.set(id, { driver, provider })
    void this.#track(this.#accept(link, driver, provider)).catch((error: unknown) => {
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

  /**
   * Opens an invitation again that three wrong codes have locked, with a new code and as many attempts; its link
   * stays the same. It goes on in the observable that this returns, which shows the code with `CONNECTING`, once
   * it is durable; the one before has ended.
   *
   * @param invitation one of this handler's, made or restored
   * @param options of the code: `codeLength`, `codeAlphabet`; and `signal`, which cancels the invitation
   * @throws InvitationError `NOT_LOCKED` when it is not locked, or not served here; TypeError for options that
   *   make no code
   */
  rearm(
    { invitationId }: Invitation,
    options: Pick<InvitationsOptions, 'codeLength' | 'codeAlphabet' | 'signal'> = {},
  ): CancellableInvitationObservable {
    this.#assertOpen()
    const driver = this.#hosted.get(invitationId)
    if (!driver?.isLocked) throw new InvitationError('NOT_LOCKED')
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

  /**
   * Serves again what was made before a restart: open invitations, and those that have ended for guests whose
   * answer was lost. What ended more than 48 hours ago is wiped.
   * @returns those that are open or locked, and were not served already
   * @throws InvitationError `STORAGE_FAILED` for a damaged record; storage and key errors
   */
  async restore(): Promise<CancellableInvitationObservable[]> {
    const { storage } = this.#parts.spaceManager
    const observables: CancellableInvitationObservable[] = []
    for (const [, record] of await storage.list(recordKeys.invitations)) {
      const stored = parseStoredInvitation(record)
      const { invitationId } = deriveLinkKeys(stored.link.secret)
      if (this.#hosted.has(bytesToHex(invitationId))) continue
      if (this.#parts.clock.now() > stored.link.expiresAtMs + RESUME_MS) {
        await this.#wipe(stored, invitationId)
        continue
      }
      const space = this.#parts.spaceManager.get(stored.spaceKey)
      if (space === undefined) continue
      const observable: CancellableInvitationObservable = new CancellableInvitationObservable(
        storedInvitation(stored, space, this.#parts.signingContext),
        () => driver.cancel(),
        (id, yes) => driver.decide(id, yes),
      )
      const driver = await this.#serve(space, stored, observable)
      if (!isEndedLife(stored.progress.life)) observables.push(observable)
    }
    return observables
  }

  /** Stops serving and accepting. Invitations stay as they are in the storage. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#starting)
    await Promise.all([...this.#accepting.values()].map(({ driver }) => driver.cancel()))
    await Promise.all([...this.#hosted.values()].map((driver) => driver.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #assertOpen(): void {
    if (this.#closed) throw new InvitationError('CLOSED')
  }

  async #create(
    space: Space,
    choices: HostChoices,
    secret: Redacted<Uint8Array>,
    now: number,
    observable: CancellableInvitationObservable,
  ): Promise<HostDriver> {
    const { networkManager, keyring, spaceManager } = this.#parts
    if (!space.mayAdmit(choices.role)) throw new InvitationError('NOT_ALLOWED')
    const hostKey = await keyring.createKey()
    const keys = deriveLinkKeys(secret)
    const link = InvitationLink.create({
      kind: 'SPACE',
      type: 'INTERACTIVE',
      authMethod: choices.authMethod,
      multiUse: choices.multiUse,
      secret,
      hostKey,
      commitment: commitment(keys, 'SPACE', hexToBytes(space.genesisId)),
      expiresAtMs: expiry(now, choices),
      relays: networkManager.relays,
      hosts: directAddresses(networkManager.addresses()),
      ...(choices.target !== undefined && { target: choices.target }),
    })
    const stored: StoredInvitation = {
      link,
      ...(choices.code !== undefined && { code: new Redacted(choices.code) }),
      spaceKey: space.key,
      role: choices.role,
      createdAtMs: now,
      timeoutMs: choices.timeoutMs,
      ...{ approve: choices.approve, history: choices.history },
      madeAfter: space.heads,
      progress: newHostRecord(
        hostConfig({
          multiUse: choices.multiUse,
          hasCode: choices.code !== undefined,
          approve: choices.approve,
        }),
      ),
    }
    const value = encodeStoredInvitation(stored)
    await spaceManager.storage.transact([{ key: recordKeys.invitation(keys.invitationId), value }])
    return this.#serve(space, stored, observable)
  }

  async #serve(
    space: Space,
    stored: StoredInvitation,
    observable: CancellableInvitationObservable,
  ): Promise<HostDriver> {
    const { invitationId } = deriveLinkKeys(stored.link.secret)
    const prefix = recordKeys.admittedBy(invitationId)
    const admitted = await this.#parts.spaceManager.storage.list(prefix)
    const identities = admitted.map(([key]) => PublicKey.fromHex(key.slice(prefix.length)))
    const driver = new HostDriver(this.#parts, space, stored, identities, observable)
    this.#hosted.set(bytesToHex(invitationId), driver)
    await driver.start()
    return driver
  }

  async #accept(
    link: InvitationLink,
    driver: GuestDriver,
    provider: AuthenticatingInvitationProvider,
  ): Promise<void> {
    const keys = deriveLinkKeys(link.secret)
    const space = this.#parts.spaceManager
      .list()
      .find(({ genesisId }) =>
        equalBytes(link.commitment, commitment(keys, link.kind, hexToBytes(genesisId))),
      )
    if (space !== undefined && space.removal === undefined) {
      const spaceKey = String(space.key)
      const joined = { state: 'SUCCESS', alreadyMember: true, spaceKey, spaceName: space.name } as const
      return provider.update(provider.invitation.with(joined))
    }
    // The host's clock decides, but nobody's is that wrong, and no host serves it any more.
    if (this.#parts.clock.now() > link.expiresAtMs + RESUME_MS)
      return provider.update(provider.invitation.with({ state: 'EXPIRED' }), new InvitationError('EXPIRED'))
    await driver.start()
  }

  async #wipe({ link }: StoredInvitation, invitationId: Uint8Array): Promise<void> {
    const { spaceManager, keyring } = this.#parts
    const admitted = await spaceManager.storage.list(recordKeys.admittedBy(invitationId))
    const gone = [recordKeys.invitation(invitationId), ...admitted.map(([key]) => key)]
    await spaceManager.storage.transact(gone.map((key) => ({ key, value: undefined })))
    await keyring.deleteKey(link.hostKey)
  }

  #track<T>(starting: Promise<T>): Promise<T> {
    this.#starting.add(starting)
    const done = () => this.#starting.delete(starting)
    starting.then(done, done)
    return starting
  }
}

const expiry = (now: number, { lifetimeS }: HostChoices): number => now + lifetimeS * 1000

/** @throws InvitationError */
function toLink(invitation: Invitation | InvitationLink | string): InvitationLink {
  if (invitation instanceof InvitationLink) return supported(invitation)
  const text = typeof invitation === 'string' ? invitation : invitation.link
  if (text === undefined) throw new TypeError('expected an invitation that has its link')
  return supported(parseInvitation(text))
}

function supported(link: InvitationLink): InvitationLink {
  if (link.kind !== 'SPACE' || link.authMethod === 'KNOWN_PUBLIC_KEY')
    throw new InvitationError('UNSUPPORTED')
  return link
}

function storedInvitation(stored: StoredInvitation, space: Space, { profile }: SigningContext): Invitation {
  const { link, code, role, createdAtMs, timeoutMs } = stored
  return new Invitation(
    {
      invitationId: bytesToHex(deriveLinkKeys(link.secret).invitationId),
      kind: link.kind,
      type: link.type,
      authMethod: link.authMethod,
      multiUse: link.multiUse,
      state: 'INIT',
      timeout: timeoutMs,
      created: new Date(createdAtMs),
      lifetime: Math.round((link.expiresAtMs - createdAtMs) / 1000),
      expires: new Date(link.expiresAtMs),
      role,
      spaceName: space.name,
      inviterName: profile.displayName,
      spaceKey: String(space.key),
      ...(link.target !== undefined && { target: link.target }),
    },
    { link: encodeInvitation(link), ...(code && { authCode: code.unwrap() }) },
  )
}

/** Addresses that lead to this device without a relay; those of the loopback only when there are no others. */
function directAddresses(addresses: readonly string[]): string[] {
  const direct = addresses.filter((address) => !address.includes('/p2p-circuit'))
  const public_ = direct.filter((address) => !/^\/ip(4\/127\.|6\/::1\/)/.test(address))
  return (public_.length > 0 ? public_ : direct).slice(0, MAX_HOST_HINTS)
}

/** Ends an observable whose driver could not begin. */
function fail(observable: InvitationObservable, error: unknown): void {
  observable.update(observable.invitation.with({ state: 'ERROR' }), toInvitationError(error))
}

function toInvitationError(error: unknown): InvitationError {
  if (error instanceof InvitationError) return error
  const code = error instanceof NetworkError ? 'NETWORK_FAILED' : 'STORAGE_FAILED'
  return new InvitationError(code, { cause: error })
}

function cancelOnAbort(observable: InvitationObservable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const cancel = () => void observable.cancel().catch(() => undefined)
  if (signal.aborted) return cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const forget = () => signal.removeEventListener('abort', cancel)
  observable.result().then(forget, forget)
}
