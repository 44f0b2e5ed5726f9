import { equalBytes, type PublicKey } from '@vestibule/keys'
import { bytes, type MessageOf, message, nested, uint32 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { parseVersioned } from '../versioned.ts'
import {
  cutFront,
  type FeedBatch,
  FeedBatchMessage,
  type FeedHead,
  type FeedRun,
  readBatch,
} from './entry.ts'

const RECORD_VERSION = 1

/** As a proof is sent, and kept in the storage. */
export const ForkMessage = message('Fork', {
  feed: bytes(1, { length: 32 }),
  one: nested(2, FeedBatchMessage),
  other: nested(3, FeedBatchMessage),
})
export type ForkMessage = MessageOf<typeof ForkMessage>

const StoredFork = message('StoredFork', { version: uint32(1), fork: nested(2, ForkMessage) })

/**
 * A proof, for everybody, that a feed's key signed two histories: two batches that come after the same entry and begin
 * with different ones. What both histories have before, the first `at` entries, is what counts of the feed.
 */
export interface ForkProof {
  readonly feed: PublicKey
  readonly at: number
  readonly one: FeedBatch
  readonly other: FeedBatch
}

/**
 * Looks for the first entry in which two runs of one feed differ that begin with the same one.
 * @returns a proof; `undefined` when neither says something else than the other
 */
export function forkBetween(one: FeedRun, other: FeedRun): ForkProof | undefined {
  const index = one.entries.findIndex((entry, i) => {
    const theirs = other.entries[i]
    return theirs !== undefined && !equalBytes(entry.hash, theirs.hash)
  })
  if (index < 0 || one.batch.from !== other.batch.from) return undefined
  const at = one.batch.from + index
  return { feed: one.head.feed, at, one: cutFront(one, at).batch, other: cutFront(other, at).batch }
}

/**
 * Checks a proof by itself.
 * @throws SpaceError `BAD_FORK` when it proves nothing; whatever `readBatch` throws
 */
export async function verifyFork(
  space: PublicKey,
  feed: PublicKey,
  { one, other }: Pick<ForkProof, 'one' | 'other'>,
): Promise<ForkProof> {
  const of: Pick<FeedHead, 'space' | 'feed'> = { space, feed }
  const [first, second] = [await readBatch(of, one), await readBatch(of, other)]
  const found = equalBytes(one.previous, other.previous) ? forkBetween(first, second) : undefined
  if (found === undefined || found.at !== one.from)
    throw new SpaceError('BAD_FORK', 'two batches that do not part where they begin')
  return found
}

export const forkToWire = ({ feed, one, other }: ForkProof): ForkMessage => ({
  feed: feed.toBytes(),
  one,
  other,
})

export const encodeFork = (proof: ForkProof): Uint8Array =>
  StoredFork.encode({ version: RECORD_VERSION, fork: forkToWire(proof) })

/** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
export async function parseFork(space: PublicKey, feed: PublicKey, record: Uint8Array): Promise<ForkProof> {
  const { fork } = parseVersioned(StoredFork, RECORD_VERSION, record, 'STORAGE_CORRUPT')
  if (!equalBytes(fork.feed, feed.toBytes()))
    throw new SpaceError('STORAGE_CORRUPT', 'a stored fork is of another feed')
  try {
    return await verifyFork(space, feed, fork)
  } catch (cause) {
    if (!(cause instanceof SpaceError)) throw cause
    throw new SpaceError('STORAGE_CORRUPT', 'a stored fork proves nothing', { cause })
  }
}
