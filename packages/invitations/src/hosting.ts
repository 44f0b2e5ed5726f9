import type { Redacted } from '@vestibule/keys'
import type { StorageWrite } from '@vestibule/space'
import type { InvitationFields } from './invitation.ts'
import type { GuestKind, HostKind } from './kind/kind.ts'
import type { InvitationLink } from './link/link.ts'
import type { KnownGuest } from './protocol/proofs.ts'
import type { SpaceTarget, StoredInvitation } from './records.ts'

/** What an invitation leads to, on its host. */
export interface Hosting {
  /** What the application sees of it. */
  readonly fields: Partial<InvitationFields>
  /** What the link commits to: the id of the space's genesis, or the identity key. 32 bytes. */
  readonly committed: () => Uint8Array
  readonly target?: SpaceTarget
  /**
   * @param invitationId 16 bytes
   * @param known whom the invitation is for, if that is said
   */
  readonly kind: (invitationId: Uint8Array, known?: KnownGuest) => HostKind
  /** @throws InvitationError `NOT_ALLOWED` */
  readonly check: () => void
  /**
   * Of an invitation that others serve as well: states it in the space, in one transaction with what is written of it.
   * @returns how it is hosted from then on
   */
  readonly delegate?: (
    invitation: { readonly stored: StoredInvitation; readonly hostSecret: Redacted<Uint8Array> },
    write: (stored: StoredInvitation) => StorageWrite,
  ) => Promise<{ readonly hosting: Hosting; readonly stored: StoredInvitation }>
}

/** What an acceptance asks for, on its guest. */
export interface Asking {
  readonly kind: (link: InvitationLink) => GuestKind
  /**
   * @returns what the application is told when there is nothing to ask for any more
   * @throws InvitationError when this guest can't ask
   */
  readonly joined: (link: InvitationLink) => Promise<Partial<InvitationFields> | undefined>
}
