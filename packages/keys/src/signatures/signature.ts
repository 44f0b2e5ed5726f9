import { ed25519 } from '@noble/curves/ed25519.js'
import type { PublicKey } from '../public-key.ts'
import { fastestBackend, type SignatureBackend } from './backends.ts'
import { isSafeKey } from './safe-key.ts'

/** Length of an Ed25519 signature in bytes (RFC 8032, section 5.1.6). */
export const SIGNATURE_BYTES = 64

/** The group's order L = 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 8032, section 5.1). */
const ORDER = ed25519.Point.Fn.ORDER
/**
 * Whether `signature` (64 bytes) over `message` was made by `key`: Ed25519 with one accept-set on every
 * runtime, so that all members of a space agree. Canonical `A` and `R`, neither of them the identity, `S < L`, `A`
 * in the prime-order subgroup, and the equation without the cofactor, `[S]B = R + [k]A`.
 *
 * Anything else is `false`, whatever its length; nothing is thrown for odd input.
 *
 * @param backend which implementation checks the equation; the fastest of this runtime unless given
 * @see RFC 8032, section 5.1.7; Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (ePrint 2020/1244)
 */
export async function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
  backend?: SignatureBackend,
): Promise<boolean> {
  const equation = backend ?? (await fastestBackend())
  if (signature.length !== SIGNATURE_BYTES || !isAcceptable(signature) || !isSafeKey(key)) return false
  return equation.verify(key, message, signature)
}

/**
 * `S < L`, R's y-coordinate below the field's prime, and R not the identity, checked here because backends differ:
 * Node 24 refuses the identity, Chromium and noble take it. No honest signer makes it: S = k a would tell its key.
 */
function isAcceptable(signature: Uint8Array): boolean {
  const [topOfS, topOfR] = [signature[63] ?? 0, (signature[31] ?? 0) & 0x7f]
  // Far from every bound: S < 2^252 < L, and R's y is above 1 and below p - 1. So are nearly all.
  if (topOfS < 0x10 && topOfR > 0 && topOfR < 0x7f) return true
  const s = littleEndian(signature.subarray(32))
  if (s >= ORDER) return false
  const r = signature.slice(0, 32)
  const signOfX = (r[31] ?? 0) >>> 7
  r[31] = (r[31] ?? 0) & 0x7f
  const y = littleEndian(r)
  if (y >= ed25519.Point.Fp.ORDER) return false
  // y = 1 and y = -1 are the points with x = 0. One is the identity; of the other the sign bit may not be set.
  return y !== 1n && !(signOfX === 1 && y === ed25519.Point.Fp.ORDER - 1n)
}

function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  return (
    view.getBigUint64(0, true) |
    (view.getBigUint64(8, true) << 64n) |
    (view.getBigUint64(16, true) << 128n) |
    (view.getBigUint64(24, true) << 192n)
  )
}
