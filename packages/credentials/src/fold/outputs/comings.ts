import type { PublicKey } from '@vestibule/keys'
import type { Credential } from '../../credential.ts'
import { type Grant, limitOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'

/** How a member came in. */
export interface Admission {
  /** The id of the `SpaceMember` credential. */
  readonly credential: string
  /** 16 bytes, a copy: the invitation that it names. */
  readonly invitationId?: Uint8Array
}

/**
 * The admission behind a grant.
 * @param since the id of the grant that decides the member's role
 */
export function admissionOf(verdicts: Verdicts, since: string): Admission | undefined {
  const { acts } = verdicts
  const index = acts.find(since)
  const grant = index === undefined ? undefined : acts.grant(index)
  const admission = grant && admissionBehind(verdicts, grant)
  return admission && shown(verdicts, admission)
}

/**
 * The grant that brought the holder in: itself, or of one whose role was changed the last that the change knew.
 * @param does which of those do; the ones that count when it is left out
 */
export function admissionBehind(
  verdicts: Verdicts,
  grant: Grant,
  does: (index: number) => boolean = (index) => verdicts.counts(index),
): Grant | undefined {
  const { acts } = verdicts
  if (grant.act.claim.type === 'SpaceMember') return grant
  let latest: Grant | undefined
  for (const other of acts.grantsOf(grant.holder)) {
    const isKnown = other.act.claim.type === 'SpaceMember' && acts.before(other.index, grant.index)
    if (!isKnown || !does(other.index)) continue
    if (latest === undefined || acts.causality.order(latest.index, other.index) < 0) latest = other
  }
  return latest
}

function shown({ acts }: Verdicts, { act, index }: Grant): Admission {
  const { claim, id: credential } = act
  if (claim.type !== 'SpaceMember') throw new TypeError(`${credential} admits nobody`)
  const redeemed = claim.delegation === undefined ? undefined : acts.invitation(claim.delegation, index)
  const invitationId = claim.invitationId ?? redeemed?.invitationId
  return { credential, ...(invitationId && { invitationId: invitationId.slice() }) }
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

/** The redemption of a single use that stands in place of one by which somebody came. */
export function supersededBy(verdicts: Verdicts, who: PublicKey): Credential | undefined {
  for (const grant of verdicts.acts.grantsOf(who)) {
    const first = verdicts.fitsRedemption(grant) ? verdicts.beatenBy(grant) : undefined
    if (first !== undefined) return verdicts.acts.credential(first.index)
  }
  return undefined
}
