import type { PublicKey } from '@vestibule/keys'
import { SpaceError } from '../error.ts'
import type { ForkProof } from '../feed/fork.ts'
import type { SpaceStore } from '../space-store.ts'

/** A feed whose key signed two histories: its device was restored from an older copy, or its owner cheats. */
export interface ForkedFeed {
  readonly feed: PublicKey
  /** So many entries are the same in both. They count. */
  readonly length: number
  /** Whose feed it is, as far as it is known. */
  readonly member?: PublicKey
  readonly device?: PublicKey
}

/** The feeds of a space that forked, as far as that is known here. */
export const forkedFeedsOf = ({ forks, roster }: SpaceStore): ForkedFeed[] =>
  [...forks.proofs.values()].map(({ feed, at }) => {
    const { member, device } = roster.feed(feed) ?? {}
    return { feed, length: at, ...(member && { member }), ...(device && { device }) }
  })

/** How a fork is told to the application. */
export function forkProblem(whose: 'OWN' | 'OTHER', { feed, at }: ForkProof): SpaceError {
  const text =
    whose === 'OWN'
      ? 'this device wrote on from an older copy of its storage, and goes on with a fresh feed; what it wrote in the old one since that copy was made does not count'
      : `two histories of the feed ${feed.toHex()}; its first ${at} entries count`
  return new SpaceError('FORKED', text)
}
