import { KeysError } from '../errors.ts'
import type { KeyStore } from '../store/key-store.ts'
import { Database, isTaken } from './indexed-db.ts'

/**
 * Keeps records in IndexedDB, one database for each store. Any number of tabs and workers of a site may use it at
 * once. A record is on disk when `add` resolves (`durability: 'strict'`) and is never overwritten.
 *
 * The records are not encrypted: any script of the site can read them. Put a `SealedKeyStore` over it. A browser
 * may clear the data of a site that it runs out of space for, unless `navigator.storage.persist()` was granted.
 *
 * @example
 * const keyring = new Keyring(new IndexedDbKeyStore('keys'))
 */
export class IndexedDbKeyStore implements KeyStore {
  readonly #name: string
  readonly #database: Database

  /** @param name of the database, which is made at the first use */
  constructor(name: string) {
    this.#name = name
    this.#database = new Database(name, 'STORE_UNAVAILABLE')
  }

  async names(): Promise<string[]> {
    return (await this.#database.read((records) => records.getAllKeys())).map(String)
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const stored: unknown = await this.#database.read((records) => records.get(name))
    if (stored === undefined || stored instanceof Uint8Array) return stored
    throw new KeysError('CORRUPT_RECORD', `the record ${this.describe(name)} is no bytes`)
  }

  async add(name: string, record: Uint8Array): Promise<void> {
    // Copied now, and by itself: a view would be stored with all of the buffer behind it.
    const copy = record.slice()
    try {
      await this.#database.write((records) => records.add(copy, name))
    } catch (cause) {
      if (!isTaken(cause)) throw cause
      throw new KeysError('KEY_EXISTS', `the key ${name} is stored already`, { cause })
    }
  }

  async delete(name: string): Promise<void> {
    await this.#database.write((records) => records.delete(name))
  }

  describe(name: string): string {
    return `indexeddb:${this.#name}/${name}`
  }
}
