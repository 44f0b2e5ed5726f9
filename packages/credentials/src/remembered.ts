/** How many verdicts are kept; beyond that the oldest goes. A few megabytes at the most. */
const MOST = 4096

/**
 * What was found genuine, by the hash of its exact bytes. The same credentials come by admission, by replication
 * and from storage, and every one carries its issuer's chain; checking a signature again tells nothing new.
 * Refusals are not remembered: nothing that a stranger sends takes a place here.
 */
export class Remembered<T> {
  readonly #found = new Map<string, T>()

  /** The value for bytes with this SHA-256, in hex, if it was found before. */
  find(hash: string): T | undefined {
    return this.#found.get(hash)
  }

  /** Keeps what was found for bytes with this hash, and gives it. */
  keep(hash: string, found: T): T {
    if (this.#found.size >= MOST) {
      const [oldest] = this.#found.keys()
      if (oldest !== undefined) this.#found.delete(oldest)
    }
    this.#found.set(hash, found)
    return found
  }
}
