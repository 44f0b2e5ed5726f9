import { utf8ToBytes } from '@noble/hashes/utils.js'

/**
 * Pre-authentication encoding: many parts as one unambiguous byte string, to be hashed, signed or MACed.
 *
 * The number of parts, then every part behind its length; counts and lengths are unsigned 64-bit
 * little-endian. Two different lists never have the same encoding, so no part can run into the next.
 *
 * @param parts strings (as UTF-8), byte strings, or non-negative safe integers (as 8 bytes, little-endian)
 * @throws TypeError for a number that is negative, fractional or unsafe
 * @see PASETO specification, "PAE"; DSSE protocol, "SIGNATURE = Sign(PAE(type, body))"
 * @example
 * const signed = pae('vestibule example v1', new Uint8Array([1, 2, 3]), 42)
 */
export function pae(...parts: readonly (string | Uint8Array | number)[]): Uint8Array {
  const encoded = parts.map((part) =>
    typeof part === 'string' ? utf8ToBytes(part) : typeof part === 'number' ? le64(part) : part,
  )
  const out = new Uint8Array(8 + encoded.reduce((sum, part) => sum + 8 + part.length, 0))
  out.set(le64(encoded.length), 0)
  let at = 8
  for (const part of encoded) {
    out.set(le64(part.length), at)
    out.set(part, at + 8)
    at += 8 + part.length
  }
  return out
}

function le64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`expected a non-negative safe integer, got ${value}`)
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true)
  return out
}

/** Compares two byte strings in a time that depends only on their lengths. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
