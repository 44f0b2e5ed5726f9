import { hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes, type Keyring } from '@vestibule/keys'
import { type Clock, type NetworkManager, systemClock } from '@vestibule/network'
import type { SigningContext, Space, SpaceManager } from '@vestibule/space'
import { delegateInvitation } from './delegated/delegate.ts'
import { DelegatedServing } from './delegated/delegated-serving.ts'
import { cryptoRandom } from './driver/parts.ts'
import { InvitationError } from './errors.ts'
import type { Hosting } from './hosting.ts'
import type { Invitation, InvitationFields } from './invitation.ts'
import { Invitations } from './invitations.ts'
import { DelegatedHost, isDelegated, nameOf } from './kind/delegated-host.ts'
import { SpaceGuest } from './kind/space-guest.ts'
import { SpaceHost } from './kind/space-host.ts'
import type { InvitationLink } from './link/link.ts'
import { isForAnother } from './link/link-guest.ts'
import { commitment, deriveLinkKeys } from './link/link-keys.ts'
import type { AuthenticatingInvitationProvider, CancellableInvitationObservable } from './observable.ts'
import { hostChoices, type InvitationsOptions, type RearmOptions } from './options.ts'
import type { SpaceTarget, StoredInvitation } from './records.ts'

/** What an application may replace, in tests mostly. */
export interface HandlerOptions {
  readonly clock?: Clock
  /** Cryptographic random bytes. */
  readonly random?: (length: number) => Uint8Array
  /**
   * Whether the delegated invitations of other members are served here, whenever the own role allows it; they are
   * unless this is false.
   */
  readonly serveDelegated?: boolean
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
  readonly #serving: DelegatedServing

  /** All four are the application's: it opened them, and closes them after this. */
  constructor(
    networkManager: NetworkManager,
    spaceManager: SpaceManager,
    signingContext: SigningContext,
    keyring: Keyring,
    options: HandlerOptions = {},
  ) {
    const { clock = systemClock, random = cryptoRandom, serveDelegated: servesOthers = true } = options
    const { storage } = spaceManager
    this.#spaceManager = spaceManager
    this.#signingContext = signingContext
    this.#keyring = keyring
    this.#invitations = new Invitations({ networkManager, storage, keyring, clock, random }, 'SPACE')
    this.#serving = new DelegatedServing({
      ...{ spaceManager, keyring, clock, servesOthers },
      invitations: this.#invitations,
      hostingOf: (space, { target }) => target && this.#hosting(space, target),
    })
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
    const { type, role, history } = choices
    const { key: spaceKey, heads: madeAfter } = space
    const target = { spaceKey, role, history, madeAfter }
    const hosting = this.#hosting(space, target)
    const made = type === 'DELEGATED' ? { ...hosting, ...this.#delegating(space, target) } : hosting
    return this.#invitations.create(made, choices, options)
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
   * answer was lost. What was not `persistent` is cancelled, and what ended more than 48 hours ago is wiped. Delegated ones
   * are served without it, and are once this resolves: see {@link SpaceInvitationsHandler.delegated}.
   * @returns those that are open or locked, and were not served already
   * @throws InvitationError `STORAGE_FAILED` for a damaged record; storage and key errors
   */
  async restore(): Promise<CancellableInvitationObservable[]> {
    await this.#serving.settled()
    return this.#invitations.restore(({ target }) => {
      const space = target && this.#spaceManager.get(target.spaceKey)
      return space && this.#hosting(space, target)
    })
  }

  /**
   * The delegated invitations of the active spaces that are served here, own ones and those of other members. To cancel
   * one ends it for all who serve it; any of them may. One that is locked can't be opened again: its code is with all.
   */
  delegated(): CancellableInvitationObservable[] {
    return this.#invitations.delegated()
  }

  /** Calls back with each delegated invitation that is served here from now on. @returns a function that ends it */
  onDelegated(listener: (observable: CancellableInvitationObservable) => void): () => void {
    return this.#invitations.onDelegated(listener)
  }

  /** Stops serving and accepting. Invitations stay as they are in the storage. Idempotent. */
  async close(): Promise<void> {
    await this.#serving.close()
    await this.#invitations.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #hosting(space: Space, target: SpaceTarget): Hosting {
    const { role, delegation } = target
    const author = delegation === undefined ? undefined : space.delegation(delegation)?.author
    const isOwn = author === undefined || author === this.#signingContext.identityKey
    return {
      fields: {
        role,
        spaceName: space.name,
        inviterName: isOwn ? this.#signingContext.profile.displayName : nameOf(space, author),
        spaceKey: String(space.key),
      },
      committed: () => hexToBytes(space.genesisId),
      target,
      kind: (invitationId, known) =>
        isDelegated(target)
          ? new DelegatedHost(space, this.#signingContext, target, invitationId, known)
          : new SpaceHost(space, this.#signingContext, target, invitationId, known),
      check: () => {
        if (!space.mayAdmit(role)) throw new InvitationError('NOT_ALLOWED')
      },
    }
  }

  #delegating(space: Space, target: SpaceTarget): Pick<Hosting, 'check' | 'delegate'> {
    return {
      check: () => {
        if (!space.mayDelegate(target.role)) throw new InvitationError('NOT_ALLOWED')
      },
      delegate: async (invitation, write) => {
        const storedAs = (id: string): StoredInvitation => ({
          ...invitation.stored,
          target: { ...target, madeAfter: [id], delegation: id },
        })
        const id = await delegateInvitation(space, target, invitation, (made) => [write(storedAs(made))])
        const stored = storedAs(id)
        return { stored, hosting: this.#hosting(space, stored.target ?? target) }
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
