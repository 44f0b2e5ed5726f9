import type { PublicKey } from '@vestibule/keys'
import type { Profile } from '../claims/claims.ts'
import type { Credential } from '../credential.ts'
import type { Role } from '../roles.ts'
import { type Grant, OWNER, rankOf } from './acts.ts'
import type { Verdicts } from './verdicts.ts'

/** The best standing grant of everybody who has one, the best of all first. */
export function bestGrants(verdicts: Verdicts): Grant[] {
  const { acts } = verdicts
  const out: Grant[] = []
  for (const grants of acts.grants.values()) {
    let best: Grant | undefined
    for (const grant of grants)
      if ((best === undefined || acts.better(grant, best)) && verdicts.stands(grant)) best = grant
    if (best !== undefined) out.push(best)
  }
  return out.sort((a, b) => (acts.better(a, b) ? -1 : 1))
}

/** The grant whose holder stands in for an owner, when none is left. */
export function actingOwner([best]: readonly Grant[]): Grant | undefined {
  return best === undefined || best.role === 'OWNER' ? undefined : best
}

/** How a member wants to be shown: its latest word on it, or else what it was admitted with. */
export function profileOf(verdicts: Verdicts, grant: Grant): Profile {
  const { acts } = verdicts
  let latest: number | undefined
  for (const at of acts.profilesOf.get(grant.holder) ?? [])
    if (verdicts.counts(at) && (latest === undefined || acts.causality.order(latest, at) < 0)) latest = at
  const said = latest === undefined ? undefined : acts.credential(latest).claim
  if (said?.type === 'MemberProfile') return said.profile
  const admissions = acts
    .grantsOf(grant.holder)
    .filter(({ index, credential }) => credential.claim.type === 'SpaceMember' && verdicts.counts(index))
    .sort((a, b) => (acts.better(a, b) ? -1 : 1))
  const shown = grant.credential.claim.type === 'SpaceMember' ? grant : admissions[0]
  return shown?.credential.claim.type === 'SpaceMember' ? shown.credential.claim.profile : NAMELESS
}

const NAMELESS: Profile = Object.freeze({ displayName: '' })

export function mayRemove(verdicts: Verdicts, identity: PublicKey, member: PublicKey): boolean {
  const standing = standingOf(verdicts, member)
  if (standing.length === 0) return false
  return identity === member || standing.every((grant) => mayTake(verdicts, identity, grant))
}

export function mayChange(
  verdicts: Verdicts,
  identity: PublicKey,
  member: PublicKey,
  role: Role,
  mayGrant: boolean,
): boolean {
  const standing = standingOf(verdicts, member)
  const higher = standing.filter((grant) => rankOf(grant.role) > rankOf(role))
  if (identity === member) return higher.length > 0
  return standing.length > 0 && mayGrant && higher.every((grant) => mayTake(verdicts, identity, grant))
}

const standingOf = (verdicts: Verdicts, who: PublicKey): Grant[] =>
  verdicts.acts.grantsOf(who).filter((grant) => verdicts.stands(grant))

/** Whether somebody, an acting owner too, is above the holder of a grant now. */
function mayTake(verdicts: Verdicts, identity: PublicKey, grant: Grant): boolean {
  const { acts } = verdicts
  const own = standingOf(verdicts, identity)
  if (own.some((one) => acts.outranks(one, grant))) return true
  if (rankOf(grant.role) >= OWNER) return false
  const acting = actingOwner(bestGrants(verdicts))
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
    const credential = acts.credential(index)
    const { claim } = credential
    if (claim.type !== 'AuthorizedDevice' || named.has(claim.device)) continue
    if (verdicts.counts(index) && !isRevoked(verdicts, identity, claim.device))
      named.set(claim.device, credential)
  }
  return [...named.values()]
}

/** The recovery keys of the members, as they were named; those that were revoked are left out. */
export function recoveriesOf(verdicts: Verdicts): Credential[] {
  const { acts } = verdicts
  const named = [...(acts.byType.get('IdentityRecovery') ?? [])].sort((a, b) => acts.causality.order(a, b))
  return named.flatMap((index) => {
    const credential = acts.credential(index)
    const { claim, issuer } = credential
    const holds =
      claim.type === 'IdentityRecovery' &&
      verdicts.counts(index) &&
      !isRevoked(verdicts, issuer, claim.recoveryKey) &&
      acts.grantsOf(issuer).some((grant) => verdicts.stands(grant))
    return holds ? [credential] : []
  })
}
