const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const MAGIC = 0x377f0682
const FORMAT = 3007000
/** What a carry leaves behind in a counter of which only the first bytes were written. */
const CARRIES = [0, 0xff, 0xffff, 0xffffff]

/** Two 32-bit words, as all of the log's checksums and salts are. */
type Pair = readonly [number, number]
const same = (a: Pair, b: Pair): boolean => a[0] === b[0] && a[1] === b[1]

/**
 * Whether a write-ahead log of SQLite holds transactions that were synced behind something that was not written so.
 *
 * SQLite takes a log up to the first frame that does not fit, and passes over the rest. That is right for what a crash
 * tears: a transaction is synced before the next is written, so it is only the last, which nobody was told of. But
 * damage further up would take acknowledged transactions with it, without a word. Frames that were written behind
 * the end of a transaction at or after the misfit tell it from a torn write. The last transaction of all can't be told.
 *
 * @param bytes the whole file
 * @param pageBytes the size of a page of the database
 * @see "WAL-mode File Format", https://www.sqlite.org/walformat.html
 */
export function isLogDamaged(bytes: Uint8Array, pageBytes: number): boolean {
  const log = new Log(bytes, pageBytes)
  if (log.count < 2) return false
  if (!log.isHeaderWhole) {
    const synced = log.findSynced(0, (salts, next) => same(salts, next))
    return synced !== undefined && !log.isBegunAnewOver(log.salts(synced))
  }
  let [index, before] = [0, log.headerSum]
  while (index < log.count && same(log.salts(index), log.headerSalts) && log.follows(before, index))
    before = log.storedSum(index++)
  // Of the misfit itself the checksum may be what is wrong.
  const isNext = (_: Pair, next: Pair): boolean => same(next, log.headerSalts)
  if (index + 1 < log.count && log.commits(index) && isNext(before, log.salts(index + 1)))
    if (log.follows(log.sumOf(before, index), index + 1)) return true
  return log.findSynced(index, isNext) !== undefined
}

class Log {
  /** Whole frames. */
  readonly count: number
  readonly #view: DataView
  readonly #pageBytes: number
  readonly #littleEndian: boolean

  constructor(bytes: Uint8Array, pageBytes: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#pageBytes = pageBytes
    this.count = Math.max(0, Math.floor((bytes.length - HEADER_BYTES) / (FRAME_HEADER_BYTES + pageBytes)))
    this.#littleEndian = bytes.length < HEADER_BYTES || this.#view.getUint32(0) !== MAGIC + 1
  }

  get headerSalts(): Pair {
    return this.#pair(16)
  }

  get headerSum(): Pair {
    return this.#pair(24)
  }

  get isHeaderWhole(): boolean {
    return this.#view.getUint32(4) === FORMAT && same(this.#sum([0, 0], 0, 24), this.headerSum)
  }

  salts(index: number): Pair {
    return this.#pair(this.#at(index) + 8)
  }

  storedSum(index: number): Pair {
    return this.#pair(this.#at(index) + 16)
  }

  /** Whether the frame is the last of a transaction. */
  commits(index: number): boolean {
    return this.#view.getUint32(this.#at(index) + 4) !== 0
  }

  /** The checksum that a frame has behind one whose checksum is `before`. */
  sumOf(before: Pair, index: number): Pair {
    const at = this.#at(index)
    return this.#sum(this.#sum(before, at, 8), at + FRAME_HEADER_BYTES, this.#pageBytes)
  }

  /** Whether a frame was written behind one whose checksum is `before`. */
  follows(before: Pair, index: number): boolean {
    return same(this.sumOf(before, index), this.storedSum(index))
  }

  /** The end of a transaction, from a frame on, behind which another was begun. */
  findSynced(from: number, isNext: (salts: Pair, next: Pair) => boolean): number | undefined {
    for (let index = from; index + 1 < this.count; index++)
      if (this.commits(index) && isNext(this.salts(index), this.salts(index + 1)))
        if (this.follows(this.storedSum(index), index + 1)) return index
    return undefined
  }

  /**
   * Whether the header is one that was being written, when all frames were in the database, over that of the frames
   * with these salts: then its counters stand one further, and its checksum is still the old one.
   */
  isBegunAnewOver(salts: Pair): boolean {
    if (this.headerSalts[0] === (salts[0] + 1) >>> 0) return true
    const counter = this.#view.getUint32(12)
    return CARRIES.some((carry) =>
      same(this.#headerSumOf(((counter & ~carry) - 1) >>> 0, salts), this.headerSum),
    )
  }

  #headerSumOf(counter: number, salts: Pair): Pair {
    const header = new DataView(new ArrayBuffer(24))
    const words = [MAGIC + (this.#littleEndian ? 0 : 1), FORMAT, this.#pageBytes, counter, ...salts]
    for (const [i, word] of words.entries()) header.setUint32(4 * i, word)
    return checksum(header, [0, 0], 0, 24, this.#littleEndian)
  }

  #at(index: number): number {
    return HEADER_BYTES + index * (FRAME_HEADER_BYTES + this.#pageBytes)
  }

  #pair(offset: number): Pair {
    return [this.#view.getUint32(offset), this.#view.getUint32(offset + 4)]
  }

  #sum(seed: Pair, from: number, bytes: number): Pair {
    return checksum(this.#view, seed, from, bytes, this.#littleEndian)
  }
}

function checksum(
  view: DataView,
  [one, other]: Pair,
  from: number,
  bytes: number,
  littleEndian: boolean,
): Pair {
  let [a, b] = [one, other]
  for (let at = from; at < from + bytes; at += 8) {
    a = (a + view.getUint32(at, littleEndian) + b) >>> 0
    b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0
  }
  return [a, b]
}
