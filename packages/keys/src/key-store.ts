import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { KeysError } from './errors.ts'
import { equalBytes } from './pae.ts'
import { bytes, enumeration, type MessageOf, message, uint32, WireError } from './wire.ts'

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
   * Stores a record for good before it resolves; on failure nothing is stored.
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

const CHECKSUM_BYTES = 8
const RECORD_VERSION = 1

const KeyRecord = message('KeyRecord', {
  version: uint32(1),
  algorithm: enumeration(2, ['NONE', 'ED25519', 'X25519']),
  publicKey: bytes(3, { length: 32 }),
  secretKey: bytes(4, { length: 32 }),
})
export type KeyRecord = Omit<MessageOf<typeof KeyRecord>, 'version'>

/** The stored form of a record: its canonical protobuf encoding, then the first 8 bytes of its SHA-256. */
export function encodeKeyRecord(record: KeyRecord): Uint8Array {
  const encoded = KeyRecord.encode({ version: RECORD_VERSION, ...record })
  return concatBytes(encoded, sha256(encoded).subarray(0, CHECKSUM_BYTES))
}

/** @throws KeysError CORRUPT_RECORD or UNSUPPORTED_VERSION, naming `where` */
export function parseKeyRecord(stored: Uint8Array, where: string): KeyRecord {
  const encoded = stored.subarray(0, -CHECKSUM_BYTES)
  const checksum = stored.subarray(encoded.length)
  if (stored.length <= CHECKSUM_BYTES || !equalBytes(checksum, sha256(encoded).subarray(0, CHECKSUM_BYTES)))
    throw new KeysError('CORRUPT_RECORD', `the key record ${where} is damaged (checksum)`)
  // The version comes first and outlives every other field, so it is read by itself.
  if (encoded[0] !== 0x08 || encoded[1] !== RECORD_VERSION)
    throw new KeysError('UNSUPPORTED_VERSION', `the key record ${where} was written by another version`)
  try {
    const { version: _, ...record } = KeyRecord.parse(encoded)
    return record
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new KeysError('CORRUPT_RECORD', `the key record ${where} is damaged`, { cause })
  }
}
