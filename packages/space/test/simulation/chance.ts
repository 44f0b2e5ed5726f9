import crypto, { createHash } from 'node:crypto'
import { AGREEMENT_KEY_BYTES, Keyring, sealToAgreementKey, verifySignatures } from '@vestibule/keys'
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
  /** Everything that was opened with a key of this device, in hex. */
  readonly opened: string[] = []
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

  override async openSealed(...sealed: Parameters<Keyring['openSealed']>) {
    const content = await super.openSealed(...sealed)
    this.opened.push(Buffer.from(content).toString('hex'))
    return content
  }
}

/**
 * The platform's crypto for one run: random numbers follow from the seed, and nothing is done on other threads, whose
 * answers come when they like. Snapshots need a hash.
 */
export async function withSeededCrypto<T>(seed: number, run: () => Promise<T>): Promise<T> {
  let chance = new Chance(0)
  const before = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
  const { verify } = crypto
  const value = {
    getRandomValues: <A extends ArrayBufferView>(array: A): A => {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(chance.bytes(array.byteLength))
      return array
    },
    subtle: here,
  }
  try {
    await loadVerifier()
    crypto.verify = verifyHere
    Object.defineProperty(globalThis, 'crypto', { value, configurable: true, writable: true })
    // What is loaded at its first use would take real time then, while virtual time goes on.
    await sealToAgreementKey(new Uint8Array(AGREEMENT_KEY_BYTES).fill(9), new Uint8Array(), {
      info: new Uint8Array(),
    })
    chance = new Chance(seed)
    return await run()
  } finally {
    crypto.verify = verify
    if (before) Object.defineProperty(globalThis, 'crypto', before)
  }
}

let verifier: Promise<unknown> | undefined

/** After so many signatures as these another library is loaded, where it is installed. */
function loadVerifier(): Promise<unknown> {
  verifier ??= (async () => {
    const keyring = new SeededKeyring(0)
    const [key, message] = [await keyring.createKey(), new Uint8Array(1)]
    const signature = await keyring.sign(key, message)
    return verifySignatures(Array.from({ length: 999 }, () => ({ key, message, signature })))
  })()
  return verifier
}

const { verify: verifyNow } = crypto

/** What others would do on Node's own threads is done at once. */
const verifyHere = ((...[algorithm, data, key, signature, callback]: Parameters<typeof verifyNow>) => {
  const holds = verifyNow(algorithm, data, key, signature)
  if (callback === undefined) return holds
  queueMicrotask(() => callback(null, holds))
}) as typeof verifyNow

type Bytes = Uint8Array | ArrayBuffer

const here = {
  digest: async (_: string, data: Bytes) =>
    new Uint8Array(createHash('sha256').update(new Uint8Array(data)).digest()).buffer,
}
