import { createHmac } from 'node:crypto'
import { Keyring } from '@vestibule/keys'
import { seededRandom } from '@vestibule/network/testing'

/** Decisions that follow from a seed. */
export class Chance {
  readonly random: () => number

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** A whole number below `end`. */
  upTo(end: number): number {
    return Math.floor(this.random() * end)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.upTo(from.length)] as T
  }

  is(probability: number): boolean {
    return this.random() < probability
  }

  /** A seed for something else. */
  seed(): number {
    return this.upTo(2 ** 32)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.upTo(256))
  }
}

/** A keyring whose keys follow from a seed: in the order of the messages and of the acts stands what keys and hashes say. */
export class SeededKeyring extends Keyring {
  readonly #chance: Chance

  constructor(seed: number) {
    super()
    this.#chance = new Chance(seed)
  }

  override createKey() {
    return this.importKey(this.#chance.bytes(32))
  }

  override createAgreementKey() {
    return this.importAgreementKey(this.#chance.bytes(32))
  }
}

/**
 * The platform's crypto for one run: random numbers follow from the seed, and nothing is done on other threads, whose
 * answers come when they like. Verification then takes `node:crypto`, as it does for few signatures; HPKE needs HMAC.
 */
export async function withSeededCrypto<T>(seed: number, run: () => Promise<T>): Promise<T> {
  const chance = new Chance(seed)
  const before = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
  const value = {
    getRandomValues: <A extends ArrayBufferView>(array: A): A => {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(chance.bytes(array.byteLength))
      return array
    },
    subtle: hmacOnly,
  }
  Object.defineProperty(globalThis, 'crypto', { value, configurable: true, writable: true })
  try {
    return await run()
  } finally {
    if (before) Object.defineProperty(globalThis, 'crypto', before)
  }
}

const hmacOnly = {
  importKey: async (_: string, key: Uint8Array | ArrayBuffer, algorithm: unknown): Promise<Uint8Array> => {
    if ((algorithm as { name?: string }).name !== 'HMAC') throw new TypeError('HMAC only')
    return new Uint8Array(key instanceof Uint8Array ? key : new Uint8Array(key))
  },
  sign: async (_: string, key: Uint8Array, data: Uint8Array | ArrayBuffer): Promise<ArrayBuffer> => {
    const mac = createHmac('sha256', key).update(new Uint8Array(data instanceof Uint8Array ? data : data))
    return new Uint8Array(mac.digest()).buffer
  },
}
