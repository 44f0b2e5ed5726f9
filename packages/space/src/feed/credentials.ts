import { bytesToHex } from '@noble/hashes/utils.js'
import { type Credential, CredentialsError, verifyCredentials } from '@vestibule/credentials'
import type { FeedRun } from './entry.ts'
import type { Feed } from './feed.ts'

/**
 * The credentials among the payloads of a control feed. Its author may write what it likes there: what is no
 * credential, or not a valid one, stays in the feed, for the links to hold, and says nothing.
 */
export async function credentialsIn(payloads: readonly Uint8Array[]): Promise<Credential[]> {
  const verdicts = await verifyCredentials(payloads)
  return verdicts.flatMap((one) => (one instanceof CredentialsError ? [] : [one]))
}

/** Those of runs below an entry: only a fork limits a control feed; what a batch has beyond it is kept, and says nothing. */
export function credentialsBelow(limit: number, runs: readonly FeedRun[]): Promise<Credential[]> {
  const counted = runs.flatMap(({ entries }) => entries.filter(({ sequence }) => sequence < limit))
  return credentialsIn(counted.map(({ payload }) => payload))
}

/** The credentials in a feed from an entry on. */
export async function credentialsFrom(feed: Feed, from: number): Promise<Credential[]> {
  const credentials: Credential[] = []
  for (let at = from; at < feed.length; ) {
    const batch = await feed.batch(at)
    if (batch === undefined) break
    credentials.push(...(await credentialsIn(batch.payloads)))
    at += batch.payloads.length
  }
  return credentials
}

/**
 * Those of a feed's credentials, from an entry on, that stand in none of some other feeds. Forks are rare, so that
 * nothing is kept for this: the others are read.
 */
export async function orphansAmong(
  feed: Feed,
  from: number,
  others: readonly Feed[],
): Promise<readonly Credential[]> {
  const orphans = new Map((await credentialsFrom(feed, from)).map((one) => [bytesToHex(one.encoded), one]))
  for (const other of others)
    for (let at = 0; at < other.length && orphans.size > 0; ) {
      const batch = await other.batch(at)
      if (batch === undefined) break
      for (const payload of batch.payloads) orphans.delete(bytesToHex(payload))
      at += batch.payloads.length
    }
  return [...orphans.values()]
}
