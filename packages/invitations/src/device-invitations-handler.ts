import { MAX_NAME_BYTES } from '@vestibule/credentials'
import { equalBytes, type Keyring } from '@vestibule/keys'
import { type Clock, type NetworkManager, systemClock } from '@vestibule/network'
import { SigningContext, SpaceError, type SpaceManager, type Storage } from '@vestibule/space'
import { cryptoRandom, type Parts } from './driver/parts.ts'
import { InvitationError } from './errors.ts'
import type { Hosting } from './hosting.ts'
import type { Invitation, InvitationFields } from './invitation.ts'
import { Invitations } from './invitations.ts'
import { DeviceGuest } from './kind/device-guest.ts'
import { DeviceHost } from './kind/device-host.ts'
import type { InvitationLink } from './link/link.ts'
import { commitment, deriveLinkKeys } from './link/link-keys.ts'
import type { AuthenticatingInvitationProvider, CancellableInvitationObservable } from './observable.ts'
import { DEVICE_LIFETIME_S, hostChoices, type InvitationsOptions, type RearmOptions } from './options.ts'
import type { HandlerOptions } from './space-invitations-handler.ts'

/** How an invitation of a device is made or accepted. It is for one device, and a person confirms it: always. */
export interface DeviceInvitationsOptions
  extends Pick<
    InvitationsOptions,
    'codeLength' | 'codeAlphabet' | 'lifetime' | 'timeout' | 'persistent' | 'target' | 'signal'
  > {
  /** Host: `SHARED_SECRET` (a code, told over another channel) unless given, or `NONE` (the link is the secret). */
  readonly authMethod?: 'NONE' | 'SHARED_SECRET'
  /** Guest: what the device is to be called, shown to the person who confirms it; at most 64 bytes of UTF-8. */
  readonly label?: string
}

/** Where an identity is, or is to be. A {@link SpaceManager} on a device that has one; else the bare storage. */
export type DeviceHome =
  | Pick<SpaceManager, 'storage' | 'identity' | 'signingContext'>
  | { readonly storage: Storage }

/**
 * Adds a device to an identity, with all its spaces: the same face and the same protocol as for spaces.
 *
 * @example
 * // On the device that has the identity
 * const host = new DeviceInvitationsHandler(networkManager, spaceManager, keyring)
 * const inviting = host.createInvitation()
 * inviting.subscribe({
 *   onConnecting: ({ link, authCode }) => show(link, authCode),
 *   onRequests: async ({ requests: [request] }) => {
 *     if (request === undefined) return
 *     if (await confirm(`Add ${request.displayName}?`)) inviting.approve(request)
 *     else inviting.decline(request)
 *   },
 * })
 * // On the new one
 * const guest = new DeviceInvitationsHandler(networkManager, { storage }, keyring)
 * const joining = guest.acceptInvitation(link, { label: 'phone' })
 * joining.subscribe({ onAuthenticating: async () => joining.authenticate(await askForCode()) })
 * await joining.result()
 * const signingContext = await SigningContext.open({ keyring, storage })
 */
export class DeviceInvitationsHandler implements AsyncDisposable {
  readonly #home: DeviceHome
  readonly #parts: Parts
  readonly #invitations: Invitations

  /**
   * All of them are the application's: it opened them, and closes them after this.
   * @param home the manager of the identity's spaces, opened; on a device without an identity `{ storage }`
   */
  constructor(
    networkManager: NetworkManager,
    home: DeviceHome,
    keyring: Keyring,
    options: HandlerOptions = {},
  ) {
    const { clock = systemClock, random = cryptoRandom } = options
    this.#home = home
    this.#parts = { networkManager, storage: home.storage, keyring, clock, random }
    this.#invitations = new Invitations(this.#parts, 'DEVICE')
  }

  /**
   * Creates an invitation and listens for the new device. It lives ten minutes at most. Once the device has proven link,
   * code and keys it is among `invitation.requests`, and is added when `approve` says so.
   *
   * @throws TypeError for options that make no invitation; InvitationError `NO_IDENTITY`, `CLOSED`
   */
  createInvitation(options: DeviceInvitationsOptions = {}): CancellableInvitationObservable {
    const { lifetime = DEVICE_LIFETIME_S } = options
    if (lifetime > DEVICE_LIFETIME_S)
      throw new TypeError(`a lifetime is at most ${DEVICE_LIFETIME_S} seconds (10 min), got ${lifetime}`)
    const choices = hostChoices({ ...options, lifetime, approve: true })
    if (choices.authMethod === 'KNOWN_PUBLIC_KEY')
      throw new TypeError('a device that is invited has no identity yet whose key could be known')
    const hosting = this.#hosting()
    if (hosting === undefined) throw new InvitationError('NO_IDENTITY')
    return this.#invitations.create(hosting, choices, options)
  }

  /**
   * Looks for the host of an invitation and asks to become a device of its identity. With `SUCCESS` the storage holds
   * the identity: open it by `SigningContext.open`, and its spaces by a `SpaceManager`. A device of that identity
   * ends with `SUCCESS` at once, one of another with `ERROR` and `IDENTITY_EXISTS`.
   *
   * @param invitation a link (text or URL, untrusted), a parsed link, or an invitation that has one
   * @throws TypeError for a label that is too long; InvitationError `LINK_TOO_LONG`, `LINK_FOREIGN`, `LINK_MALFORMED`,
   *   `LINK_VERSION`, `UNSUPPORTED`, `CLOSED`
   */
  acceptInvitation(
    invitation: Invitation | InvitationLink | string,
    options: DeviceInvitationsOptions = {},
  ): AuthenticatingInvitationProvider {
    const { label = '' } = options
    if (new TextEncoder().encode(label).length > MAX_NAME_BYTES)
      throw new TypeError(`a name has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
    const { keyring, storage, clock } = this.#parts
    const asking = {
      kind: (link: InvitationLink) => new DeviceGuest({ keyring, storage, clock, label }, link),
      joined: (link: InvitationLink) => joined(link, { keyring, storage, clock }),
    }
    return this.#invitations.accept(invitation, asking, options)
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
  rearm(invitation: Invitation, options: RearmOptions = {}): CancellableInvitationObservable {
    return this.#invitations.rearm(invitation, options)
  }

  /**
   * Serves again what was made before a restart: open invitations, and those that have ended for a device whose
   * answer was lost. What was not `persistent` is cancelled, and what ended more than 48 hours ago is wiped.
   * @returns those that are open or locked, and were not served already
   * @throws InvitationError `STORAGE_FAILED` for a damaged record; storage and key errors
   */
  restore(): Promise<CancellableInvitationObservable[]> {
    return this.#invitations.restore(() => this.#hosting())
  }

  /** Stops serving and accepting. Invitations stay as they are in the storage. Idempotent. */
  close(): Promise<void> {
    return this.#invitations.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #hosting(): Hosting | undefined {
    if (!('identity' in this.#home)) return undefined
    const { identity, signingContext } = this.#home
    const { identityKey } = signingContext
    return {
      fields: { inviterName: identity.profile.displayName, identityKey: String(identityKey) },
      committed: () => identityKey.toBytes(),
      kind: () => new DeviceHost(identity),
      check: () => {},
    }
  }
}

/** @throws InvitationError `IDENTITY_EXISTS` */
async function joined(
  link: InvitationLink,
  own: { readonly keyring: Keyring; readonly storage: Storage; readonly clock: Clock },
): Promise<Partial<InvitationFields> | undefined> {
  try {
    const { identityKey, profile } = await SigningContext.open(own)
    const promised = commitment(deriveLinkKeys(link.secret), 'DEVICE', identityKey.toBytes())
    if (!equalBytes(link.commitment, promised)) throw new InvitationError('IDENTITY_EXISTS')
    return { identityKey: String(identityKey), inviterName: profile.displayName }
  } catch (error) {
    if (error instanceof SpaceError && error.code === 'NO_IDENTITY') return undefined
    throw error
  }
}
