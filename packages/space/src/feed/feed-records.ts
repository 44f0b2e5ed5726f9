import { SIGNATURE_BYTES } from '@vestibule/keys'
import { bytes, message, repeated, uint32 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { parseVersioned } from '../versioned.ts'
import { type FeedBatch, MAX_BATCH_ENTRIES } from './entry.ts'
import { HASH_BYTES } from './entry-hash.ts'

/** Version 1 held one entry. */
const RECORD_VERSION = 2

/** A batch as it is stored; its first sequence is in the key. */
const StoredBatch = message('StoredBatch', {
  version: uint32(1),
  previous: bytes(2, { length: HASH_BYTES }),
  payloads: repeated(bytes(3, { shared: true }), { max: MAX_BATCH_ENTRIES }),
  signature: bytes(4, { length: SIGNATURE_BYTES }),
})

/** The end of a key: sorts as its number does. */
export const sequenceKey = (sequence: number): string => sequence.toString().padStart(16, '0')

export const encodeStored = ({ previous, payloads, signature }: FeedBatch): Uint8Array =>
  StoredBatch.encode({ version: RECORD_VERSION, previous, payloads, signature })

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

export const damagedFeed = (what: string): SpaceError =>
  new SpaceError('STORAGE_CORRUPT', `a stored feed is damaged: ${what}`)
