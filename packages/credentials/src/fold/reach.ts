import type { PublicKey } from '@vestibule/keys'
import { type Grant, holderOf, limitOf } from './acts.ts'
import type { Verdicts } from './verdicts.ts'

/**
 * The acts whose verdicts a late act may change, itself not among them. An act that changes nothing as things are
 * reaches nothing, so that a storm of them is cheap: when it comes to count, whatever made it count reaches it,
 * and through it the rest.
 */
export function reach(verdicts: Verdicts, late: number, moved: boolean): Set<number> {
  const { acts } = verdicts
  const reached = new Set<number>()
  const todo: number[] = []
  const visit = (index: number): void => {
    if (index === late || reached.has(index)) return
    reached.add(index)
    todo.push(index)
  }
  for (const index of first(verdicts, late, moved)) visit(index)
  if (todo.length > 0) for (const index of verdicts.witnesses.take(-1)) visit(index)
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    for (const index of verdicts.witnesses.take(at)) visit(index)
    const act = acts.act(at)
    const { claim, issuer, id } = act
    const holder = holderOf(act)
    const grant = acts.grant(at)
    if (holder !== undefined && acts.filed(at).length > 0)
      for (const index of ended(verdicts, at, holder)) visit(index)
    else if (grant !== undefined) for (const index of resting(verdicts, grant)) visit(index)
    if (claim.type === 'SpaceMember' && grant !== undefined)
      for (const index of rivals(verdicts, grant)) visit(index)
    if (claim.type === 'CancelledInvitation')
      for (const { index } of acts.redemptions.get(claim.delegation) ?? []) visit(index)
    if (claim.type === 'DelegatedInvitation')
      for (const { index } of acts.redemptions.get(id) ?? []) visit(index)
    if (claim.type === 'RevokedDevice') for (const index of revoked(verdicts, at)) visit(index)
    if (claim.type === 'RevokedDevice') for (const index of acts.byType.get('Epoch') ?? []) visit(index)
    if (claim.type === 'AuthorizedDevice' || claim.type === 'IdentityRecovery')
      for (const index of acts.by(issuer)) visit(index)
    if (claim.type === 'AuthorizedDevice') for (const index of acts.hosted.get(issuer) ?? []) visit(index)
  }
  return reached
}

/** What the late act itself changes. */
function first(verdicts: Verdicts, late: number, moved: boolean): number[] {
  const { acts } = verdicts
  const act = acts.act(late)
  const { claim, issuer } = act
  const out: number[] = []
  if (moved && acts.devices.isRevoking(issuer)) out.push(...acts.by(issuer))
  const holder = holderOf(act)
  if (
    limitOf(act) !== undefined &&
    holder !== undefined &&
    acts.filed(late).some((grant) => isNews(verdicts, late, grant))
  )
    out.push(...ended(verdicts, late, holder).filter((index) => isShaken(verdicts, index)))
  const grant = acts.grant(late)
  // One that is itself beaten may still beat another, of whoever beat it.
  if (claim.type === 'SpaceMember' && grant !== undefined && verdicts.fitsRedemption(grant))
    out.push(...rivals(verdicts, grant))
  if (claim.type === 'CancelledInvitation' && verdicts.fits(late))
    for (const { index } of acts.redemptions.get(claim.delegation) ?? [])
      if (!acts.before(index, late)) out.push(index)
  if (claim.type === 'RevokedDevice' && verdicts.revokes(late)) out.push(...revoked(verdicts, late))
  return out
}

/** Whether an ender takes anything that one before it, which knew no more, has not taken already. */
function isNews(verdicts: Verdicts, ender: number, grant: Grant): boolean {
  const endings = verdicts.endings(grant)
  return endings.includes(ender) && !endings.some((other) => verdicts.acts.before(other, ender))
}

/** What is void already stays so when a grant ends, unless it can do something without counting. */
function isShaken(verdicts: Verdicts, index: number): boolean {
  return (
    verdicts.fits(index) || verdicts.acts.filed(index).length > 0 || verdicts.acts.grant(index) !== undefined
  )
}

/** What may rest on the grants of somebody, and an ender of them does not know; and feeds admitted for them after it. */
function ended({ acts }: Verdicts, ender: number, holder: PublicKey): number[] {
  const unknown = (index: number) => !acts.before(index, ender)
  const redeemed = (acts.delegationsBy.get(holder) ?? []).flatMap((id) => acts.redemptions.get(id) ?? [])
  return [
    ...acts.unknownTo(ender, holder),
    ...redeemed.map(({ index }) => index).filter(unknown),
    ...(acts.hosted.get(holder) ?? []).filter((index) => acts.before(ender, index)),
  ]
}

/** What may rest on a grant. */
function resting({ acts }: Verdicts, { index, holder }: Grant): number[] {
  return [...acts.unknownTo(index, holder), ...(acts.hosted.get(holder) ?? [])].filter((act) =>
    acts.before(index, act),
  )
}

/** The redemptions that come after one in the race for a single use. */
function rivals({ acts }: Verdicts, grant: Grant): number[] {
  const { claim } = grant.act
  if (claim.type !== 'SpaceMember' || claim.delegation === undefined) return []
  if (acts.invitation(claim.delegation, grant.index)?.multiUse !== false) return []
  return (acts.redemptions.get(claim.delegation) ?? [])
    .filter((other) => acts.causality.order(grant.index, other.index) < 0)
    .map(({ index }) => index)
}

/** What a revoked device signed, and those that it may have named, as far as the revocation does not know it. */
function revoked({ acts }: Verdicts, at: number): number[] {
  const { claim, issuer } = acts.act(at)
  if (claim.type !== 'RevokedDevice') return []
  const { device } = claim
  return acts.unknownTo(
    at,
    issuer,
    (signer) => signer === device || !acts.devices.isSenior(issuer, signer, device),
  )
}
