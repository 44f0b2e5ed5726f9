import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

let chosen: ((bytes: Uint8Array) => string) | undefined

/**
 * The SHA-256 of some bytes as 64 hex digits, by `node:crypto` where it is there, several times as fast as noble.
 *
 * @see FIPS 180-4
 */
export function sha256Hex(bytes: Uint8Array): string {
  chosen ??= fastest()
  return chosen(bytes)
}

function fastest(): (bytes: Uint8Array) => string {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto')
  return crypto === undefined
    ? (bytes) => bytesToHex(sha256(bytes))
    : (bytes) => crypto.hash('sha256', bytes, 'hex')
}
