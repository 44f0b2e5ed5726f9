import type { PublicKey } from '@vestibule/keys'
import type { FeedHead, FeedPurpose } from '../../claims/claims.ts'
import { rankOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'

/** Where a data feed ends: entries from `length` on are hidden, not deleted, for the cut may lapse. */
export interface Cut {
  readonly length: number
  /** The id of the credential that cuts. */
  readonly credential: string
}

type Fed = ReadonlyMap<
  PublicKey,
  { readonly member: PublicKey; readonly purpose: FeedPurpose; readonly credential: string }
>

/**
 * An output of the fold and never an input. What took a member's right to write cuts the data feeds that it did
 * not know to be admitted anew, at the heads that it names and the others at nothing; never below what the latest
 * epoch in its past recorded. Of several the lowest holds.
 */
export function cutsOf(verdicts: Verdicts, feeds: Fed): ReadonlyMap<PublicKey, Cut> {
  const { acts } = verdicts
  const epochs = (acts.byType.get('Epoch') ?? []).filter((index) => verdicts.counts(index))
  const losses = new Map<PublicKey, readonly number[]>()
  const cuts = new Map<PublicKey, Cut>()
  for (const [feed, { member, purpose, credential }] of feeds) {
    if (purpose !== 'DATA') continue
    const enders = losses.get(member) ?? lossesOf(verdicts, member)
    losses.set(member, enders)
    for (const ender of enders) {
      if (acts.before(ender, acts.at(credential))) continue
      const { claim, id } = acts.act(ender)
      const named = 'heads' in claim ? lengthIn(claim.heads, feed) : 0
      const length = Math.max(named, recorded(verdicts, epochs, ender, feed))
      const other = cuts.get(feed)
      if (other === undefined || length < other.length || (length === other.length && id < other.credential))
        cuts.set(feed, Object.freeze({ length, credential: id }))
    }
  }
  return cuts
}

/** The acts by which a member lost the right to write, other than for a grant that is not a later one. */
function lossesOf(verdicts: Verdicts, member: PublicKey): number[] {
  const { acts } = verdicts
  const writing = acts
    .grantsOf(member)
    .filter(({ role, index }) => rankOf(role) >= rankOf('EDITOR') && verdicts.counts(index))
  const standing = writing.filter((grant) => verdicts.stands(grant))
  return [...new Set(writing.flatMap((grant) => verdicts.endings(grant)))].filter((ender) => {
    const { claim } = acts.act(ender)
    if (claim.type === 'ChangedRole' && rankOf(claim.role) >= rankOf('EDITOR')) return false
    return standing.every((grant) => acts.before(ender, grant.index))
  })
}

function recorded(verdicts: Verdicts, epochs: readonly number[], ender: number, feed: PublicKey): number {
  const { acts } = verdicts
  let latest: number | undefined
  for (const epoch of epochs)
    if (acts.before(epoch, ender) && (latest === undefined || acts.causality.order(latest, epoch) < 0))
      latest = epoch
  const claim = latest === undefined ? undefined : acts.act(latest).claim
  return claim?.type === 'Epoch' ? lengthIn(claim.heads, feed) : 0
}

const lengthIn = (heads: readonly FeedHead[], feed: PublicKey): number =>
  heads.find((head) => head.feed === feed)?.length ?? 0
