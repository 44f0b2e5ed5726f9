import type { PublicKey } from '@vestibule/keys'
import type { SigningContext, Space, StorageWrite } from '@vestibule/space'
import type { Preview } from '../protocol/messages.ts'
import type { KnownGuest } from '../protocol/proofs.ts'
import type { SpaceTarget } from '../records.ts'
import type { SharedInvitation, SharedStanding } from './kind.ts'
import { SpaceHost } from './space-host.ts'

/** Where a delegated invitation leads. */
export type DelegatedTarget = SpaceTarget & { readonly delegation: string }

export const isDelegated = (target: SpaceTarget): target is DelegatedTarget => target.delegation !== undefined

/** Invites into a space by an invitation of it, which other members serve as well: the space says how it stands. */
export class DelegatedHost extends SpaceHost {
  readonly shared: SharedInvitation
  readonly #author: PublicKey | undefined

  /** @param invitationId 16 bytes @param known whom the invitation is for, if that is said */
  constructor(
    space: Space,
    signingContext: SigningContext,
    target: DelegatedTarget,
    invitationId: Uint8Array,
    known?: KnownGuest,
  ) {
    super(space, signingContext, target, invitationId, known)
    this.shared = new InSpace(space, target.delegation)
    this.#author = space.delegation(target.delegation)?.author
  }

  /** Whoever invited is its author, not who happens to serve it. */
  override preview(): Preview {
    return { ...super.preview(), inviterName: nameOf(this.space, this.#author) }
  }
}

/** What a member is called in a space; empty for whoever is none. */
export const nameOf = (space: Space, identity: PublicKey | undefined): string =>
  space.members().find(({ identityKey }) => identityKey === identity)?.profile.displayName ?? ''

class InSpace implements SharedInvitation {
  readonly #space: Space
  readonly #id: string

  constructor(space: Space, id: string) {
    this.#space = space
    this.#id = id
  }

  standing(): SharedStanding {
    const delegation = this.#space.delegation(this.#id)
    // Its record is here, so the space had it: of a fork of its author's feed it may have been lost.
    if (delegation === undefined) return { failed: 0, admitted: [], ended: 'CANCELLED' }
    const { failedElsewhere: failed, redeemedBy: admitted, ended } = delegation
    return { failed, admitted, ...(ended && { ended }) }
  }

  onChange(look: () => void): () => void {
    return this.#space.subscribe({ onDelegations: look })
  }

  cancel(alsoWrite: readonly StorageWrite[]): Promise<void> {
    return this.#space.cancelDelegation(this.#id, { alsoWrite })
  }

  countAttempts(failed: number): Promise<void> {
    return this.#space.countAttempts(this.#id, failed)
  }
}
