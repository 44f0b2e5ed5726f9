/**
 * Adds byte strings to an object and freezes it. A Uint8Array can't be frozen, so every access gives a copy:
 * whoever holds a verified credential can't change it under the others.
 */
export function ownBytes<T extends object, B extends Record<string, Uint8Array>>(
  value: T,
  fields: B,
): Readonly<T & B> {
  for (const [name, bytes] of Object.entries(fields))
    Object.defineProperty(value, name, { enumerable: true, get: () => bytes.slice() })
  return Object.freeze(value) as Readonly<T & B>
}

const SLAB_BYTES = 8192
const LONG = 1024

let slab = new Uint8Array(0)
let free = 0

/**
 * Zeroes, as a part of a larger buffer if they are few: a buffer for each takes longer to make than a credential to decode.
 * What is long lived keeps its neighbours in memory, a few kilobytes; so credentials do, which mostly come together.
 */
export function shortBytes(length: number): Uint8Array {
  if (length > LONG) return new Uint8Array(length)
  if (free + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES)
    free = 0
  }
  const start = free
  free += length
  return slab.subarray(start, free)
}

/** A copy, as {@link shortBytes}. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = shortBytes(bytes.length)
  copy.set(bytes)
  return copy
}
