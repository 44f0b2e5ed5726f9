import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { crc32 } from 'node:zlib'
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

const FILE_NAME = 'vestibule.db'
/** Version of the tables below, kept in the file's header. */
const FORMAT_VERSION = 1
/** "Vest": tells our files from other SQLite databases. */
const APPLICATION_ID = 0x56657374
const PAGE_BYTES = 4096
/** As SQLite says it. */
const NO_LIMIT = -1

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
    return attempt(path, () => {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      createFile(path)
      inspect(path)
      const database = new DatabaseSync(path)
      try {
        // Without shared memory, and from here on no other process (nor another part of this one) gets in.
        database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
        create(database)
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
        assertHealthy(path, database)
        if (options.maxBytes !== undefined)
          database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.maxBytes / PAGE_BYTES))}`)
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

/**
 * SQLite would make the file readable for everyone that the umask allows. A file that exists is not even opened:
 * closing any handle to it would drop the locks that another storage of this process holds on it.
 */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
}

const checksum = (key: string, value: Uint8Array): number => crc32(value, crc32(key))

/**
 * Reads the header without locks, journals or recovery: a file that is not for us is not touched. What is looked at
 * never changes once the file is made. Through SQLite all the same, because closing a file by another way would take
 * the locks of this whole process with it.
 */
function inspect(path: string): void {
  const url = pathToFileURL(path)
  url.search = '?mode=ro&immutable=1'
  const database = new DatabaseSync(url, { readOnly: true, defensive: false })
  try {
    // After a checkpoint that a kill or a full disk cut short, the header speaks of pages that are in the log only;
    // without this SQLite takes that for damage. Nothing is written: the connection is read-only.
    database.exec('PRAGMA writable_schema = ON')
    const version = pragma(database, 'user_version')
    const application = pragma(database, 'application_id')
    if (version === 0 && application === 0 && pragma(database, 'page_count') === 0) return
    if (application !== APPLICATION_ID)
      throw new StorageError('STORAGE_CORRUPT', `${path}: not a Vestibule storage`)
    if (version > FORMAT_VERSION)
      throw new StorageError(
        'STORAGE_VERSION',
        `${path}: format ${version} is newer than this release's ${FORMAT_VERSION}`,
      )
  } finally {
    database.close()
  }
}

/** Makes the tables of a new file, in the main file before any write-ahead log exists, where inspect() looks. */
function create(database: DatabaseSync): void {
  if (pragma(database, 'user_version') !== 0) return
  database.exec(`
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA synchronous = FULL;
    BEGIN EXCLUSIVE;
    CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT_VERSION};
    COMMIT`)
}

function assertHealthy(path: string, database: DatabaseSync): void {
  const verdict = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
  if (verdict !== 'ok') throw new StorageError('STORAGE_CORRUPT', `${path}: damaged (${String(verdict)})`)
}

const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)

function attempt<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof StorageError || cause instanceof TypeError) throw cause
    const code = storageCode(cause)
    throw new StorageError(code, `${path}: ${meaning[code]}`, { cause })
  }
}

/** Primary result codes of SQLite, and what the file system says when the directory can't be made. */
function storageCode(cause: unknown): StorageErrorCode {
  const { errcode, code } = cause as { errcode?: number; code?: string }
  switch (errcode === undefined ? code : errcode & 0xff) {
    case 5: // BUSY
    case 6: // LOCKED
      return 'LOCKED'
    case 13: // FULL
    case 'ENOSPC':
    case 'EDQUOT':
      return 'STORAGE_FULL'
    case 3: // PERM
    case 8: // READONLY
    case 14: // CANTOPEN
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return 'STORAGE_UNWRITABLE'
    case 11: // CORRUPT
    case 26: // NOTADB
      return 'STORAGE_CORRUPT'
    default:
      return 'STORAGE_IO'
  }
}

const meaning: Record<StorageErrorCode, string> = {
  LOCKED: 'in use by another process',
  STORAGE_FULL: 'no space left',
  STORAGE_UNWRITABLE: 'can not be created or written',
  STORAGE_CORRUPT: 'damaged, or not a database; it was left as it is',
  STORAGE_VERSION: 'written by a later release',
  STORAGE_IO: 'reading or writing failed',
  STORAGE_CLOSED: 'closed',
}
