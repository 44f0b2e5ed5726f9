import type { PublicKey } from '@vestibule/keys'
import type { Credential } from '../../credential.ts'
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

/** Whether a device was revoked, or fell with all that named it. Of one that no act names nothing is known. */
export function isRevoked(verdicts: Verdicts, identity: PublicKey, device: PublicKey): boolean {
  const { devices } = verdicts.acts
  const level = devices.level(identity, device)
  if (level === undefined || !devices.isRevoking(identity)) return false
  if (devices.revocations(identity, device).some((at) => verdicts.revokes(at))) return true
  return level >= 1 && !devices.namingsAbove(identity, device).some((at) => verdicts.fits(at))
}

/** By which acts an identity named its devices, the first for each; those that were revoked are left out. */
export function devicesOf(verdicts: Verdicts, identity: PublicKey): Credential[] {
  const { acts } = verdicts
  const named = new Map<PublicKey, Credential>()
  for (const index of acts.by(identity).sort((a, b) => acts.causality.order(a, b))) {
    const { claim } = acts.act(index)
    if (claim.type !== 'AuthorizedDevice' || named.has(claim.device)) continue
    if (verdicts.counts(index) && !isRevoked(verdicts, identity, claim.device))
      named.set(claim.device, acts.credential(index))
  }
  return [...named.values()]
}

/** The recovery keys of the members, as they were named; those that were revoked are left out. */
export function recoveriesOf(verdicts: Verdicts): Credential[] {
  const { acts } = verdicts
  const named = [...(acts.byType.get('IdentityRecovery') ?? [])].sort((a, b) => acts.causality.order(a, b))
  return named.flatMap((index) => {
    const { claim, issuer } = acts.act(index)
    const holds =
      claim.type === 'IdentityRecovery' &&
      verdicts.counts(index) &&
      !isRevoked(verdicts, issuer, claim.recoveryKey) &&
      acts.grantsOf(issuer).some((grant) => verdicts.stands(grant))
    return holds ? [acts.credential(index)] : []
  })
}
