const encoder = new TextEncoder()
const MAX_SHORT = 64

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
export function pae(...parts: readonly Part[]): Uint8Array {
  return paeIn((length) => new Uint8Array(length), ...parts)
}

type Part = string | Uint8Array | number

/** @internal The same, in bytes that the caller allocates: they have to be zero. */
export function paeIn(allocate: (length: number) => Uint8Array, ...parts: readonly Part[]): Uint8Array {
  const encoded = parts.map((part) => (typeof part === 'string' ? utf8(part) : part))
  let length = 8
  for (const part of encoded) length += 8 + (typeof part === 'number' ? 8 : part.length)
  const out = allocate(length)
  writeLe64(out, 0, encoded.length)
  let at = 8
  for (const part of encoded) {
    if (typeof part === 'number') {
      writeLe64(out, at, 8)
      writeLe64(out, at + 8, part)
      at += 16
    } else {
      writeLe64(out, at, part.length)
      out.set(part, at + 8)
      at += 8 + part.length
    }
  }
  return out
}

/** Labels and names of types are short and ASCII; for those the way into the encoder costs more than the work. */
function utf8(text: string): Uint8Array {
  if (text.length > MAX_SHORT) return encoder.encode(text)
  const out = new Uint8Array(text.length)
  for (let at = 0; at < out.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return encoder.encode(text)
    out[at] = code
  }
  return out
}

function writeLe64(out: Uint8Array, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`expected a non-negative safe integer, got ${value}`)
  let rest = value
  for (let byte = at; rest > 0; byte++) {
    out[byte] = rest % 256
    rest = Math.floor(rest / 256)
  }
}

/** Compares two byte strings in a time that depends only on their lengths. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
