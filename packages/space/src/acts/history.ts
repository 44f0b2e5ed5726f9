import type { Credential, Role } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { Roster } from '../roster.ts'

/** Something that a member did to the space itself, for display. */
export interface SpaceAct {
  /** The id of its credential, for `Space.why`. */
  readonly id: string
  /** What was done: the type of the claim. */
  readonly type: Credential['claim']['type']
  /** Who did it; the space itself for its genesis and its first owner. */
  readonly by: PublicKey
  /** Whom it is about, when it is somebody. */
  readonly about?: PublicKey
  /** The role that it gives. */
  readonly role?: Role
  /** Milliseconds since 1970 by the clock of whoever did it; nothing is decided by it. */
  readonly timestampMs: number
  /** Whether it counts, as things are. */
  readonly counts: boolean
}

/** Everything that was done to a space, each act behind what its author knew. */
export const historyOf = ({ membership }: Roster): SpaceAct[] =>
  membership.credentials().map((credential) => ({
    ...outlineOf(credential),
    counts: membership.counts(credential.id),
  }))

function outlineOf({ id, claim, issuer, issuedAtMs }: Credential) {
  const about =
    'member' in claim
      ? claim.member
      : 'identity' in claim && claim.identity !== issuer
        ? claim.identity
        : undefined
  return {
    id,
    type: claim.type,
    by: issuer,
    ...(about !== undefined && { about }),
    ...('role' in claim && { role: claim.role }),
    timestampMs: issuedAtMs,
  }
}
