import { chmod, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KeysError } from '../errors.ts'
import { isTemporaryOf, makeFolder, syncFolder, writeFileAtomic } from './atomic-file.ts'
import type { KeyStore } from './key-store.ts'

const SUFFIX = '.key'

/**
 * One file for each key in a folder that only its owner may enter (0700, files 0600). Every write is atomic
 * and synced; a key is never overwritten. The records are not encrypted: whoever can read the files has the keys.
 *
 * @example
 * const keyring = new Keyring(new FileKeyStore('./data/keys'))
 */
export class FileKeyStore implements KeyStore {
  readonly #folder: string
  #ready: Promise<void> | undefined

  /** @param folder made with its parents at the first write */
  constructor(folder: string) {
    this.#folder = folder
  }

  async names(): Promise<string[]> {
    const files = await this.#try('list', () => readdir(this.#folder), [])
    return files.flatMap((file) => (file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : []))
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const data = await this.#try('read', () => readFile(this.describe(name)), undefined)
    return data && new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  }

  async add(name: string, record: Uint8Array): Promise<void> {
    try {
      this.#ready ??= this.#prepare()
      await this.#ready
      await writeFileAtomic(this.describe(name), record, { exclusive: true })
    } catch (cause) {
      this.#ready = undefined
      if (isCode(cause, 'EEXIST'))
        throw new KeysError('KEY_EXISTS', `the key ${name} is stored already`, { cause })
      throw this.#unavailable('write', cause)
    }
  }

  async delete(name: string): Promise<void> {
    await this.#try(
      'delete',
      async () => {
        // What a killed write left of it is the key, too.
        const left = (await readdir(this.#folder)).filter((file) => isTemporaryOf(name + SUFFIX, file))
        for (const file of [name + SUFFIX, ...left]) await rm(join(this.#folder, file), { force: true })
        await syncFolder(this.#folder)
      },
      undefined,
    )
  }

  describe(name: string): string {
    return join(this.#folder, name + SUFFIX)
  }

  async #prepare(): Promise<void> {
    await makeFolder(this.#folder, 0o700)
    await chmod(this.#folder, 0o700)
  }

  async #try<T>(what: string, act: () => Promise<T>, ifMissing: T): Promise<T> {
    try {
      return await act()
    } catch (cause) {
      if (isCode(cause, 'ENOENT')) return ifMissing
      throw this.#unavailable(what, cause)
    }
  }

  #unavailable(what: string, cause: unknown): KeysError {
    const why = cause instanceof Error ? cause.message : String(cause)
    return new KeysError('STORE_UNAVAILABLE', `can't ${what} keys in ${this.#folder}: ${why}`, { cause })
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
