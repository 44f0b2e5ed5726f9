import { equalBytes, type PublicKey } from '@vestibule/keys'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import {
  emptyHead,
  entriesOf,
  type FeedBatch,
  FeedBatchMessage,
  type FeedEntry,
  type FeedHead,
  type FeedRun,
  MAX_BATCH_BYTES,
  MAX_BATCH_ENTRIES,
  type SignedHead,
  verifyHead,
} from './entry.ts'
import { damagedFeed, encodeStored, parseStored, recordsAsBatch, sequenceKey } from './feed-records.ts'

/** Records that are read at a time: at most 6 MiB. */
const RECORDS_PER_READ = 32
/** So many small records in a row become one, so that a feed written message by message is read as fast as another. */
const MERGED_RECORDS = 32
const SMALL_RECORD_BYTES = MAX_BATCH_BYTES / MERGED_RECORDS
const SMALL_RECORD_ENTRIES = MAX_BATCH_ENTRIES / MERGED_RECORDS

/** A record of the storage: the entries from `from` to the next record's, and the bytes of their payloads. */
interface Place {
  readonly from: number
  readonly bytes: number
}

/**
 * A feed as it is stored: one record for each batch, under keys that sort by the first sequence. In memory is only
 * where the records begin and where the feed ends. Whoever continues it writes {@link Feed.writes} in a transaction of
 * its own and then calls {@link Feed.advance}, so that memory never runs ahead of the storage.
 */
export class Feed {
  readonly key: PublicKey
  /** So many entries count, up to a cut or a fork; infinity for most. Its space says so, and what is beyond is kept. */
  limit = Number.POSITIVE_INFINITY
  readonly #storage: Storage
  readonly #prefix: string
  readonly #places: Place[] = []
  #head: FeedHead | SignedHead
  #size = 0

  private constructor(storage: Storage, prefix: string, head: FeedHead) {
    this.key = head.feed
    this.#storage = storage
    this.#prefix = prefix
    this.#head = head
  }

  /**
   * Opens a feed and checks it: every link, and the signature of its head. A part of it is in memory at a time.
   * @param onEntries called with all entries, in order, some at a time
   * @throws SpaceError `STORAGE_CORRUPT` for a feed that does not hold together
   */
  static async open(
    storage: Storage,
    prefix: string,
    { space, key }: { readonly space: PublicKey; readonly key: PublicKey },
    onEntries: (entries: readonly FeedEntry[]) => void | Promise<void> = () => {},
  ): Promise<Feed> {
    const feed = new Feed(storage, prefix, emptyHead(space, key))
    for (;;) {
      const records = await feed.#read(feed.length, RECORDS_PER_READ)
      if (records.length > 0) await onEntries(records.flatMap((batch) => feed.#follow(batch)))
      if (records.length < RECORDS_PER_READ) break
    }
    const { signedHead } = feed
    if (signedHead !== undefined && !(await verifyHead(signedHead)))
      throw damagedFeed('its head is not signed')
    return feed
  }

  get head(): FeedHead {
    return this.#head
  }

  get length(): number {
    return this.#head.length
  }

  /** Bytes of all payloads. */
  get size(): number {
    return this.#size
  }

  /** The head with its signature; `undefined` while the feed is empty. */
  get signedHead(): SignedHead | undefined {
    return 'signature' in this.#head ? this.#head : undefined
  }

  /**
   * What has to be stored for runs that were created or verified to follow the head. Where one would leave many small
   * records in a row, they become one, whose signature is the last one's.
   */
  async writes(...runs: readonly FeedRun[]): Promise<StorageWrite[]> {
    const [batch, ...more] = runs.map((run) => run.batch)
    const first = batch && more.length === 0 ? this.#places[this.#mergedWith(batch)] : undefined
    if (batch === undefined || first === undefined) return runs.map((run) => this.#write(run.batch))
    const small = await this.#read(first.from, MERGED_RECORDS - 1)
    return [
      ...small.slice(1).map(({ from }) => ({ key: this.#prefix + sequenceKey(from), value: undefined })),
      this.#write(joined([...small, batch])),
    ]
  }

  /** Moves the head over runs whose {@link Feed.writes} have been stored. */
  advance(...runs: readonly FeedRun[]): void {
    for (const { batch, head } of runs) {
      if (batch.from !== this.length) throw new TypeError('the entries do not follow the head')
      const bytes = sizeOf(batch)
      const merged = runs.length === 1 ? this.#places.splice(this.#mergedWith(batch)) : []
      const from = merged[0]?.from ?? batch.from
      this.#places.push({ from, bytes: merged.reduce((sum, place) => sum + place.bytes, bytes) })
      this.#size += bytes
      this.#head = head
    }
  }

  /** The hash of an entry that is held. */
  async hashOf(sequence: number): Promise<Uint8Array> {
    if (sequence === this.length - 1) return this.#head.hash
    const [batch] = await this.#readFrom(sequence, 1)
    const entry = batch && entriesOf(this.key, batch)[sequence - batch.from]
    if (entry === undefined) throw new RangeError(`there is no entry ${sequence}`)
    return entry.hash
  }

  /** Whether the first so many entries are held, and the last of them has a hash. */
  async hasHash(length: number, hash: Uint8Array): Promise<boolean> {
    if (length === 0) return true
    return length <= this.length && equalBytes(hash, await this.hashOf(length - 1))
  }

  /**
   * The longest signed run of entries from `sequence` that fits a batch, ending with the first signature at or behind
   * `enough` entries of the feed; `undefined` at the end of the feed.
   */
  async batch(sequence: number, enough = Number.POSITIVE_INFINITY): Promise<FeedBatch | undefined> {
    if (sequence >= this.length) return undefined
    const [first, last] = this.#placesOf(sequence, enough)
    const whole = joined(await this.#readFrom(sequence, last - first + 1))
    const count = sequence - whole.from
    if (count === 0) return whole
    const previous = entriesOf(this.key, { ...whole, payloads: whole.payloads.slice(0, count) }).at(-1)?.hash
    return {
      ...whole,
      from: sequence,
      previous: previous ?? whole.previous,
      payloads: whole.payloads.slice(count),
    }
  }

  /**
   * The same as it is sent, in parts, and up to which entry it goes. Where it begins with a record, as in a catch-up,
   * the records are passed on as they are.
   */
  async encodedBatch(
    sequence: number,
    enough = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly upTo: number; readonly parts: readonly Uint8Array[] } | undefined> {
    if (sequence >= this.length) return undefined
    const [first, last] = this.#placesOf(sequence, enough)
    if (this.#places[first]?.from !== sequence) {
      const batch = await this.batch(sequence, enough)
      return batch && { upTo: sequence + batch.payloads.length, parts: [FeedBatchMessage.encode(batch)] }
    }
    const [upTo, places] = [this.#end(last), this.#places.slice(first, last + 1)]
    const records = await this.#list(sequence, places.length)
    for (const [n, { from }] of places.entries())
      if (records[n]?.[0] !== this.#prefix + sequenceKey(from)) throw damagedFeed(`entry ${from} is missing`)
    const parts = recordsAsBatch(
      sequence,
      records.map(([, record]) => record),
    )
    return { upTo, parts }
  }

  /** Checks that a record follows what was read before it, and takes it in. */
  #follow(batch: FeedBatch): FeedEntry[] {
    if (batch.from !== this.length || !equalBytes(batch.previous, this.#head.hash))
      throw damagedFeed(`entry ${batch.from} does not follow entry ${this.length - 1}`)
    const entries = entriesOf(this.key, batch)
    const { space, feed, hash: start } = this.#head
    const hash = entries.at(-1)?.hash ?? start
    const length = batch.from + entries.length
    this.#head = { space, feed, length, hash, signature: batch.signature }
    this.#places.push({ from: batch.from, bytes: sizeOf(batch) })
    this.#size += sizeOf(batch)
    return entries
  }

  /** The index of the first record that becomes one with a batch at the end; behind the last when none does. */
  #mergedWith(batch: FeedBatch): number {
    const end = this.#places.length
    const first = end - MERGED_RECORDS + 1
    const isSmall = (entries: number, bytes: number): boolean =>
      entries < SMALL_RECORD_ENTRIES && bytes <= SMALL_RECORD_BYTES
    if (first < 0 || !isSmall(batch.payloads.length, sizeOf(batch))) return end
    for (let at = first; at < end; at++) {
      const { from, bytes } = this.#places[at] as Place
      if (!isSmall(this.#end(at) - from, bytes)) return end
    }
    return first
  }

  /** The index of the record that holds an entry. */
  #placeOf(sequence: number): number {
    let [low, high] = [0, this.#places.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#places[middle]?.from ?? 0) <= sequence) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The indices of the first and last record of the longest batch from an entry on; see {@link Feed.batch}. */
  #placesOf(sequence: number, enough: number): readonly [first: number, last: number] {
    const first = this.#placeOf(sequence)
    let [bytes, last] = [0, first]
    for (let at = first; at < this.#places.length; at++) {
      bytes += this.#places[at]?.bytes ?? 0
      const tooLong = bytes > MAX_BATCH_BYTES || this.#end(at) - sequence > MAX_BATCH_ENTRIES
      if (at > first && tooLong) break
      last = at
      if (this.#end(at) >= enough) break
    }
    return [first, last]
  }

  /** How long the feed is up to the end of a record. */
  #end(at: number): number {
    return this.#places[at + 1]?.from ?? this.length
  }

  /** So many records from the one that holds an entry. */
  async #readFrom(sequence: number, count: number): Promise<FeedBatch[]> {
    const { from } = this.#places[this.#placeOf(sequence)] ?? { from: sequence }
    const records = await this.#read(from, count)
    if (records[0]?.from !== from || records.length !== count) throw damagedFeed(`entry ${from} is missing`)
    return records
  }

  async #read(from: number, limit: number): Promise<FeedBatch[]> {
    return (await this.#list(from, limit)).map(([key, record]) => parseStored(key, record))
  }

  #list(from: number, limit: number): Promise<[key: string, record: Uint8Array][]> {
    return this.#storage.list(this.#prefix, { from: this.#prefix + sequenceKey(from), limit })
  }

  #write(batch: FeedBatch): StorageWrite {
    return { key: this.#prefix + sequenceKey(batch.from), value: encodeStored(batch) }
  }
}

const sizeOf = ({ payloads }: FeedBatch): number => payloads.reduce((sum, { length }) => sum + length, 0)

/** Batches that follow one another, as one. */
function joined(batches: readonly FeedBatch[]): FeedBatch {
  const [first, last] = [batches[0], batches.at(-1)]
  if (first === undefined || last === undefined) throw new TypeError('no batches')
  const payloads = batches.flatMap((batch) => batch.payloads)
  return { ...first, payloads, signature: last.signature }
}
