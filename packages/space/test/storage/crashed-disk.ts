import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '../../src/storage/file/database-file.ts'
import { FileStorage } from '../../src/storage/file/file-storage.ts'

/** What is on the disk of a storage at some moment; an empty log is none. */
export interface Disk {
  readonly main: Buffer
  readonly log: Buffer
}

/** Memory, where there is a file system in it: thousands of openings need no real disk. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const key = (n: number): string => `n/${String(n).padStart(6, '0')}`
const LAST = 'last'

/**
 * Makes transactions. The nth writes that it was the last, and a value of `lengths[n]` bytes under a key of its own,
 * unless it has none.
 * @param pageBytes the size of the database's pages
 * @returns what was on the disk before the first, after it, and so on
 */
export async function makeHistory(lengths: readonly number[], pageBytes: number): Promise<Disk[]> {
  const directory = mkdtempSync(join(place, 'vestibule-disk-'))
  await create(join(directory, 'vestibule.db'), pageBytes)
  const storage = await FileStorage.open(directory)
  const look = (): Disk => ({ main: readFileSync(storage.path), log: readFileSync(`${storage.path}-wal`) })
  await storage.transact([{ key: LAST, value: Uint8Array.of() }])
  const disks = [look()]
  for (const [n, length] of lengths.entries()) {
    const own = { key: key(n), value: new Uint8Array(length).fill(n) }
    await storage.transact([{ key: LAST, value: Uint8Array.of(n) }, ...(length > 0 ? [own] : [])])
    disks.push(look())
  }
  await storage.close()
  rmSync(directory, { recursive: true })
  return disks
}

/** Opens what a crash left, over and over, in one place. */
export class CrashedDisk implements Disposable {
  readonly #directory = mkdtempSync(join(place, 'vestibule-crashed-'))
  readonly #main = join(this.#directory, 'vestibule.db')
  readonly #log = `${this.#main}-wal`
  /** Whether it could be opened the last time, whatever came then. */
  wasOpened = false

  /**
   * @param lengths of the history
   * @returns how many transactions are there, whole and without a gap; or the code of the refusal
   * @throws Error when it is neither
   */
  async found({ main, log }: Disk, lengths: readonly number[]): Promise<number | string> {
    rmSync(this.#directory, { recursive: true, force: true })
    mkdirSync(this.#directory)
    writeFileSync(this.#main, main)
    if (log.length > 0) writeFileSync(this.#log, log)
    this.wasOpened = false
    try {
      await using stack = new AsyncDisposableStack()
      const storage = await FileStorage.open(this.#directory)
      stack.defer(() => storage.close())
      this.wasOpened = true
      return await countOf(storage, lengths)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      return String(error.code)
    }
  }

  /** Whether the files are as they were before they were opened. */
  holds({ main, log }: Disk): boolean {
    const logged = existsSync(this.#log) ? readFileSync(this.#log) : Buffer.alloc(0)
    return readFileSync(this.#main).equals(main) && logged.equals(log)
  }

  /** The database after an orderly end. */
  get main(): Buffer {
    return readFileSync(this.#main)
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

async function countOf(storage: FileStorage, lengths: readonly number[]): Promise<number> {
  const count = ((await storage.get(LAST))?.[0] ?? -1) + 1
  const written = lengths.slice(0, count)
  const rows = new Map(await storage.list('n/'))
  for (const [n, length] of written.entries()) {
    const value = rows.get(key(n))
    if ((value?.length ?? 0) !== length || value?.some((byte) => byte !== n))
      throw new Error(`transaction ${n} is not as it was written`)
  }
  if (rows.size !== written.filter((length) => length > 0).length) throw new Error('half a transaction')
  return count
}
