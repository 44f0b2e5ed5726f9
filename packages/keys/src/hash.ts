import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

let native: typeof import('node:crypto') | undefined
let isKnown = false

/**
 * The SHA-256 of some bytes as 64 hex digits, by `node:crypto` where it is there, several times as fast as noble.
 *
 * @see FIPS 180-4
 */
export function sha256Hex(bytes: Uint8Array): string {
  if (!isKnown) {
    native = globalThis.process?.getBuiltinModule?.('node:crypto')
    isKnown = true
  }
  return native === undefined ? bytesToHex(sha256(bytes)) : native.hash('sha256', bytes, 'hex')
}
