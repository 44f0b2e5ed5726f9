import type { Space } from '@vestibule/space'
import type { Child } from '../child.ts'
import type { BenchPeer } from '../peer.ts'
import type { CaughtUp, SyncGuestService } from './sync-guest.ts'

const TIMEOUT_MS = 300_000
/** So many small messages that were written one after the other end up in one record, under the last one's signature. */
const MERGED_MESSAGES = 32
/** Messages that are not merged. */
const LARGE_BYTES = 4096

/**
 * Writes so many messages of so many bytes, and leaves the feed as it is when each is written after the one before:
 * small ones are written as many at once as become one record anyway, which takes a fraction of the time.
 */
export async function fill(space: Space, count: number, bytes: number): Promise<void> {
  const together = bytes < LARGE_BYTES ? MERGED_MESSAGES : 1
  for (let n = 0; n < count; n += together) {
    const some = Array.from({ length: Math.min(together, count - n) }, (_, i) => n + i)
    await Promise.all(some.map((one) => space.write(new Uint8Array(bytes).fill(one))))
  }
}

/** Invites a new guest, and lets it catch up. */
export async function catchUp(
  host: BenchPeer,
  guest: Child<SyncGuestService>,
  space: Space,
): Promise<CaughtUp> {
  const observable = host.invitations.createInvitation(space, { authMethod: 'NONE', timeout: TIMEOUT_MS })
  const shared = Promise.withResolvers<Promise<CaughtUp>>()
  observable.subscribe({ onConnecting: ({ link = '' }) => shared.resolve(guest.call('catchUp', link)) })
  const [caughtUp] = await Promise.all([shared.promise, observable.result()])
  return caughtUp
}
