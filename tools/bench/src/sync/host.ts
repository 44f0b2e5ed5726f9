import type { Space } from '@vestibule/space'
import type { Child } from '../child.ts'
import type { BenchPeer } from '../peer.ts'
import type { CaughtUp, SyncGuestService } from './sync-guest.ts'

const TIMEOUT_MS = 300_000

/** Writes so many messages of so many bytes, one after the other. */
export async function fill(space: Space, count: number, bytes: number): Promise<void> {
  for (let n = 0; n < count; n++) await space.write(new Uint8Array(bytes).fill(n))
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
