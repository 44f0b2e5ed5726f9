import type { PublicKey } from '@vestibule/keys'
import type { Role } from '../../roles.ts'
import { type Grant, OWNER, rankOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'

/**
 * Whether somebody may remove a member now.
 * @param acting the grant whose holder stands in for an owner, when none is left
 */
export function mayRemove(
  verdicts: Verdicts,
  acting: Grant | undefined,
  identity: PublicKey,
  member: PublicKey,
): boolean {
  const standing = standingOf(verdicts, member)
  if (standing.length === 0) return false
  return identity === member || standing.every((grant) => mayTake(verdicts, acting, identity, grant))
}

/** Whether somebody, who may grant a role or not, may make it the role of a member now; see {@link mayRemove}. */
export function mayChange(
  verdicts: Verdicts,
  acting: Grant | undefined,
  identity: PublicKey,
  member: PublicKey,
  role: Role,
  mayGrant: boolean,
): boolean {
  const standing = standingOf(verdicts, member)
  const higher = standing.filter((grant) => rankOf(grant.role) > rankOf(role))
  if (identity === member) return higher.length > 0
  return (
    standing.length > 0 && mayGrant && higher.every((grant) => mayTake(verdicts, acting, identity, grant))
  )
}

const standingOf = (verdicts: Verdicts, who: PublicKey): Grant[] =>
  verdicts.acts.grantsOf(who).filter((grant) => verdicts.stands(grant))

/** Whether somebody, an acting owner too, is above the holder of a grant now. */
function mayTake(verdicts: Verdicts, acting: Grant | undefined, identity: PublicKey, grant: Grant): boolean {
  const { acts } = verdicts
  const own = standingOf(verdicts, identity)
  if (own.some((one) => acts.outranks(one, grant))) return true
  if (rankOf(grant.role) >= OWNER) return false
  return acting !== undefined && acting.holder === identity && acts.better(acting, grant)
}
