import { constants } from 'node:fs/promises'
import { dirname } from 'node:path'

interface File {
  readonly mode: number
  written: Uint8Array
  /** What a loss of power leaves of it for certain. */
  synced: Uint8Array
}
interface Folder {
  mode: number
}
type Entry = File | Folder
const isFile = (entry: Entry | undefined): entry is File => entry !== undefined && 'written' in entry

const failed = (code: string): Error => Object.assign(new Error(code), { code })

/**
 * A disk in memory that fails or is stopped at any step. It keeps apart what was written and what was synced: after a
 * loss of power any part of what was not may be there.
 *
 * A byte that is written, a file or a folder that is synced and a name that changes are one step each.
 */
export class CrashingDisk {
  readonly #entries = new Map<string, Entry>()
  readonly #synced = new Map<string, Entry>()
  #steps = 0
  #stopAt = Number.POSITIVE_INFINITY
  #goesOn = false

  constructor(entries: Iterable<[string, Entry]> = [['/', { mode: 0o755 }]]) {
    for (const [path, entry] of entries) {
      this.#entries.set(path, entry)
      this.#synced.set(path, entry)
    }
  }

  /** How many steps were made since the last call of {@link stopAfter}. */
  get steps(): number {
    return this.#steps
  }

  /** Lets so many steps pass; the next one fails, and all after it unless it goes on. */
  stopAfter(steps: number, { goesOn }: { goesOn: boolean } = { goesOn: false }): void {
    this.#steps = 0
    this.#stopAt = steps
    this.#goesOn = goesOn
  }

  /** All files with their permissions and, of those that are there now, their bytes. */
  files(): { path: string; mode: number; bytes: Uint8Array }[] {
    return [...this.#entries].flatMap(([path, entry]) =>
      isFile(entry) ? [{ path, mode: entry.mode, bytes: entry.written }] : [],
    )
  }

  modeOf(path: string): number | undefined {
    return this.#entries.get(path)?.mode
  }

  /** Every disk that may be found after a kill or a loss of power just now. */
  *afterCrash(): Generator<CrashingDisk> {
    const paths = [...new Set([...this.#entries.keys(), ...this.#synced.keys()])]
    const open = paths.filter((path) => this.#entries.get(path) !== this.#synced.get(path))
    for (let kept = 0; kept < 1 << open.length; kept++)
      for (const part of [0, 0.5, 1]) {
        const found = new Map<string, Entry>()
        for (const path of paths.sort()) {
          const isKept = (kept >> open.indexOf(path)) & 1
          const entry = open.includes(path) && isKept ? this.#entries.get(path) : this.#synced.get(path)
          if (entry === undefined || (path !== '/' && !found.has(dirname(path)))) continue
          found.set(path, isFile(entry) ? afterLoss(entry, part) : { ...entry })
        }
        yield new CrashingDisk(found)
      }
  }

  /** What stands in for the module `node:fs/promises`. */
  readonly promises = {
    open: async (path: string, flags: number, mode: number) => {
      if (flags & constants.O_CREAT) this.#create(path, mode)
      const entry = this.#find(path)
      return {
        writeFile: async (data: Uint8Array) => {
          for (const byte of data) {
            this.#step()
            if (isFile(entry)) entry.written = Uint8Array.of(...entry.written, byte)
          }
        },
        sync: async () => {
          this.#step()
          if (isFile(entry)) entry.synced = entry.written
          else this.#syncNames(path)
        },
        close: async () => {},
      }
    },
    link: async (from: string, to: string) => {
      const entry = this.#find(from)
      if (this.#entries.has(to)) throw failed('EEXIST')
      this.#step()
      this.#entries.set(to, entry)
    },
    rename: async (from: string, to: string) => {
      const entry = this.#find(from)
      this.#step()
      this.#entries.set(to, entry)
      this.#entries.delete(from)
    },
    rm: async (path: string, options?: { force?: boolean }) => {
      if (!this.#entries.has(path) && options?.force === true) return
      this.#find(path)
      this.#step()
      this.#entries.delete(path)
    },
    mkdir: async (path: string, { mode }: { mode: number }) => {
      const missing: string[] = []
      for (let at = path; !this.#entries.has(at); at = dirname(at)) missing.unshift(at)
      for (const folder of missing) {
        this.#step()
        this.#entries.set(folder, { mode })
      }
      return missing[0]
    },
    chmod: async (path: string, mode: number) => {
      const entry = this.#find(path)
      if (!isFile(entry)) entry.mode = mode
    },
    readFile: async (path: string) => {
      const entry = this.#find(path)
      if (!isFile(entry)) throw failed('EISDIR')
      return entry.written.slice()
    },
    readdir: async (path: string) => {
      this.#find(path)
      return this.files().flatMap((file) =>
        dirname(file.path) === path ? [file.path.slice(path.length + 1)] : [],
      )
    },
  }

  #create(path: string, mode: number): void {
    this.#find(dirname(path))
    if (this.#entries.has(path)) throw failed('EEXIST')
    this.#step()
    this.#entries.set(path, { mode, written: new Uint8Array(0), synced: new Uint8Array(0) })
  }

  #find(path: string): Entry {
    const entry = this.#entries.get(path)
    if (entry === undefined) throw failed('ENOENT')
    return entry
  }

  #syncNames(folder: string): void {
    for (const path of new Set([...this.#entries.keys(), ...this.#synced.keys()])) {
      if (path === '/' || dirname(path) !== folder) continue
      const entry = this.#entries.get(path)
      if (entry === undefined) this.#synced.delete(path)
      else this.#synced.set(path, entry)
    }
  }

  #step(): void {
    const step = this.#steps++
    if (step === this.#stopAt || (step > this.#stopAt && !this.#goesOn)) throw failed('EIO')
  }
}

function afterLoss({ mode, written, synced }: File, part: number): File {
  const more = written.slice(0, synced.length + Math.ceil((written.length - synced.length) * part))
  return { mode, written: more, synced: more }
}
