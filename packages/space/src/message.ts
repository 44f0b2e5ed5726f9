import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import type { PublicKey, Redacted } from '@vestibule/keys'
import { bytes, message, optional, string, uint32, uint64, WireError } from '@vestibule/keys/wire'
import { SpaceError } from './error.ts'
import type { FeedEntry } from './feed/entry.ts'
import { HASH_BYTES } from './feed/entry-hash.ts'
import { type EntryPlace, NONCE_BYTES, openEntry, sealEntry, TAG_BYTES } from './read-keys/entry-cipher.ts'
import { epochFromWire, epochToWire } from './read-keys/read-key.ts'
import type { ReadKeyRing } from './read-keys/ring.ts'
import { parseVersioned, versionOf } from './versioned.ts'

/** Most bytes of a message's body (of UTF-8, for text). */
export const MAX_MESSAGE_BYTES = 60 * 1024
/** Most bytes of UTF-8 of a message's type. */
export const MAX_MESSAGE_TYPE_BYTES = 64

const PLAIN_VERSION = 1
const SEALED_VERSION = 2
/** No clock counts this far; a message that says so has no place in the order. */
export const MAX_LAMPORT = 2 ** 48
/** A body with its tags, its type and its time. */
const MAX_SEALED_BYTES = MAX_MESSAGE_BYTES + 128 + TAG_BYTES

/** Something that a member wrote. */
export interface Message {
  /** Hex of the hash of its entry; it never changes and is the same for every member. */
  readonly id: string
  /** The identity that wrote it. */
  readonly author: PublicKey
  /** The device by which it did. */
  readonly device: PublicKey
  /** Milliseconds since 1970 by the author's clock; nothing is decided by it. */
  readonly timestampMs: number
  /** What kind of message it is, when its author said so: at most 64 bytes of UTF-8. */
  readonly type?: string
  /** When it was written as text. */
  readonly text?: string
  /** When it was written as bytes. They are shared by all who read the message: don't change them. */
  readonly bytes?: Uint8Array
  /**
   * False for what the own identity wrote and nobody counts: it had lost the right to write, and did not know. Others
   * never see it.
   */
  readonly included?: false
}

/** Version 1, which nobody writes any more. */
const PlainEntry = message('DataEntry', {
  version: uint32(1),
  lamport: uint64(2),
  timestampMs: uint64(3),
  text: optional(string(4, { max: MAX_MESSAGE_BYTES })),
  bytes: optional(bytes(5, { max: MAX_MESSAGE_BYTES })),
})

/** Version 2. What is in the clear is what a replica without keys needs to order and forward it. */
export const SealedEntry = message('DataEntry', {
  version: uint32(1),
  lamport: uint64(2),
  epoch: bytes(3, { max: 32 }),
  // Views, as most entries are never looked at.
  nonce: bytes(4, { length: NONCE_BYTES, shared: true }),
  sealed: bytes(5, { max: MAX_SEALED_BYTES, shared: true }),
})

/** What is sealed in version 2. */
export const MessageBody = message('MessageBody', {
  timestampMs: uint64(1),
  type: optional(string(2, { max: MAX_MESSAGE_TYPE_BYTES })),
  text: optional(string(3, { max: MAX_MESSAGE_BYTES })),
  bytes: optional(bytes(4, { max: MAX_MESSAGE_BYTES })),
})

/** What a message says. */
export interface MessageContent {
  readonly body: string | Uint8Array
  readonly type?: string
  readonly timestampMs: number
}

/**
 * What is sealed of a message.
 * @throws SpaceError `TOO_LARGE`
 */
export function encodeBody({ body, type, timestampMs }: MessageContent): Uint8Array {
  const size = sizeOf(body)
  if (size > MAX_MESSAGE_BYTES) throw new SpaceError('TOO_LARGE', `a message of ${size} bytes`)
  if (type !== undefined && sizeOf(type) > MAX_MESSAGE_TYPE_BYTES)
    throw new SpaceError('TOO_LARGE', 'the type of a message has at most 64 bytes of UTF-8')
  const content = typeof body === 'string' ? { text: body } : { bytes: body }
  return MessageBody.encode({ timestampMs, ...(type !== undefined && { type }), ...content })
}

/**
 * The payload of a data entry: a body, sealed for its place.
 * @param keys hold the read key of `place.epoch`
 */
export function sealBody(
  body: Uint8Array,
  place: EntryPlace,
  keys: Pick<ReadKeyRing, 'entryKey'>,
): Uint8Array {
  const key = keys.entryKey(place.epoch)
  if (key === undefined) throw new TypeError('the read key of the epoch is not held')
  const nonce = randomBytes(NONCE_BYTES)
  const { lamport, epoch } = place
  return SealedEntry.encode({
    version: SEALED_VERSION,
    lamport,
    epoch: epochToWire(epoch),
    nonce,
    sealed: sealEntry(key, nonce, place, body),
  })
}

const sizeOf = (body: string | Uint8Array): number =>
  typeof body === 'string' ? new TextEncoder().encode(body).length : body.length

/** Where an entry comes from. */
interface Source extends FeedOwner {
  readonly space: PublicKey
  readonly feed: PublicKey
}

/** Whose a feed is. */
export interface FeedOwner {
  readonly member: PublicKey
  readonly device: PublicKey
}

/** A message at its place in the order, whether it can be read or not. */
export class PlacedMessage {
  readonly feed: PublicKey
  readonly sequence: number
  readonly lamport: number
  /** The epoch whose read key opens it; `undefined` for one that was never sealed. */
  readonly epoch: string | undefined
  readonly #hash: Uint8Array
  readonly #from: Source
  #sealed: { readonly nonce: Uint8Array; readonly sealed: Uint8Array } | undefined
  #message: Message | undefined

  private constructor(entry: FeedEntry, from: Source, lamport: number, epoch: string | undefined) {
    this.feed = from.feed
    this.sequence = entry.sequence
    this.lamport = lamport
    this.epoch = epoch
    this.#hash = entry.hash
    this.#from = from
  }

  /** The identity that wrote it. */
  get author(): PublicKey {
    return this.#from.member
  }

  /** Whether this is the id of the message, without opening it. */
  hasId(id: string): boolean {
    // The first bytes tell almost all apart.
    return (
      id.length === 2 * HASH_BYTES &&
      id.startsWith(bytesToHex(this.#hash.subarray(0, 2))) &&
      id === bytesToHex(this.#hash)
    )
  }

  /** Reads a data entry; `undefined` for one that is no message of a version known here. It stays in its feed all the same. */
  static of(entry: FeedEntry, from: Source): PlacedMessage | undefined {
    try {
      return versionOf('a data entry', entry.payload) === PLAIN_VERSION
        ? PlacedMessage.#plain(entry, from)
        : PlacedMessage.#sealedOf(entry, from)
    } catch (error) {
      if (error instanceof SpaceError) return undefined
      throw error
    }
  }

  static #plain(entry: FeedEntry, from: Source): PlacedMessage | undefined {
    const { lamport, ...body } = parseVersioned(PlainEntry, PLAIN_VERSION, entry.payload, 'MALFORMED')
    if (lamport > MAX_LAMPORT) return undefined
    const placed = new PlacedMessage(entry, from, lamport, undefined)
    placed.#message = placed.#shown(body)
    return placed.#message && placed
  }

  static #sealedOf(entry: FeedEntry, from: Source): PlacedMessage | undefined {
    const { lamport, epoch, ...sealed } = parseVersioned(
      SealedEntry,
      SEALED_VERSION,
      entry.payload,
      'MALFORMED',
    )
    const name = epochFromWire(epoch)
    if (lamport > MAX_LAMPORT || name === undefined) return undefined
    const placed = new PlacedMessage(entry, from, lamport, name)
    placed.#sealed = sealed
    return placed
  }

  /**
   * The message; `undefined` while its key is not there, and for ever when the key does not open it. It is opened
   * when it is first asked for.
   */
  open(keys: Pick<ReadKeyRing, 'entryKey'>): Message | undefined {
    if (this.#sealed === undefined || this.epoch === undefined) return this.#message
    const key = keys.entryKey(this.epoch)
    if (key === undefined) return undefined
    const plain = this.#openWith(key)
    this.#sealed = undefined
    if (plain !== undefined) this.#message = this.#shown(parseBody(plain))
    return this.#message
  }

  /** Whether a key opens it; nothing is kept of that. */
  isSealedUnder(key: Redacted<Uint8Array>): boolean {
    return this.#openWith(key) !== undefined
  }

  #openWith(key: Redacted<Uint8Array>): Uint8Array | undefined {
    const { epoch, sequence, lamport } = this
    if (this.#sealed === undefined || epoch === undefined) return undefined
    const { space, feed } = this.#from
    const { nonce, sealed } = this.#sealed
    return openEntry(key, nonce, { space, feed, sequence, lamport, epoch }, sealed)
  }

  #shown(body: ReturnType<typeof MessageBody.parse> | undefined): Message | undefined {
    if (body === undefined || (body.text === undefined) === (body.bytes === undefined)) return undefined
    const { member: author, device } = this.#from
    const { timestampMs, type, text, bytes: raw } = body
    return Object.freeze({
      id: bytesToHex(this.#hash),
      author,
      device,
      timestampMs,
      ...(type !== undefined && { type }),
      ...(text !== undefined && { text }),
      ...(raw !== undefined && { bytes: raw }),
    })
  }
}

function parseBody(plain: Uint8Array): ReturnType<typeof MessageBody.parse> | undefined {
  try {
    return MessageBody.parse(plain)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
