import { type InvitationStanding, isAtLeast, type Membership, type Role } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'

/** An invitation of the space that any member may serve who may invite at its role, as things are. */
export interface Delegation {
  /** The id of the `DelegatedInvitation` credential. */
  readonly id: string
  /** 16 bytes: the id in the link. */
  readonly invitationId: Uint8Array
  readonly author: PublicKey
  readonly role: Role
  /** What of the history its guests read: see `AdmitOptions`. */
  readonly history: 'all' | 'none'
  readonly multiUse: boolean
  /** How many guests a multi-use invitation admits, where that was said. */
  readonly uses?: number
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** Wrong codes at other devices than this one. */
  readonly failedElsewhere: number
  /** Who came by it so far, at any device. */
  readonly redeemedBy: readonly PublicKey[]
  /**
   * Why it may be served no more: used up; called off, or somebody who may know its secrets may no longer invite;
   * its attempts are used up. Absent while it may be. Expiry is for whoever has a clock.
   */
  readonly ended?: 'REDEEMED' | 'CANCELLED' | 'LOCKED'
}

/** Whether somebody may delegate invitations at a role, and serve, and cancel, those of others. */
export function mayServe(membership: Membership, identity: PublicKey, role: Role): boolean {
  const own = membership.roleOf(identity)
  return own !== undefined && own !== role && isAtLeast(own, 'ADMIN') && isAtLeast(own, role)
}

/** What a standing is to a device of a member. */
export function delegationOf(
  { credential, claim, failedAt, redeemedBy, ended }: InvitationStanding,
  deviceKey: PublicKey,
): Delegation | undefined {
  const { id, issuer, issuedAtMs, expiresAtMs } = credential
  // Without a limit in time nobody would ever stop.
  if (expiresAtMs === undefined) return undefined
  const elsewhere = [...failedAt].filter(([device]) => device !== deviceKey)
  return {
    id,
    invitationId: claim.invitationId,
    author: issuer,
    role: claim.role,
    history: claim.history ?? 'all',
    multiUse: claim.multiUse,
    ...(claim.uses !== undefined && { uses: claim.uses }),
    createdAtMs: issuedAtMs,
    expiresAtMs,
    failedElsewhere: elsewhere.reduce((sum, [, failed]) => sum + failed, 0),
    redeemedBy,
    ...(ended && { ended }),
  }
}

/** What of them can change: the same text as long as nothing did. */
export const outlineOf = (delegations: readonly Delegation[]): string =>
  delegations
    .map(({ id, ended, failedElsewhere, redeemedBy }) =>
      [id, ended, failedElsewhere, ...redeemedBy.map(String)].join(' '),
    )
    .join()
