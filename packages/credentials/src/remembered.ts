import { sha256Hex } from '@vestibule/keys'

/** How many verdicts are kept; beyond that the oldest goes. A few megabytes at the most. */
const MOST = 4096

/**
 * What was found genuine, by the hash of its exact bytes. The same credentials come by admission, by replication
 * and from storage, and every one carries its issuer's chain; checking a signature again tells nothing new.
 * Refusals are not remembered: nothing that a stranger sends takes a place here.
 */
export class Remembered<T> {
  readonly #found = new Map<string, T>()

  /** The value for these bytes, found before or now. What `find` throws is thrown, and forgotten. */
  async get(bytes: Uint8Array, find: () => Promise<T>): Promise<T> {
    const key = sha256Hex(bytes)
    const known = this.#found.get(key)
    if (known !== undefined) return known
    const found = await find()
    if (this.#found.size >= MOST) {
      const [oldest] = this.#found.keys()
      if (oldest !== undefined) this.#found.delete(oldest)
    }
    this.#found.set(key, found)
    return found
  }
}
