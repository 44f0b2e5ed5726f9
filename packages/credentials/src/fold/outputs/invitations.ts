import type { PublicKey } from '@vestibule/keys'
import type { DelegatedInvitation } from '../../claims/claims.ts'
import type { Credential } from '../../credential.ts'
import type { Verdicts } from '../verdicts.ts'

/** A delegated invitation that may be served. */
export interface LiveInvitation {
  readonly credential: Credential
  readonly claim: DelegatedInvitation
  /** Attempts that failed, at all who serve it. */
  readonly failed: number
  /** Who came by it so far. */
  readonly redeemedBy: readonly PublicKey[]
}

/**
 * What is left to be redeemed: written by somebody still in office, not cancelled, not used up by a redemption
 * or by failed attempts.
 */
export function liveInvitations(verdicts: Verdicts, nowMs?: number): LiveInvitation[] {
  const { acts } = verdicts
  const all = [...(acts.byType.get('DelegatedInvitation') ?? [])].sort((a, b) => acts.causality.order(a, b))
  return all.flatMap((index) => {
    const credential = acts.credential(index)
    const { claim, id, expiresAtMs } = credential
    if (claim.type !== 'DelegatedInvitation' || !verdicts.counts(index)) return []
    if (nowMs !== undefined && expiresAtMs !== undefined && expiresAtMs <= nowMs) return []
    if (!verdicts.isAuthorInOffice(index, (own) => verdicts.stands(own))) return []
    if (verdicts.cancelledBy(id) !== undefined) return []
    const redeemed = (acts.redemptions.get(id) ?? []).filter((grant) => verdicts.counts(grant.index))
    if (!claim.multiUse && redeemed.length > 0) return []
    const failed = failedAttempts(verdicts, id)
    if (claim.maxAttempts > 0 && failed >= claim.maxAttempts) return []
    return [{ credential, claim, failed, redeemedBy: [...new Set(redeemed.map(({ holder }) => holder))] }]
  })
}

/** Every device counts its own, and the highest number that it gave holds: the same in any order. */
function failedAttempts(verdicts: Verdicts, id: string): number {
  const most = new Map<PublicKey, number>()
  for (const at of verdicts.acts.attempts.get(id) ?? []) {
    const { claim, signer } = verdicts.acts.act(at)
    if (claim.type === 'InvitationAttempts' && verdicts.counts(at))
      most.set(signer, Math.max(most.get(signer) ?? 0, claim.failed))
  }
  return [...most.values()].reduce((sum, one) => sum + one, 0)
}
