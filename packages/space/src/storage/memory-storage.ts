import {
  checkKey,
  checkList,
  checkWrites,
  type Storage,
  type StoragePart,
  type StorageWrite,
  storageClosed,
} from './storage.ts'

/** A storage that forgets everything with the process; for tests, and for guests who keep nothing. */
export class MemoryStorage implements Storage {
  #entries = new Map<string, Uint8Array>()
  /** Rebuilt when the set of keys has changed; most lists are of keys that have not. */
  #sorted: string[] | undefined
  #closed = false

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key)
    this.#assertOpen()
    return this.#entries.get(key)?.slice()
  }

  async list(prefix: string, part: StoragePart = {}): Promise<[string, Uint8Array][]> {
    checkList(prefix, part)
    this.#assertOpen()
    const { from = prefix, limit = Number.POSITIVE_INFINITY } = part
    this.#sorted ??= [...this.#entries.keys()].sort()
    const out: [string, Uint8Array][] = []
    for (let at = lowerBound(this.#sorted, from > prefix ? from : prefix); out.length < limit; at++) {
      const key = this.#sorted[at] ?? ''
      const value = this.#entries.get(key)
      if (!key.startsWith(prefix) || value === undefined) break
      out.push([key, value.slice()])
    }
    return out
  }

  async transact(writes: readonly StorageWrite[]): Promise<void> {
    checkWrites(writes)
    this.#assertOpen()
    for (const { key, value } of writes) {
      if (value === undefined ? this.#entries.has(key) : !this.#entries.has(key)) this.#sorted = undefined
      if (value === undefined) this.#entries.delete(key)
      else this.#entries.set(key, value.slice())
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#entries.clear()
  }

  #assertOpen(): void {
    if (this.#closed) throw storageClosed()
  }
}

/** Index of the first key that is not before `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
