import type { PublicKey, Redacted } from '@vestibule/keys'
import { entryKeyOf } from './entry-cipher.ts'
import type { ReadKey } from './read-key.ts'

/** The read keys of a space that this device holds, and what follows from them. */
export class ReadKeyRing {
  readonly #space: PublicKey
  readonly #keys = new Map<string, ReadKey>()
  readonly #entryKeys = new Map<string, Redacted<Uint8Array>>()

  constructor(space: PublicKey, keys: readonly ReadKey[]) {
    this.#space = space
    for (const key of keys) this.#keys.set(key.epoch, key)
  }

  /** In the order in which they came. */
  all(): ReadKey[] {
    return [...this.#keys.values()]
  }

  get(epoch: string): ReadKey | undefined {
    return this.#keys.get(epoch)
  }

  /** What entries of an epoch are sealed with, derived once. */
  entryKey(epoch: string): Redacted<Uint8Array> | undefined {
    const derived = this.#entryKeys.get(epoch)
    if (derived !== undefined) return derived
    const key = this.#keys.get(epoch)
    if (key === undefined) return undefined
    const fresh = entryKeyOf(key, this.#space)
    this.#entryKeys.set(epoch, fresh)
    return fresh
  }
}
