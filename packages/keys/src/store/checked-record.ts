import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import { equalBytes } from '../pae.ts'
import { type Message, WireError } from '../wire.ts'

const CHECKSUM_BYTES = 8

/** The stored form of something: its canonical protobuf encoding, then the first 8 bytes of its SHA-256. */
export function encodeChecked<T>(schema: Message<T>, value: T): Uint8Array {
  const encoded = schema.encode(value)
  return concatBytes(encoded, sha256(encoded).subarray(0, CHECKSUM_BYTES))
}

/**
 * Reads what {@link encodeChecked} wrote. Field 1 of every such message is its version.
 * @param what what a person would call it, and where it is: "key record /a/b.key"
 * @throws KeysError CORRUPT_RECORD or UNSUPPORTED_VERSION
 */
export function parseChecked<T>(schema: Message<T>, version: number, stored: Uint8Array, what: string): T {
  const encoded = stored.subarray(0, -CHECKSUM_BYTES)
  const checksum = stored.subarray(encoded.length)
  if (stored.length <= CHECKSUM_BYTES || !equalBytes(checksum, sha256(encoded).subarray(0, CHECKSUM_BYTES)))
    throw new KeysError('CORRUPT_RECORD', `the ${what} is damaged (checksum)`)
  // The version comes first and outlives every other field, so it is read by itself.
  if (encoded[0] !== 0x08 || encoded[1] !== version)
    throw new KeysError('UNSUPPORTED_VERSION', `the ${what} was written by another version`)
  try {
    return schema.parse(encoded)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new KeysError('CORRUPT_RECORD', `the ${what} is damaged`, { cause })
  }
}
