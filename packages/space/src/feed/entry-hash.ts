import { type PublicKey, pae, sha256 } from '@vestibule/keys'
import { bytes, message, uint32, uint64 } from '@vestibule/keys/wire'

/** Length of an entry's hash (SHA-256). */
export const HASH_BYTES = 32

const DOMAIN = 'vestibule feed entry v1'
const ENTRY_VERSION = 1

/** What is hashed of an entry. `previous` of the first is 32 zero bytes. It is neither stored nor sent. */
export const FeedEntryMessage = message('FeedEntry', {
  version: uint32(1),
  feed: bytes(2, { length: 32 }),
  sequence: uint64(3),
  previous: bytes(4, { length: HASH_BYTES }),
  payload: bytes(5),
})

/** Bytes of the longest varint that is written here: a safe integer takes eight. */
const MAX_VARINT_BYTES = 8
const TAG = { sequence: 0x18, previous: 0x22, payload: 0x2a }
/** Of an entry without its payload: all tags, lengths and numbers at their longest. */
const MAX_HEADER_BYTES = 2 + 34 + (1 + MAX_VARINT_BYTES) + 34 + (1 + MAX_VARINT_BYTES)

/**
 * The hashes of a feed's entries, each over `PAE("vestibule feed entry v1", FeedEntry)`. A catch-up hashes a hundred
 * thousand of them, so what all entries of a feed begin with is written once; tests hold the bytes to the schema.
 */
export class EntryHashes {
  readonly feed: PublicKey
  /** The number of parts and the domain, the length of the entry, its version and feed; then what differs. */
  #scratch: Uint8Array
  #view: DataView
  readonly #lengthAt: number
  readonly #sequenceAt: number

  /** The hashes of a feed: the same as the last time when it was the same feed, for batches come one after the other. */
  static of(feed: PublicKey): EntryHashes {
    if (latest?.feed !== feed) latest = new EntryHashes(feed)
    return latest
  }

  private constructor(feed: PublicKey) {
    this.feed = feed
    const empty = pae(DOMAIN, new Uint8Array(0))
    const start = FeedEntryMessage.encode({
      version: ENTRY_VERSION,
      feed: feed.toBytes(),
      sequence: 0,
      previous: new Uint8Array(HASH_BYTES),
      payload: new Uint8Array(0),
    }).subarray(0, 2 + 34)
    this.#lengthAt = empty.length - 8
    this.#sequenceAt = empty.length + start.length
    this.#scratch = new Uint8Array(this.#sequenceAt + 1024)
    this.#scratch.set(empty)
    this.#scratch.set(start, empty.length)
    this.#view = new DataView(this.#scratch.buffer)
  }

  /** The hash of one entry, 32 bytes. */
  of(sequence: number, previous: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#makeRoom(this.#sequenceAt + MAX_HEADER_BYTES + payload.length)
    const scratch = this.#scratch
    let at = this.#sequenceAt
    if (sequence > 0) {
      scratch[at++] = TAG.sequence
      at = this.#writeVarint(sequence, at)
    }
    scratch[at++] = TAG.previous
    scratch[at++] = HASH_BYTES
    scratch.set(previous, at)
    at += HASH_BYTES
    if (payload.length > 0) {
      scratch[at++] = TAG.payload
      at = this.#writeVarint(payload.length, at)
      scratch.set(payload, at)
      at += payload.length
    }
    // An entry is far shorter than 2^32 bytes; the upper half of its length stays zero.
    this.#view.setUint32(this.#lengthAt, at - this.#lengthAt - 8, true)
    return sha256(scratch.subarray(0, at))
  }

  #writeVarint(value: number, start: number): number {
    let [rest, at] = [value, start]
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#scratch[at++] = (rest % 128) | 0x80
    this.#scratch[at++] = rest
    return at
  }

  #makeRoom(length: number): void {
    if (this.#scratch.length >= length) return
    const larger = new Uint8Array(length + 1024)
    larger.set(this.#scratch.subarray(0, this.#sequenceAt))
    this.#scratch = larger
    this.#view = new DataView(larger.buffer)
  }
}

let latest: EntryHashes | undefined
