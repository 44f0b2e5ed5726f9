import { sha256 } from '@noble/hashes/sha2.js'
import {
  equalBytes,
  PUBLIC_KEY_BYTES,
  PublicKey,
  pae,
  SIGNATURE_BYTES,
  type Signer,
  verifySignature,
} from '@vestibule/keys'
import { bytes, type MessageOf, message, repeated, uint32, uint64 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { parseVersioned } from '../versioned.ts'

/** Most bytes of an entry's payload. */
export const MAX_PAYLOAD_BYTES = 64 * 1024
/** Most bytes of the entries that one signature covers; a batch always fits into one frame. */
export const MAX_BATCH_BYTES = 192 * 1024
/** Most entries that one signature covers. */
export const MAX_BATCH_ENTRIES = 1024
/** Length of an entry's hash (SHA-256). */
export const HASH_BYTES = 32

const ENTRY_VERSION = 1
const NO_HASH = new Uint8Array(HASH_BYTES)

/** One entry of a feed, as it is hashed, stored and sent. `previous` of the first is 32 zero bytes. */
const FeedEntryMessage = message('FeedEntry', {
  version: uint32(1),
  feed: bytes(2, { length: PUBLIC_KEY_BYTES }),
  sequence: uint64(3),
  previous: bytes(4, { length: HASH_BYTES }),
  payload: bytes(5, { max: MAX_PAYLOAD_BYTES }),
})

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

/** Consecutive entries, and the signature of the feed's key over the head that the last of them makes. */
export const FeedBatchMessage = message('FeedBatch', {
  entries: repeated(bytes(1), { max: MAX_BATCH_ENTRIES }),
  signature: bytes(2, { length: SIGNATURE_BYTES }),
})
/** What is sent of a feed at a time: encoded entries, at most 192 KiB of them, and a 64-byte signature. */
export type FeedBatch = MessageOf<typeof FeedBatchMessage>

/** An entry whose place in the feed has been verified. Only the last of a batch carries the signature. */
export interface FeedEntry {
  readonly sequence: number
  readonly payload: Uint8Array
  readonly hash: Uint8Array
  readonly encoded: Uint8Array
  readonly signature?: Uint8Array
}

export const emptyHead = (space: PublicKey, feed: PublicKey): FeedHead => ({
  space,
  feed,
  length: 0,
  hash: NO_HASH,
})

export const entryHash = (encoded: Uint8Array): Uint8Array => sha256(pae('vestibule feed entry v1', encoded))

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
): Promise<{ batch: FeedBatch; entries: FeedEntry[]; head: SignedHead }> {
  if (payloads.length === 0) throw new TypeError('a batch has at least one payload')
  const entries: FeedEntry[] = []
  let hash = head.hash
  for (const payload of payloads) {
    if (payload.length > MAX_PAYLOAD_BYTES)
      throw new SpaceError(
        'TOO_LARGE',
        `at most ${MAX_PAYLOAD_BYTES} bytes of payload, got ${payload.length}`,
      )
    const sequence = head.length + entries.length
    const encoded = FeedEntryMessage.encode({
      version: ENTRY_VERSION,
      feed: head.feed.toBytes(),
      sequence,
      previous: hash,
      payload,
    })
    hash = entryHash(encoded)
    entries.push({ sequence, payload: payload.slice(), hash, encoded })
  }
  assertBatchSize(entries.map(({ encoded }) => encoded))
  const unsigned: FeedHead = { ...pick(head), length: head.length + entries.length, hash }
  const signature = await signer.sign(head.feed, signedBytes(unsigned))
  const last = entries.pop() as FeedEntry
  entries.push({ ...last, signature })
  return {
    batch: { entries: entries.map(({ encoded }) => encoded), signature },
    entries,
    head: { ...unsigned, signature },
  }
}

/**
 * Checks that a batch continues the feed at `head`: strict encoding, sequence, hash links, and one signature.
 * Entries that the head already covers are passed over, so an overlap is no error.
 *
 * @returns the entries behind `head`, none when it covers them all
 * @throws SpaceError `MALFORMED`, `TOO_LARGE`, `UNSUPPORTED_VERSION`; `BAD_LINK` inside the batch; `GAP` between
 *   the head and the batch; `BAD_SIGNATURE`; `FORKED` when the feed's key signed another history than the head's
 */
export async function verifyBatch(head: FeedHead, batch: FeedBatch): Promise<FeedEntry[]> {
  assertBatchSize(batch.entries)
  const entries = parseEntries(head.feed, batch.entries)
  const [first, last] = [entries[0], entries.at(-1)]
  if (first === undefined || last === undefined) throw new SpaceError('MALFORMED', 'a batch without entries')
  if (first.sequence > head.length)
    throw new SpaceError('GAP', `expected entry ${head.length} of the feed, got ${first.sequence}`)
  const signed = {
    ...pick(head),
    length: last.sequence + 1,
    hash: last.hash,
    signature: batch.signature,
  }
  if (!(await verifyHead(signed)))
    throw new SpaceError('BAD_SIGNATURE', 'the feed’s key did not sign this batch')
  const fresh = entries.filter(({ sequence }) => sequence >= head.length)
  if (fresh[0] !== undefined && !equalBytes(fresh[0].previous, head.hash))
    throw new SpaceError('FORKED', `the feed’s key signed two different entries ${head.length - 1}`)
  return fresh.map(({ previous: _, ...entry }) =>
    entry.sequence === last.sequence ? { ...entry, signature: batch.signature } : entry,
  )
}

const pick = ({ space, feed }: FeedHead) => ({ space, feed })

function assertBatchSize(entries: readonly Uint8Array[]): void {
  const total = entries.reduce((sum, entry) => sum + entry.length, 0)
  if (total > MAX_BATCH_BYTES || entries.length > MAX_BATCH_ENTRIES)
    throw new SpaceError('TOO_LARGE', `a batch of ${entries.length} entries and ${total} bytes`)
}

function parseEntries(
  feed: PublicKey,
  encoded: readonly Uint8Array[],
): (FeedEntry & { previous: Uint8Array })[] {
  const entries: (FeedEntry & { previous: Uint8Array })[] = []
  for (const bytes of encoded) {
    const entry = parseEntry(bytes)
    const before = entries.at(-1)
    if (entry.feed !== feed) throw new SpaceError('BAD_LINK', 'an entry of another feed')
    if (
      before !== undefined &&
      (entry.sequence !== before.sequence + 1 || !equalBytes(entry.previous, before.hash))
    )
      throw new SpaceError('BAD_LINK', `entry ${entry.sequence} does not follow the one before it`)
    entries.push(entry)
  }
  return entries
}

/**
 * Reads one entry without checking its place.
 * @throws SpaceError `MALFORMED`, `UNSUPPORTED_VERSION`
 */
export function parseEntry(encoded: Uint8Array): FeedEntry & { feed: PublicKey; previous: Uint8Array } {
  const { feed, sequence, previous, payload } = parseVersioned(
    FeedEntryMessage,
    ENTRY_VERSION,
    encoded,
    'MALFORMED',
  )
  return { feed: PublicKey.from(feed), sequence, previous, payload, hash: entryHash(encoded), encoded }
}
