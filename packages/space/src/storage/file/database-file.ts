import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { makeFolder, writeFileAtomic } from '@vestibule/keys/node'
import { StorageError } from '../../error.ts'
import { isLogDamaged } from './write-ahead-log.ts'

/** Version of the tables below, kept in the file's header. */
const FORMAT_VERSION = 1
/** "Vest": tells our files from other SQLite databases. */
const APPLICATION_ID = 0x56657374
/** Of a new file: a third faster than 4 KiB where much is written at once, and as fast where little is. */
const PAGE_BYTES = 16 * 1024
/** SQLITE_IOERR_SHMSIZE */
const SHARED_MEMORY_SIZE = 4874

/**
 * A new file appears whole under its name, or not at all. One that exists is not even opened here: closing any handle
 * to it would drop the locks that another storage of this process holds on it.
 */
export async function create(path: string, pageBytes = PAGE_BYTES): Promise<void> {
  await makeFolder(dirname(path), 0o700)
  if (existsSync(path)) return
  try {
    await writeFileAtomic(path, emptyDatabase(path, pageBytes), { exclusive: true })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
}

function emptyDatabase(path: string, pageBytes: number): Uint8Array {
  const folder = mkdtempSync(`${path}-`)
  const database = new DatabaseSync(':memory:')
  try {
    database.exec(`
      PRAGMA page_size = ${pageBytes};
      CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${FORMAT_VERSION}`)
    database.prepare('VACUUM INTO ?').run(join(folder, 'empty.db'))
    const file = readFileSync(join(folder, 'empty.db'))
    // In write-ahead mode from the beginning (SQLite, "Database File Format", 1.3.3).
    file.fill(2, 18, 20)
    return file
  } finally {
    database.close()
    rmSync(folder, { recursive: true })
  }
}

/**
 * Reads the header without locks, journals or recovery: a file that is not for us is not touched. What is looked at
 * never changes once the file is made. Through SQLite all the same, because closing a file by another way would take
 * the locks of this whole process with it.
 * @returns the size of its pages; files of earlier releases have smaller ones
 */
export function inspect(path: string): number {
  const url = pathToFileURL(path)
  url.search = '?mode=ro&immutable=1'
  const database = new DatabaseSync(url, { readOnly: true, defensive: false })
  try {
    // After a checkpoint that a kill or a full disk cut short, the header speaks of pages that are in the log only;
    // without this SQLite takes that for damage. Nothing is written: the connection is read-only.
    database.exec('PRAGMA writable_schema = ON')
    const version = pragma(database, 'user_version')
    const application = pragma(database, 'application_id')
    if (application !== APPLICATION_ID)
      throw new StorageError('STORAGE_CORRUPT', `${path}: not a Vestibule storage`)
    if (version > FORMAT_VERSION)
      throw new StorageError(
        'STORAGE_VERSION',
        `${path}: format ${version} is newer than this release's ${FORMAT_VERSION}`,
      )
    return pragma(database, 'page_size')
  } finally {
    database.close()
  }
}

/**
 * Looks for damage in a file whose write-ahead log a crash has left, under a lock, so that nobody writes meanwhile: in
 * the log for what no crash can have done and SQLite would pass over, in the file for what the log does not make whole.
 * Read-only, because closing another connection would write the log into the file and delete it.
 */
export function inspectLog(path: string, pageBytes: number): void {
  const log = `${path}-wal`
  if (!existsSync(log) || statSync(log).size === 0) return
  const sharedMemory = `${path}-shm`
  const isOurs = !existsSync(sharedMemory)
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const isReadable = begin(database)
    if (isLogDamaged(readFileSync(log), pageBytes))
      throw new StorageError('STORAGE_CORRUPT', `${log}: damaged; it was left as it is`)
    if (isReadable) assertHealthy(path, database)
  } finally {
    database.close()
    if (isOurs) rmSync(sharedMemory, { force: true })
  }
}

/**
 * Locks the database for reading.
 * @returns false on a disk without room for an index of the log: what is there has to be readable all the same
 */
function begin(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN; SELECT 1 FROM sqlite_schema')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SHARED_MEMORY_SIZE) return false
    throw error
  }
}

/** Checks the structure of the whole file, and that its index has the rows that are there. */
export function assertHealthy(path: string, database: DatabaseSync): void {
  const verdict = Object.values(database.prepare('PRAGMA integrity_check(1)').get() ?? {})[0]
  if (verdict !== 'ok') throw new StorageError('STORAGE_CORRUPT', `${path}: damaged (${String(verdict)})`)
}

const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)
