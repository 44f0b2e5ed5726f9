import { type FeedHead, MAX_HEADS } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { SpaceStore } from '../space-store.ts'

/**
 * How far a member's data feeds are known here, ascending by key, as whoever takes its right to write names them: what
 * it wrote beyond does not count. Of more feeds than an act can name the longest ones.
 */
export function dataHeadsOf(store: SpaceStore, member: PublicKey): FeedHead[] {
  const heads = [...store.roster.membership.feeds()].flatMap(([key, info]) => {
    if (info.member !== member || info.purpose !== 'DATA') return []
    const head = store.feed(key)?.head
    return head === undefined || head.length === 0 ? [] : [head]
  })
  return heads
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_HEADS)
    .map(({ feed, length, hash }) => ({ feed, length, hash }))
    .sort((a, b) => (a.feed.toHex() < b.feed.toHex() ? -1 : 1))
}
