import { join, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { StorageError } from '../../error.ts'
import {
  checkKey,
  checkList,
  checkWrites,
  type Storage,
  type StoragePart,
  type StorageWrite,
  storageClosed,
} from '../storage.ts'
import { assertHealthy, create, inspect, inspectLog } from './database-file.ts'
import { attempt, failed } from './file-errors.ts'

const FILE_NAME = 'vestibule.db'
/** As SQLite says it. */
const NO_LIMIT = -1
/** How long the write-ahead log becomes before it is written into the database. */
const LOG_BYTES = 4 * 1024 * 1024

export interface FileStorageOptions {
  /** Most bytes that the database file may take; a transaction beyond fails with `STORAGE_FULL`. */
  readonly maxBytes?: number
}

/**
 * A storage in one SQLite file of a directory, owned by one process at a time.
 *
 * A transaction is one append to the write-ahead log and one `fsync`. Every row carries a checksum over its key
 * and value, checked when it is read; the whole structure is checked at opening. A file that is damaged, newer
 * than this release or not ours is left untouched and named in the error.
 *
 * @example
 * const storage = await FileStorage.open('./data')
 * await storage.transact([{ key: 'greeting', value: new TextEncoder().encode('hello') }])
 * await storage.close()
 */
export class FileStorage implements Storage {
  /** The database file. */
  readonly path: string
  #database: DatabaseSync
  #closed = false
  readonly #get: StatementSync
  readonly #list: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync

  private constructor(path: string, database: DatabaseSync) {
    this.path = path
    this.#database = database
    this.#get = database.prepare('SELECT key, value, checksum FROM entries WHERE key = ?')
    this.#list = database.prepare(
      'SELECT key, value, checksum FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
    )
    this.#put = database.prepare(
      'INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum',
    )
    this.#delete = database.prepare('DELETE FROM entries WHERE key = ?')
  }

  /**
   * Opens the storage of a directory, which is made (mode 0700) when it does not exist; the file has mode 0600.
   * @throws StorageError `LOCKED`, `STORAGE_VERSION`, `STORAGE_CORRUPT`, `STORAGE_UNWRITABLE`, `STORAGE_FULL`
   */
  static async open(directory: string, options: FileStorageOptions = {}): Promise<FileStorage> {
    const path = resolve(join(directory, FILE_NAME))
    await create(path).catch((cause: unknown) => {
      throw failed(path, cause)
    })
    return attempt(path, () => {
      const pageBytes = inspect(path)
      inspectLog(path, pageBytes)
      const database = new DatabaseSync(path)
      try {
        // Without shared memory, and from here on no other process (nor another part of this one) gets in.
        database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
        database.exec(`PRAGMA wal_autocheckpoint = ${LOG_BYTES / pageBytes}`)
        assertHealthy(path, database)
        if (options.maxBytes !== undefined)
          database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.maxBytes / pageBytes))}`)
        return new FileStorage(path, database)
      } catch (error) {
        database.close()
        throw error
      }
    })
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key)
    this.#assertOpen()
    return attempt(this.path, () => {
      const row = this.#get.get(key)
      return row === undefined ? undefined : this.#read(row)[1]
    })
  }

  async list(prefix: string, part: StoragePart = {}): Promise<[string, Uint8Array][]> {
    checkList(prefix, part)
    this.#assertOpen()
    const { from = prefix, limit = NO_LIMIT } = part
    const first = from > prefix ? from : prefix
    // DEL sorts behind every character that a key may have.
    const list = () => this.#list.all(first, `${prefix}\x7f`, limit).map((row) => this.#read(row))
    return attempt(this.path, list)
  }

  async transact(writes: readonly StorageWrite[]): Promise<void> {
    checkWrites(writes)
    this.#assertOpen()
    if (writes.length === 0) return
    attempt(this.path, () => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        for (const { key, value } of writes) {
          if (value === undefined) this.#delete.run(key)
          else this.#put.run(key, value, checksum(key, value))
        }
        this.#database.exec('COMMIT')
      } catch (error) {
        // After some failures SQLite has rolled back by itself.
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    attempt(this.path, () => this.#database.close())
  }

  #assertOpen(): void {
    if (this.#closed) throw storageClosed()
  }

  #read(row: Record<string, unknown>): [string, Uint8Array] {
    const { key, value, checksum: stored } = row
    if (typeof key !== 'string' || !(value instanceof Uint8Array) || checksum(key, value) !== stored)
      throw new StorageError('STORAGE_CORRUPT', `${this.path}: a row does not match its checksum`)
    return [key, value]
  }
}

const checksum = (key: string, value: Uint8Array): number => crc32(value, crc32(key))
