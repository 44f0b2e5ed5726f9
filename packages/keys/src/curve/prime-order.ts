import { ed25519 } from '@noble/curves/ed25519.js'
import { nativeAgreement } from './native-keys.ts'

const { Fp, Fn } = ed25519.Point
const L = Fn.ORDER

/**
 * Whether 32 bytes are the canonical encoding of a point of edwards25519 of prime order L, by one multiplication of
 * OpenSSL's, in less than half the time that it takes in JavaScript to decode the point and look at it
 * (`isInPrimeSubgroup`).
 *
 * X25519 multiplies by scalars that are multiples of 8 with bit 254 set, and gives the u-coordinate, which a point
 * shares with its negative only. 5 L - 1 is such a scalar. It takes u to itself if and only if the order of the point
 * divides 5 L - 2 or 5 L. On the Montgomery curve, whose group has order 8 L, that leaves L. On its twist, where the
 * point is when y belongs to none of edwards25519, it leaves nothing: that group has order 4 L' with another prime L'. So
 * the x-coordinate need not be found. What comes to the neutral element OpenSSL refuses.
 *
 * @returns `undefined` where there is no `node:crypto`
 * @see RFC 7748, sections 4.1 and 5
 */
export function hasPrimeOrder(encoded: Uint8Array): boolean | undefined {
  multiply ??= nativeAgreement(Fp.toBytes(5n * L - 1n))
  if (multiply === undefined) return undefined
  const y = canonical(encoded)
  // The neutral element is no affine point of the Montgomery curve.
  if (y === undefined || y === 1n) return false
  const u = Fp.toBytes(Fp.div(1n + y, Fp.sub(1n, y)))
  return multiply(u)?.every((byte, at) => byte === u[at]) === true
}

let multiply: ReturnType<typeof nativeAgreement>

/** The y-coordinate, without the sign of x. */
function canonical(encoded: Uint8Array): bigint | undefined {
  const bytes = encoded.slice()
  bytes[31] = (bytes[31] ?? 0) & 0x7f
  try {
    return Fp.fromBytes(bytes)
  } catch {
    return undefined
  }
}
