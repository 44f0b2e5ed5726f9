import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { StorageError, type StorageErrorCode } from '../error.ts'
import {
  checkKey,
  checkList,
  checkWrites,
  type Storage,
  type StoragePart,
  type StorageWrite,
  storageClosed,
} from './storage.ts'

/** Version of what is below, kept by IndexedDB itself. */
const FORMAT_VERSION = 1
/** Tells our databases from others of the site. */
const ENTRIES = 'vestibule entries'
/** Stands in its place where the browser found the database damaged. */
const LOST = 'vestibule entries were lost'
const CHECKSUM_BYTES = 8
/** The most that IndexedDB lists. */
const MAX_COUNT = 2 ** 32 - 1

/**
 * A storage in one IndexedDB database of a site, owned by one tab or worker at a time: a Web Lock is held while it is
 * open, and goes with the tab.
 *
 * A transaction is on disk when it resolves (`durability: 'strict'`). Every value is stored behind a checksum over its
 * key and itself, checked when it is read. A database that the browser found damaged and emptied is refused until it is
 * deleted (`indexedDB.deleteDatabase`), so that nobody takes it for a new one. A browser may clear the data of a site
 * when it runs out of space, unless `navigator.storage.persist()` was granted. Needs HTTPS, as Web Locks do.
 *
 * @example
 * const storage = await IndexedDbStorage.open('vestibule')
 * await storage.transact([{ key: 'greeting', value: new TextEncoder().encode('hello') }])
 * await storage.close()
 */
export class IndexedDbStorage implements Storage {
  /** Of the database. */
  readonly name: string
  readonly #database: IDBDatabase
  readonly #release: () => void
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  private constructor(name: string, database: IDBDatabase, release: () => void) {
    this.name = name
    this.#database = database
    this.#release = release
    // Deleted in another tab, or with the site's data: stand in nobody's way. What runs is carried out.
    const end = (): void => void this.close()
    database.onversionchange = end
    database.onclose = end
  }

  /**
   * Opens a database, which is made when it does not exist.
   * @throws StorageError `LOCKED`, `STORAGE_VERSION`, `STORAGE_CORRUPT` for a database that is not ours or was lost,
   *   `STORAGE_UNWRITABLE` where there is no IndexedDB or it may not be used, `STORAGE_FULL`, `STORAGE_IO`
   */
  static async open(name: string): Promise<IndexedDbStorage> {
    const release = await lock(name)
    try {
      const database = await openDatabase(name)
      if (database.objectStoreNames.length === 1 && database.objectStoreNames.contains(ENTRIES))
        return new IndexedDbStorage(name, database, release)
      const what = database.objectStoreNames.contains(LOST)
        ? 'the browser found it damaged and dropped what was in it; delete the database to begin anew'
        : 'not a Vestibule storage; it was left as it is'
      database.close()
      throw new StorageError('STORAGE_CORRUPT', `${name}: ${what}`)
    } catch (cause) {
      release()
      throw failed(name, cause)
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key)
    const stored = await this.#run('readonly', (entries) => entries.get(key))
    return stored.result === undefined ? undefined : this.#open(key, stored.result)
  }

  async list(prefix: string, part: StoragePart = {}): Promise<[string, Uint8Array][]> {
    checkList(prefix, part)
    if (this.#closed) throw storageClosed()
    const { from = prefix, limit = MAX_COUNT } = part
    const first = from > prefix ? from : prefix
    // DEL sorts behind every character that a key may have.
    const end = `${prefix}\x7f`
    if (first >= end) return []
    const range = IDBKeyRange.bound(first, end, false, true)
    const count = Math.min(limit, MAX_COUNT)
    const [keys, values] = await this.#run('readonly', (entries) => [
      entries.getAllKeys(range, count),
      entries.getAll(range, count),
    ])
    return keys.result.map((key, i) => [String(key), this.#open(String(key), values.result[i])])
  }

  async transact(writes: readonly StorageWrite[]): Promise<void> {
    checkWrites(writes)
    if (this.#closed) throw storageClosed()
    if (writes.length === 0) return
    await this.#run('readwrite', (entries) => {
      for (const { key, value } of writes) {
        if (value === undefined) entries.delete(key)
        else entries.put(concatBytes(checksum(key, value), value), key)
      }
    })
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#database.close()
      while (this.#running.size > 0) await Promise.allSettled(this.#running)
      this.#release()
    }
  }

  /** Transactions run in the order in which they are made, which is that of the calls. */
  async #run<T>(mode: IDBTransactionMode, ask: (entries: IDBObjectStore) => T): Promise<T> {
    if (this.#closed) throw storageClosed()
    const running = new Promise<T>((resolve, reject) => {
      const transaction = this.#database.transaction(ENTRIES, mode, { durability: 'strict' })
      // The reason of an abort (a full disk, say) is the transaction's; a request's own error is the same one.
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
      try {
        const asked = ask(transaction.objectStore(ENTRIES))
        transaction.oncomplete = () => resolve(asked)
      } catch (error) {
        transaction.abort()
        throw error
      }
    })
    this.#running.add(running)
    try {
      return await running
    } catch (cause) {
      throw failed(this.name, cause)
    } finally {
      this.#running.delete(running)
    }
  }

  #open(key: string, stored: unknown): Uint8Array {
    if (stored instanceof Uint8Array && stored.length >= CHECKSUM_BYTES) {
      const value = stored.slice(CHECKSUM_BYTES)
      if (checksum(key, value).every((byte, i) => byte === stored[i])) return value
    }
    throw new StorageError('STORAGE_CORRUPT', `${this.name}: a value does not match its checksum`)
  }
}

/** The length of a key stands before it, so that no other key and value give the same bytes. */
const checksum = (key: string, value: Uint8Array): Uint8Array =>
  sha256
    .create()
    .update(utf8ToBytes(`${key.length}:${key}`))
    .update(value)
    .digest()
    .subarray(0, CHECKSUM_BYTES)

/** @returns a function that releases it */
function lock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    if (globalThis.navigator?.locks === undefined || globalThis.indexedDB === undefined)
      throw new StorageError(
        'STORAGE_UNWRITABLE',
        `${name}: no IndexedDB and Web Locks here: they need HTTPS`,
      )
    navigator.locks
      .request(`vestibule storage ${name}`, { ifAvailable: true }, (held) => {
        if (held === null) throw new StorageError('LOCKED', `${name}: in use by another tab`)
        return new Promise<void>((release) => resolve(release))
      })
      .catch((error: unknown) => reject(failed(name, error)))
  })
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, FORMAT_VERSION)
    request.onupgradeneeded = (event) => {
      // Chromium replaces a database that it finds damaged by an empty one, and says so once, here only.
      const { dataLoss } = event as { readonly dataLoss?: string }
      request.result.createObjectStore(dataLoss === 'total' ? LOST : ENTRIES)
    }
    request.onerror = () => reject(request.error)
    request.onsuccess = () => resolve(request.result)
  })
}

function failed(name: string, cause: unknown): unknown {
  if (cause instanceof StorageError || cause instanceof TypeError) return cause
  const code = (cause instanceof DOMException && CODES[cause.name]) || 'STORAGE_IO'
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StorageError(code, `${name}: ${why}`, { cause })
}

/** Names of DOMExceptions. */
const CODES: Readonly<Record<string, StorageErrorCode>> = {
  QuotaExceededError: 'STORAGE_FULL',
  VersionError: 'STORAGE_VERSION',
  SecurityError: 'STORAGE_UNWRITABLE',
  InvalidStateError: 'STORAGE_CLOSED',
}
