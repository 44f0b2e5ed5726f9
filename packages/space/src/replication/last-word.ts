import { CredentialsError, verifyCredentials } from '@vestibule/credentials'
import type { SpaceStore } from '../space-store.ts'

/** The id of the credential by which the own member has left. */
export function ownLeave({ roster, record }: SpaceStore): string | undefined {
  const self = roster.feed(record.controlFeedKey)?.member
  const departure = self && roster.departureOf(self)
  return departure?.by === self ? departure?.credentialId : undefined
}

/**
 * Where the own leave stands in the own control feed; `undefined` when it was said by another device. Whoever hears of
 * it takes nothing more from here, so it is said last: when all before it is stored at the other end, which then has
 * asked for the feeds that this admits, and their entries are sent.
 */
export async function placeOfLeave(store: SpaceStore, leave: string): Promise<number | undefined> {
  const feed = store.feed(store.record.controlFeedKey)
  if (feed === undefined) return undefined
  for (let at = 0; at < feed.length; ) {
    const batch = await feed.batch(at)
    if (batch === undefined) return undefined
    const credentials = await verifyCredentials(batch.payloads)
    const found = credentials.findIndex((one) => !(one instanceof CredentialsError) && one.id === leave)
    if (found >= 0) return batch.from + found
    at = batch.from + batch.payloads.length
  }
  return undefined
}
