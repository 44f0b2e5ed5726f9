import {
  equalBytes,
  type PublicKey,
  pae,
  SIGNATURE_BYTES,
  type Signer,
  verifySignature,
} from '@vestibule/keys'
import { bytes, type MessageOf, message, repeated, uint64 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { EntryHashes, HASH_BYTES } from './entry-hash.ts'

/** Most bytes of an entry's payload. */
export const MAX_PAYLOAD_BYTES = 64 * 1024
/** Most bytes of the payloads that one signature covers; a batch always fits into one frame. */
export const MAX_BATCH_BYTES = 192 * 1024
/** Most entries that one signature covers. */
export const MAX_BATCH_ENTRIES = 1024

const NO_HASH = new Uint8Array(HASH_BYTES)

/**
 * Where a feed ends: it has `length` entries, and `hash` is the last one's (zeros for an empty feed). The space is part
 * of what is signed, so that a feed of one space says nothing in another.
 */
export interface FeedHead {
  readonly space: PublicKey
  readonly feed: PublicKey
  readonly length: number
  readonly hash: Uint8Array
}

/** A head that the feed's key has signed; two of one length with different hashes prove a fork. */
export interface SignedHead extends FeedHead {
  readonly signature: Uint8Array
}

/** As a batch is sent, and kept within other records. */
export const FeedBatchMessage = message('FeedBatch', {
  from: uint64(1),
  previous: bytes(2, { length: HASH_BYTES }),
  payloads: repeated(bytes(3, { max: MAX_PAYLOAD_BYTES, shared: true }), { max: MAX_BATCH_ENTRIES }),
  signature: bytes(4, { length: SIGNATURE_BYTES }),
})
/**
 * What is stored and sent of a feed at a time: the payloads of consecutive entries, at most 192 KiB of them, the
 * sequence of the first, the hash of the entry before it (zeros for none), and the signature of the feed's key over the
 * head that the last of them makes. Everything else about the entries follows.
 */
export type FeedBatch = MessageOf<typeof FeedBatchMessage>

/** An entry whose place in the feed has been verified. */
export interface FeedEntry {
  readonly sequence: number
  readonly payload: Uint8Array
  readonly hash: Uint8Array
}

/** Entries that follow a head, as one batch, and the head that they make. */
export interface FeedRun {
  readonly batch: FeedBatch
  readonly entries: readonly FeedEntry[]
  readonly head: SignedHead
}

export const emptyHead = (space: PublicKey, feed: PublicKey): FeedHead => ({
  space,
  feed,
  length: 0,
  hash: NO_HASH,
})

const signedBytes = ({ space, feed, length, hash }: FeedHead): Uint8Array =>
  pae('vestibule feed head v1', space.toBytes(), feed.toBytes(), length, hash)

/** Whether the feed's key signed this head. */
export const verifyHead = (head: SignedHead): Promise<boolean> =>
  verifySignature(head.feed, signedBytes(head), head.signature)

/**
 * Continues a feed by payloads under one signature; nothing is stored.
 * @throws SpaceError `TOO_LARGE`; KeysError when the feed's key is not held
 */
export async function createBatch(
  signer: Signer,
  head: FeedHead,
  payloads: readonly Uint8Array[],
): Promise<FeedRun> {
  if (payloads.length === 0) throw new TypeError('a batch has at least one payload')
  for (const { length } of payloads)
    if (length > MAX_PAYLOAD_BYTES)
      throw new SpaceError('TOO_LARGE', `at most ${MAX_PAYLOAD_BYTES} bytes of payload, got ${length}`)
  const unsigned = { from: head.length, previous: head.hash, payloads: payloads.map((one) => one.slice()) }
  assertBatch(unsigned)
  const entries = entriesOf(head.feed, unsigned)
  const end = { ...pick(head), length: head.length + entries.length, hash: entries.at(-1)?.hash ?? NO_HASH }
  const signature = await signer.sign(head.feed, signedBytes(end))
  return { batch: { ...unsigned, signature }, entries, head: { ...end, signature } }
}

/**
 * Checks that a batch continues the feed at `head`, and that the feed's key signed where it ends. Entries that the head
 * already covers are passed over, so an overlap is no error.
 *
 * @returns what is behind `head`; no entries when it covers them all
 * @throws SpaceError `MALFORMED`, `TOO_LARGE`; `GAP` between the head and the batch; `BAD_SIGNATURE`; `FORKED` when the
 *   feed's key signed another history than the head's
 */
export async function verifyBatch(head: FeedHead, batch: FeedBatch): Promise<FeedRun> {
  if (batch.from > head.length)
    throw new SpaceError('GAP', `expected entry ${head.length} of the feed, got ${batch.from}`)
  const run = await readBatch(head, batch)
  const fresh = cutFront(run, head.length)
  if (run.head.length >= head.length && !equalBytes(fresh.batch.previous, head.hash))
    throw new SpaceError('FORKED', `the feed’s key signed two different entries ${head.length - 1}`)
  return fresh
}

/**
 * Checks a batch by itself, wherever it stands in its feed: that the feed's key signed what it makes of what it says
 * to come after.
 * @throws SpaceError `MALFORMED`, `TOO_LARGE`, `BAD_SIGNATURE`
 */
export async function readBatch(of: Pick<FeedHead, 'space' | 'feed'>, batch: FeedBatch): Promise<FeedRun> {
  assertBatch(batch)
  const { signature } = batch
  const entries = entriesOf(of.feed, batch)
  const last = entries.at(-1)
  if (last === undefined) throw new SpaceError('MALFORMED', 'a batch without entries')
  const head = { ...pick(of), length: last.sequence + 1, hash: last.hash, signature }
  if (!(await verifyHead(head)))
    throw new SpaceError('BAD_SIGNATURE', 'the feed’s key did not sign this batch')
  return { batch, entries, head }
}

/** The same without the entries before `from`; none are left when it ends there or before. */
export function cutFront(run: FeedRun, from: number): FeedRun {
  const count = Math.min(from - run.batch.from, run.entries.length)
  const before = run.entries[count - 1]
  if (before === undefined) return run
  const { payloads, signature } = run.batch
  const batch = {
    from: before.sequence + 1,
    previous: before.hash,
    payloads: payloads.slice(count),
    signature,
  }
  return { batch, entries: run.entries.slice(count), head: run.head }
}

/** The entries that a batch says there are; whether its signature holds is not looked at. */
export function entriesOf(feed: PublicKey, batch: Omit<FeedBatch, 'signature'>): FeedEntry[] {
  const hashes = EntryHashes.of(feed)
  const entries: FeedEntry[] = []
  let previous = batch.previous
  for (const payload of batch.payloads) {
    const sequence = batch.from + entries.length
    const hash = hashes.of(sequence, previous, payload)
    entries.push({ sequence, payload, hash })
    previous = hash
  }
  return entries
}

const pick = ({ space, feed }: Pick<FeedHead, 'space' | 'feed'>) => ({ space, feed })

function assertBatch({ from, previous, payloads }: Omit<FeedBatch, 'signature'>): void {
  const total = payloads.reduce((sum, payload) => sum + payload.length, 0)
  if (total > MAX_BATCH_BYTES || payloads.length > MAX_BATCH_ENTRIES)
    throw new SpaceError('TOO_LARGE', `a batch of ${payloads.length} entries and ${total} bytes`)
  if (!Number.isSafeInteger(from + payloads.length))
    throw new SpaceError('MALFORMED', 'a sequence that no feed reaches')
  if (from === 0 && !equalBytes(previous, NO_HASH))
    throw new SpaceError('MALFORMED', 'an entry before the first')
}
