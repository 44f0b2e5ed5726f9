import type { PublicKey } from '@vestibule/keys'
import type { DelegatedInvitation } from '../../claims/claims.ts'
import type { Credential } from '../../credential.ts'
import { type Act, ADMIN, isAbove, limitOf, rankOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'

/** A delegated invitation, as things are. */
export interface InvitationStanding {
  readonly credential: Credential
  readonly claim: DelegatedInvitation
  /** Attempts that failed, by the device that says so. */
  readonly failedAt: ReadonlyMap<PublicKey, number>
  /** Who came by it so far. */
  readonly redeemedBy: readonly PublicKey[]
  /**
   * Why it may be served no more: it was used up; it was called off, its author is out of office, or somebody is who
   * may know its secrets; its attempts are used up. Absent while it may be served.
   */
  readonly ended?: 'REDEEMED' | 'CANCELLED' | 'LOCKED'
}

/** A delegated invitation that may be served. */
export interface LiveInvitation {
  readonly credential: Credential
  readonly claim: DelegatedInvitation
  /** Attempts that failed, at all who serve it. */
  readonly failed: number
  /** Who came by it so far. */
  readonly redeemedBy: readonly PublicKey[]
}

/** What is left to be redeemed, in the order. */
export function liveInvitations(verdicts: Verdicts, nowMs?: number): LiveInvitation[] {
  return standings(verdicts).flatMap(({ credential, claim, failedAt, redeemedBy, ended }) => {
    if (ended !== undefined) return []
    const { expiresAtMs } = credential
    if (nowMs !== undefined && expiresAtMs !== undefined && expiresAtMs <= nowMs) return []
    return [{ credential, claim, failed: sumOf(failedAt), redeemedBy }]
  })
}

/** How it stands with all that are here, in the order. */
export function standings(verdicts: Verdicts): InvitationStanding[] {
  const { acts } = verdicts
  const all = [...(acts.byType.get('DelegatedInvitation') ?? [])].sort((a, b) => acts.causality.order(a, b))
  return all.flatMap((index) => standingAt(verdicts, index) ?? [])
}

/** How it stands with a delegated invitation, by the id of its credential. */
export function standingOf(verdicts: Verdicts, id: string): InvitationStanding | undefined {
  const index = verdicts.acts.find(id)
  return index === undefined ? undefined : standingAt(verdicts, index)
}

function standingAt(verdicts: Verdicts, index: number): InvitationStanding | undefined {
  const { acts } = verdicts
  const credential = acts.credential(index)
  const { claim, id } = credential
  if (claim.type !== 'DelegatedInvitation') return undefined
  const redemptions = (acts.redemptions.get(id) ?? []).filter((grant) => verdicts.counts(grant.index))
  const redeemedBy = [...new Set(redemptions.map(({ holder }) => holder))]
  const failedAt = failuresOf(verdicts, id)
  const standing = { credential, claim, failedAt, redeemedBy }
  const { multiUse, maxAttempts } = claim
  const uses = multiUse ? (claim.uses ?? Number.POSITIVE_INFINITY) : 1
  if (redeemedBy.length >= uses) return { ...standing, ended: 'REDEEMED' }
  const isOff =
    !verdicts.counts(index) ||
    !verdicts.isAuthorInOffice(index, (own) => verdicts.stands(own)) ||
    verdicts.cancelledBy(id) !== undefined ||
    redemptions.some((grant) => verdicts.endings(grant).some((at) => isRemoval(acts.act(at)))) ||
    mayBeKnown(verdicts, index, rankOf(claim.role))
  if (isOff) return { ...standing, ended: 'CANCELLED' }
  const allowed = maxAttempts + (multiUse ? redeemedBy.length : 0)
  return maxAttempts > 0 && sumOf(failedAt) >= allowed ? { ...standing, ended: 'LOCKED' } : standing
}

const isRemoval = ({ claim }: Act): boolean => claim.type === 'RemovedMember'

/**
 * Whether somebody who may serve an invitation, and so may know what is in its link, lost the right to, or a device of
 * theirs was revoked, without the invitation's author knowing it.
 */
function mayBeKnown(verdicts: Verdicts, index: number, role: number): boolean {
  const { acts } = verdicts
  const isNews = (at: number): boolean => !acts.before(at, index)
  const leavesLess = (at: number): boolean => {
    const left = rankOf(limitOf(acts.act(at)) ?? undefined)
    return left < ADMIN || left <= role
  }
  for (const [holder, grants] of acts.grants) {
    const serving = grants.filter((own) => isAbove(own, role) && verdicts.counts(own.index))
    if (serving.some((own) => verdicts.endings(own).some((at) => isNews(at) && leavesLess(at)))) return true
    if (serving.length === 0) continue
    for (const at of acts.devices.revocations(holder)) if (isNews(at) && verdicts.revokes(at)) return true
  }
  return false
}

/** Every device counts its own, and the highest number that it gave holds: the same in any order. */
function failuresOf(verdicts: Verdicts, id: string): Map<PublicKey, number> {
  const most = new Map<PublicKey, number>()
  for (const at of verdicts.acts.attempts.get(id) ?? []) {
    const { claim, signer } = verdicts.acts.act(at)
    if (claim.type === 'InvitationAttempts' && verdicts.counts(at))
      most.set(signer, Math.max(most.get(signer) ?? 0, claim.failed))
  }
  return most
}

const sumOf = (failedAt: ReadonlyMap<PublicKey, number>): number =>
  [...failedAt.values()].reduce((sum, one) => sum + one, 0)
