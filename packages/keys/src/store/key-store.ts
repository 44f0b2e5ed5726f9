import { bytesToHex } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import { bytes, enumeration, type MessageOf, message, uint32 } from '../wire.ts'
import { encodeChecked, parseChecked } from './checked-record.ts'

/**
 * Where a keyring keeps its records: small byte strings under names of the form `[a-z0-9-]+`.
 * A store knows nothing of what a record says. `keyStoreSuite` of `@vestibule/keys/testing` is what every
 * implementation has to pass.
 */
export interface KeyStore {
  /** All names, in no particular order. */
  names(): Promise<string[]>
  /** The record, or `undefined` if there is none. */
  read(name: string): Promise<Uint8Array | undefined>
  /**
   * Stores a record for good before it resolves; after a failure it is stored as a whole or not at all.
   * @throws KeysError KEY_EXISTS (it is never overwritten) or STORE_UNAVAILABLE
   */
  add(name: string, record: Uint8Array): Promise<void>
  /** Removes a record; a missing one is no error. */
  delete(name: string): Promise<void>
  /** What a person may look for when a record is damaged: a path, say. */
  describe(name: string): string
}

/** Keeps records in memory: for tests, and for identities that end with their process. */
export class MemoryKeyStore implements KeyStore {
  readonly #records = new Map<string, Uint8Array>()
  async names(): Promise<string[]> {
    return [...this.#records.keys()]
  }
  async read(name: string): Promise<Uint8Array | undefined> {
    return this.#records.get(name)?.slice()
  }
  async add(name: string, record: Uint8Array): Promise<void> {
    if (this.#records.has(name)) throw new KeysError('KEY_EXISTS', `the key ${name} is stored already`)
    this.#records.set(name, record.slice())
  }
  async delete(name: string): Promise<void> {
    this.#records.delete(name)
  }
  describe(name: string): string {
    return `memory:${name}`
  }
}

const RECORD_VERSION = 1

const KeyRecord = message('KeyRecord', {
  version: uint32(1),
  algorithm: enumeration(2, ['NONE', 'ED25519', 'X25519']),
  publicKey: bytes(3, { length: 32 }),
  secretKey: bytes(4, { length: 32 }),
})
export type KeyRecord = Omit<MessageOf<typeof KeyRecord>, 'version'>

/** What a keyring files a key under; the algorithm is there for people, too. */
export function keyRecordName({ algorithm, publicKey }: Omit<KeyRecord, 'secretKey'>): string {
  return `${algorithm.toLowerCase()}-${bytesToHex(publicKey)}`
}

/** Whether a name is one that {@link keyRecordName} gives. */
export const isKeyRecordName = (name: string): boolean => /^(ed|x)25519-[0-9a-f]{64}$/.test(name)

/** The stored form of a key. */
export function encodeKeyRecord(record: KeyRecord): Uint8Array {
  return encodeChecked(KeyRecord, { version: RECORD_VERSION, ...record })
}

/** @throws KeysError CORRUPT_RECORD or UNSUPPORTED_VERSION, naming `where` */
export function parseKeyRecord(stored: Uint8Array, where: string): KeyRecord {
  const { version: _, ...record } = parseChecked(KeyRecord, RECORD_VERSION, stored, `key record ${where}`)
  return record
}
