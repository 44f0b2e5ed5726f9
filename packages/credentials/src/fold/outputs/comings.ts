import type { PublicKey } from '@vestibule/keys'
import type { SpaceMember } from '../../claims/claims.ts'
import type { Credential } from '../../credential.ts'
import { limitOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'

/**
 * How a member came in: the claim of its admission. Of one whose role was changed it is the last admission that the
 * change knew.
 * @param since the id of the grant that decides the member's role
 */
export function admissionOf(verdicts: Verdicts, since: string): SpaceMember | undefined {
  const { acts } = verdicts
  const index = acts.find(since)
  const grant = index === undefined ? undefined : acts.grant(index)
  if (grant === undefined) return undefined
  if (grant.act.claim.type === 'SpaceMember') return grant.act.claim
  let latest: number | undefined
  for (const { index, act } of acts.grantsOf(grant.holder)) {
    if (act.claim.type !== 'SpaceMember' || !acts.before(index, grant.index) || !verdicts.counts(index))
      continue
    if (latest === undefined || acts.causality.order(latest, index) < 0) latest = index
  }
  const claim = latest === undefined ? undefined : acts.act(latest).claim
  return claim?.type === 'SpaceMember' ? claim : undefined
}

/** The acts that ended what somebody was, and left nothing of it: removals and departures that hold, in the order. */
export function departuresOf(verdicts: Verdicts, who: PublicKey): Credential[] {
  const { acts } = verdicts
  const grants = acts.grantsOf(who).filter(({ index }) => verdicts.counts(index))
  const enders = new Set(grants.flatMap((grant) => verdicts.endings(grant)))
  return [...enders]
    .filter((index) => limitOf(acts.act(index)) === null)
    .sort((a, b) => acts.causality.order(a, b))
    .map((index) => acts.credential(index))
}
