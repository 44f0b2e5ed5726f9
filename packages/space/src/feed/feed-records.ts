import { SIGNATURE_BYTES } from '@vestibule/keys'
import { bytes, type Message, message, repeated, uint32, WireError } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { parseVersioned, versionOf } from '../versioned.ts'
import { type FeedBatch, FeedBatchMessage, MAX_BATCH_ENTRIES } from './entry.ts'
import { HASH_BYTES } from './entry-hash.ts'

/** Version 1 held one entry. */
const RECORD_VERSION = 2

/** A batch as it is stored; its first sequence is in the key. Behind the first field it is as {@link FeedBatchMessage}. */
const StoredBatch = message('StoredBatch', {
  version: uint32(1),
  previous: bytes(2, { length: HASH_BYTES }),
  payloads: repeated(bytes(3, { shared: true }), { max: MAX_BATCH_ENTRIES }),
  signature: bytes(4, { length: SIGNATURE_BYTES }),
})

/** Tag of field 1 in both, which is a number. */
const FIRST_TAG = 0x08
const VERSION = Uint8Array.of(FIRST_TAG, RECORD_VERSION)
const PREVIOUS_BYTES = 2 + HASH_BYTES
const ENDING_BYTES = 2 + SIGNATURE_BYTES

/** Batches that came in, as they were encoded, until they are stored. */
const encodings = new WeakMap<FeedBatch, Uint8Array>()

/**
 * {@link FeedBatchMessage} as it comes in. How a batch was encoded is kept for its record, which then need not be
 * encoded again; so the bytes that are read must be nobody else's.
 */
export const ReceivedBatchMessage: Message<FeedBatch> = {
  ...FeedBatchMessage,
  parseLenient(encoded) {
    try {
      const batch = FeedBatchMessage.parse(encoded)
      encodings.set(batch, encoded)
      return batch
    } catch (error) {
      if (error instanceof WireError && error.code === 'NOT_CANONICAL')
        return FeedBatchMessage.parseLenient(encoded)
      throw error
    }
  },
}

/** The end of a key: sorts as its number does. */
export const sequenceKey = (sequence: number): string => sequence.toString().padStart(16, '0')

/** The record of a batch. One that came in becomes its record: the version is written over where it began. */
export function encodeStored(batch: FeedBatch): Uint8Array {
  const { from, previous, payloads, signature } = batch
  const encoded = encodings.get(batch)
  // The first batch of a feed says nothing of where it begins, which leaves no room.
  if (encoded === undefined || from === 0)
    return StoredBatch.encode({ version: RECORD_VERSION, previous, payloads, signature })
  const record = encoded.subarray(1 + varint(from).length - VERSION.length)
  record.set(VERSION)
  return record
}

/** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
export function parseStored(key: string, record: Uint8Array): FeedBatch {
  const { previous, payloads, signature } = parseVersioned(
    StoredBatch,
    RECORD_VERSION,
    record,
    'STORAGE_CORRUPT',
  )
  const from = Number(key.slice(-16))
  if (!Number.isSafeInteger(from) || payloads.length === 0) throw damagedFeed('a batch of nothing')
  return { from, previous, payloads, signature }
}

/**
 * Records that follow one another as the parts of one {@link FeedBatchMessage}, under the last one's signature. They
 * were read when the feed was opened or written, and whoever gets them verifies them, so their payloads are not looked at.
 * @param from where the first begins
 * @throws SpaceError `STORAGE_CORRUPT`
 */
export function recordsAsBatch(from: number, records: readonly Uint8Array[]): Uint8Array[] {
  const first = from === 0 ? [] : [Uint8Array.of(FIRST_TAG, ...varint(from))]
  const parts = records.map((record, n) => {
    if (versionOf('StoredBatch', record) !== RECORD_VERSION) throw damagedFeed('a batch of another version')
    const start = VERSION.length + (n === 0 ? 0 : PREVIOUS_BYTES)
    return record.subarray(start, n === records.length - 1 ? record.length : record.length - ENDING_BYTES)
  })
  return [...first, ...parts]
}

/** A number as protobuf writes it. */
export function varint(value: number): number[] {
  const written: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) written.push((rest % 128) | 0x80)
  return [...written, rest]
}

export const damagedFeed = (what: string): SpaceError =>
  new SpaceError('STORAGE_CORRUPT', `a stored feed is damaged: ${what}`)
