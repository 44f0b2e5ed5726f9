/** How many verdicts are kept at least once there were so many, and at most twice as many. A few megabytes. */
const MOST = 2048

/**
 * What was found genuine, by a hash. The same credentials come by admission, by replication
 * and from storage, and every one carries its issuer's chain; checking a signature again tells nothing new.
 * Refusals are not remembered: nothing that a stranger sends takes a place here.
 *
 * In two generations: what was asked for lately stays, and forgetting costs nothing one by one.
 */
export class Remembered<T> {
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  /** The value for this SHA-256, in hex, if it was found before. */
  find(hash: string): T | undefined {
    const found = this.#young.get(hash)
    if (found !== undefined) return found
    const older = this.#old.get(hash)
    return older === undefined ? undefined : this.keep(hash, older)
  }

  /** Keeps what was found for this hash, and gives it. */
  keep(hash: string, found: T): T {
    if (this.#young.size >= MOST) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(hash, found)
    return found
  }
}
