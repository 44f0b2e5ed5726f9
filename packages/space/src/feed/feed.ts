import { equalBytes, type PublicKey, SIGNATURE_BYTES } from '@vestibule/keys'
import { bytes, message, optional, uint32 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'
import {
  emptyHead,
  type FeedBatch,
  type FeedEntry,
  type FeedHead,
  MAX_BATCH_BYTES,
  MAX_BATCH_ENTRIES,
  parseEntry,
  type SignedHead,
  verifyHead,
} from './entry.ts'

const RECORD_VERSION = 1

const StoredEntry = message('StoredEntry', {
  version: uint32(1),
  entry: bytes(2),
  signature: optional(bytes(3, { length: SIGNATURE_BYTES })),
})

/**
 * A feed as it is stored: one record for each entry, under keys that sort by sequence. In memory is only where it
 * ends. Whoever continues it writes {@link Feed.writes} in a transaction of its own and then calls
 * {@link Feed.advance}, so that memory never runs ahead of the storage.
 */
export class Feed {
  readonly key: PublicKey
  readonly #storage: Storage
  readonly #prefix: string
  #head: FeedHead | SignedHead
  #size: number

  private constructor(storage: Storage, prefix: string, head: FeedHead | SignedHead, size: number) {
    this.key = head.feed
    this.#storage = storage
    this.#prefix = prefix
    this.#head = head
    this.#size = size
  }

  /**
   * Opens a feed and checks it: every link, and the signature of its head.
   * @param onEntry called with each entry in order
   * @throws SpaceError `STORAGE_CORRUPT` for a feed that does not hold together
   */
  static async open(
    storage: Storage,
    prefix: string,
    { space, key }: { readonly space: PublicKey; readonly key: PublicKey },
    onEntry: (entry: FeedEntry) => void = () => {},
  ): Promise<Feed> {
    let head: FeedHead | SignedHead = emptyHead(space, key)
    let size = 0
    for (const [, record] of await storage.list(prefix)) {
      const { signature, ...entry } = parseRecord(record)
      if (entry.feed !== key || entry.sequence !== head.length || !equalBytes(entry.previous, head.hash))
        throw damaged(`entry ${head.length} does not follow the one before it`)
      head = {
        space,
        feed: key,
        length: entry.sequence + 1,
        hash: entry.hash,
        ...(signature && { signature }),
      }
      size += entry.encoded.length
      onEntry(entry)
    }
    if (head.length > 0 && !(isSigned(head) && (await verifyHead(head))))
      throw damaged('its head is not signed')
    return new Feed(storage, prefix, head, size)
  }

  get head(): FeedHead {
    return this.#head
  }

  get length(): number {
    return this.#head.length
  }

  /** Bytes of all entries. */
  get size(): number {
    return this.#size
  }

  /** The head with its signature; `undefined` while the feed is empty. */
  get signedHead(): SignedHead | undefined {
    return isSigned(this.#head) ? this.#head : undefined
  }

  /** What has to be stored for entries that were created or verified to follow the head. */
  writes(entries: readonly FeedEntry[]): StorageWrite[] {
    return entries.map(({ sequence, encoded, signature }) => ({
      key: this.#entryKey(sequence),
      value: StoredEntry.encode({ version: RECORD_VERSION, entry: encoded, ...(signature && { signature }) }),
    }))
  }

  /** Moves the head over entries that have been stored. */
  advance(entries: readonly FeedEntry[]): void {
    const last = entries.at(-1)
    if (last?.signature === undefined) throw new TypeError('the last entry carries the signature')
    if (entries[0]?.sequence !== this.length) throw new TypeError('the entries do not follow the head')
    for (const { encoded } of entries) this.#size += encoded.length
    this.#head = {
      space: this.#head.space,
      feed: this.key,
      length: last.sequence + 1,
      hash: last.hash,
      signature: last.signature,
    }
  }

  /** The hash of an entry that is held. */
  async hashOf(sequence: number): Promise<Uint8Array> {
    return sequence === this.length - 1 ? this.#head.hash : (await this.#read(sequence)).hash
  }

  /** The longest signed run of entries from `sequence` that fits a batch; `undefined` at the end of the feed. */
  async batch(sequence: number): Promise<FeedBatch | undefined> {
    const entries: Uint8Array[] = []
    let complete: FeedBatch | undefined
    let total = 0
    for (let at = sequence; at < this.length && entries.length < MAX_BATCH_ENTRIES; at++) {
      const { encoded, signature } = await this.#read(at)
      total += encoded.length
      if (total > MAX_BATCH_BYTES) break
      entries.push(encoded)
      if (signature !== undefined) complete = { entries: entries.slice(), signature }
    }
    return complete
  }

  async #read(sequence: number): Promise<ReturnType<typeof parseRecord>> {
    const record = await this.#storage.get(this.#entryKey(sequence))
    if (record === undefined) throw damaged(`entry ${sequence} is missing`)
    return parseRecord(record)
  }

  #entryKey(sequence: number): string {
    return this.#prefix + sequence.toString().padStart(16, '0')
  }
}

const isSigned = (head: FeedHead | SignedHead): head is SignedHead => 'signature' in head

function parseRecord(record: Uint8Array) {
  const { entry, signature } = parseVersioned(StoredEntry, RECORD_VERSION, record, 'STORAGE_CORRUPT')
  return { ...parseEntry(entry), ...(signature && { signature }) }
}

const damaged = (what: string): SpaceError =>
  new SpaceError('STORAGE_CORRUPT', `a stored feed is damaged: ${what}`)
