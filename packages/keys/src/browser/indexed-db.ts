import { KeysError, type KeysErrorCode } from '../errors.ts'

/**
 * One IndexedDB database with one object store, opened when it is needed and opened again after another tab had it
 * closed. Every failure is a KeysError of the code that it was made with, its cause kept.
 */
export class Database {
  readonly #name: string
  readonly #failure: KeysErrorCode
  #opened: Promise<IDBDatabase> | undefined

  constructor(name: string, failure: KeysErrorCode) {
    this.#name = name
    this.#failure = failure
  }

  /** Reads by one request. */
  async read<T>(ask: (records: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return this.#transaction('readonly', ask)
  }

  /** Writes by one request; it resolves when the operating system was told to have it on disk. */
  async write<T>(ask: (records: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return this.#transaction('readwrite', ask)
  }

  async #transaction<T>(
    mode: IDBTransactionMode,
    ask: (records: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> {
    try {
      const transaction = await this.#begin(mode)
      return await new Promise((resolve, reject) => {
        const request = ask(transaction.objectStore(RECORDS))
        transaction.oncomplete = () => resolve(request.result)
        // Chromium gives the reason of an abort (a full disk, say) here; a request's own error is the same one.
        transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
      })
    } catch (cause) {
      throw this.#failed(cause)
    }
  }

  async #begin(mode: IDBTransactionMode): Promise<IDBTransaction> {
    const options = { durability: 'strict' } as const
    const database = await this.#open()
    try {
      return database.transaction(RECORDS, mode, options)
    } catch (error) {
      // Closed since it was opened: by a newer version in another tab, or with the site's data. Nothing was begun.
      if (!(error instanceof DOMException && error.name === 'InvalidStateError')) throw error
      this.#opened = undefined
      return (await this.#open()).transaction(RECORDS, mode, options)
    }
  }

  #open(): Promise<IDBDatabase> {
    if (this.#opened !== undefined) return this.#opened
    const opening = openDatabase(this.#name, () => this.#forget(opening))
    this.#opened = opening
    opening.catch(() => this.#forget(opening))
    return opening
  }

  #forget(opened: Promise<IDBDatabase>): void {
    if (this.#opened === opened) this.#opened = undefined
  }

  #failed(cause: unknown): unknown {
    // What was added is there already: the caller says what that means.
    if (cause instanceof DOMException && cause.name === 'ConstraintError') return cause
    const why = cause instanceof Error ? cause.message : String(cause)
    return new KeysError(this.#failure, `the database ${this.#name} can't be used: ${why}`, { cause })
  }
}

const VERSION = 1
const RECORDS = 'records'

function openDatabase(name: string, closed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION)
    request.onupgradeneeded = () => request.result.createObjectStore(RECORDS)
    request.onerror = () => reject(request.error)
    // Another tab has an older version open and does not let go. What comes of it later is not waited for.
    request.onblocked = () => reject(new Error('another tab keeps an older version of it open'))
    request.onsuccess = () => {
      const database = request.result
      // A newer version, or a deletion, in another tab: stand in nobody's way.
      database.onversionchange = () => {
        database.close()
        closed()
      }
      database.onclose = closed
      resolve(database)
    }
  })
}

/** Whether an `add` found its name taken. */
export const isTaken = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'ConstraintError'
