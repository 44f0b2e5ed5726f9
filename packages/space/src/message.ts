import { bytesToHex } from '@noble/hashes/utils.js'
import type { PublicKey } from '@vestibule/keys'
import { bytes, message, optional, string, uint32, uint64 } from '@vestibule/keys/wire'
import { SpaceError } from './error.ts'
import type { FeedEntry } from './feed/entry.ts'
import { parseVersioned } from './versioned.ts'

/** Most bytes of a message's body (of UTF-8, for text). */
export const MAX_MESSAGE_BYTES = 60 * 1024

const MESSAGE_VERSION = 1
/** No clock counts this far; a message that says so has no place in the order. */
const MAX_LAMPORT = 2 ** 48

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
  /** When it was written as text. */
  readonly text?: string
  /** When it was written as bytes. They are shared by all who read the message: don't change them. */
  readonly bytes?: Uint8Array
}

/** A message at its place in the order. */
export interface PlacedMessage {
  readonly message: Message
  readonly feed: PublicKey
  readonly sequence: number
  readonly lamport: number
}

const DataEntry = message('DataEntry', {
  version: uint32(1),
  lamport: uint64(2),
  timestampMs: uint64(3),
  text: optional(string(4, { max: MAX_MESSAGE_BYTES })),
  bytes: optional(bytes(5, { max: MAX_MESSAGE_BYTES })),
})

/** The payload of a data entry. @throws SpaceError `TOO_LARGE` */
export function encodeDataEntry(body: string | Uint8Array, lamport: number, timestampMs: number): Uint8Array {
  const size = typeof body === 'string' ? new TextEncoder().encode(body).length : body.length
  if (size > MAX_MESSAGE_BYTES) throw new SpaceError('TOO_LARGE', `a message of ${size} bytes`)
  const content = typeof body === 'string' ? { text: body } : { bytes: body }
  return DataEntry.encode({ version: MESSAGE_VERSION, lamport, timestampMs, ...content })
}

/** Reads a data entry; `undefined` for one that is no message of this version. It stays in its feed all the same. */
export function placeMessage(
  entry: FeedEntry,
  from: { readonly feed: PublicKey; readonly member: PublicKey; readonly device: PublicKey },
): PlacedMessage | undefined {
  let data: ReturnType<typeof DataEntry.parse>
  try {
    data = parseVersioned(DataEntry, MESSAGE_VERSION, entry.payload, 'MALFORMED')
  } catch (error) {
    if (error instanceof SpaceError) return undefined
    throw error
  }
  const { lamport, timestampMs, text, bytes: raw } = data
  if (lamport > MAX_LAMPORT || (text === undefined) === (raw === undefined)) return undefined
  return {
    feed: from.feed,
    sequence: entry.sequence,
    lamport,
    message: Object.freeze({
      id: bytesToHex(entry.hash),
      author: from.member,
      device: from.device,
      timestampMs,
      ...(text !== undefined && { text }),
      ...(raw !== undefined && { bytes: raw }),
    }),
  }
}

/**
 * Messages in one order for everybody who has the same ones: each behind all that its author had seen (by a
 * Lamport counter), those that did not know of each other by the key of their feed.
 */
export class MessageLog {
  readonly #placed: PlacedMessage[] = []

  add(placed: PlacedMessage): void {
    let low = 0
    let high = this.#placed.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(this.#placed[middle] as PlacedMessage, placed) < 0) low = middle + 1
      else high = middle
    }
    this.#placed.splice(low, 0, placed)
  }

  all(): readonly PlacedMessage[] {
    return this.#placed
  }

  /** What the next own message counts as. */
  get nextLamport(): number {
    return Math.min((this.#placed.at(-1)?.lamport ?? 0) + 1, MAX_LAMPORT)
  }
}

function compare(a: PlacedMessage, b: PlacedMessage): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport
  if (a.feed !== b.feed) return a.feed.toHex() < b.feed.toHex() ? -1 : 1
  return a.sequence - b.sequence
}
