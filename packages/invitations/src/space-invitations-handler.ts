import { hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes, type Keyring } from '@vestibule/keys'
import { type Clock, type NetworkManager, systemClock } from '@vestibule/network'
import type { SigningContext, Space, SpaceManager } from '@vestibule/space'
import { cryptoRandom } from './driver/parts.ts'
import { InvitationError } from './errors.ts'
import type { Invitation, InvitationFields } from './invitation.ts'
import { type Hosting, Invitations } from './invitations.ts'
import { SpaceGuest } from './kind/space-guest.ts'
import { SpaceHost } from './kind/space-host.ts'
import type { InvitationLink } from './link/link.ts'
import { isForAnother } from './link/link-guest.ts'
import { commitment, deriveLinkKeys } from './link/link-keys.ts'
import type { AuthenticatingInvitationProvider, CancellableInvitationObservable } from './observable.ts'
import { hostChoices, type InvitationsOptions, type RearmOptions } from './options.ts'
import type { SpaceTarget } from './records.ts'

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
  readonly #spaceManager: SpaceManager
  readonly #signingContext: SigningContext
  readonly #keyring: Keyring
  readonly #invitations: Invitations

  /** All four are the application's: it opened them, and closes them after this. */
  constructor(
    networkManager: NetworkManager,
    spaceManager: SpaceManager,
    signingContext: SigningContext,
    keyring: Keyring,
    options: HandlerOptions = {},
  ) {
    const { clock = systemClock, random = cryptoRandom } = options
    const { storage } = spaceManager
    this.#spaceManager = spaceManager
    this.#signingContext = signingContext
    this.#keyring = keyring
    this.#invitations = new Invitations({ networkManager, storage, keyring, clock, random }, 'SPACE')
  }

  /**
   * Creates an invitation and listens for a join request from the invited (guest) peer.
   *
   * It is durable before `invitation.link` appears, with `CONNECTING`; after a restart `restore` serves it again,
   * unless `persistent` is false.
   * The observable ends with `ERROR` and `NOT_ALLOWED` when the own role does not allow to admit at that role.
   *
   * @throws TypeError for options that make no invitation; InvitationError `CLOSED`
   */
  createInvitation(space: Space, options: InvitationsOptions = {}): CancellableInvitationObservable {
    const choices = hostChoices(options)
    const { key: spaceKey, heads: madeAfter } = space
    const hosting = this.#hosting(space, {
      spaceKey,
      role: choices.role,
      history: choices.history,
      madeAfter,
    })
    return this.#invitations.create(hosting, choices, options)
  }

  /**
   * Looks for the host of an invitation and asks it for admission. The same link accepted again meanwhile gives
   * the same provider; one of a space that this identity is a member of already ends with `SUCCESS` at once, and one
   * that is for another identity with `ERROR` and `WRONG_GUEST`, before anybody hears of it.
   *
   * @param invitation a link (text or URL, untrusted), a parsed link, or an invitation that has one
   * @throws InvitationError `LINK_TOO_LONG`, `LINK_FOREIGN`, `LINK_MALFORMED`, `LINK_VERSION`, `UNSUPPORTED`, `CLOSED`
   */
  acceptInvitation(
    invitation: Invitation | InvitationLink | string,
    options: InvitationsOptions = {},
  ): AuthenticatingInvitationProvider {
    const guest = {
      keyring: this.#keyring,
      signingContext: this.#signingContext,
      spaceManager: this.#spaceManager,
    }
    const asking = {
      kind: (link: InvitationLink) => new SpaceGuest(guest, link),
      joined: async (link: InvitationLink) => this.#joined(link),
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
   * Serves again what was made before a restart: open invitations, and those that have ended for guests whose
   * answer was lost. What was not `persistent` is cancelled, and what ended more than 48 hours ago is wiped.
   * @returns those that are open or locked, and were not served already
   * @throws InvitationError `STORAGE_FAILED` for a damaged record; storage and key errors
   */
  restore(): Promise<CancellableInvitationObservable[]> {
    return this.#invitations.restore(({ target }) => {
      const space = target && this.#spaceManager.get(target.spaceKey)
      return space && this.#hosting(space, target)
    })
  }

  /** Stops serving and accepting. Invitations stay as they are in the storage. Idempotent. */
  close(): Promise<void> {
    return this.#invitations.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #hosting(space: Space, target: SpaceTarget): Hosting {
    const { role } = target
    return {
      fields: {
        role,
        spaceName: space.name,
        inviterName: this.#signingContext.profile.displayName,
        spaceKey: String(space.key),
      },
      committed: () => hexToBytes(space.genesisId),
      target,
      kind: (invitationId, known) => new SpaceHost(space, this.#signingContext, target, invitationId, known),
      check: () => {
        if (!space.mayAdmit(role)) throw new InvitationError('NOT_ALLOWED')
      },
    }
  }

  /** @throws InvitationError `WRONG_GUEST` */
  #joined(link: InvitationLink): Partial<InvitationFields> | undefined {
    const keys = deriveLinkKeys(link.secret)
    const isPromised = ({ genesisId }: Space): boolean =>
      equalBytes(link.commitment, commitment(keys, 'SPACE', hexToBytes(genesisId)))
    const space = this.#spaceManager.list().find(isPromised)
    if (space === undefined || space.removal !== undefined) {
      if (isForAnother(link, this.#signingContext.identityKey)) throw new InvitationError('WRONG_GUEST')
      return undefined
    }
    return { spaceKey: String(space.key), spaceName: space.name }
  }
}
