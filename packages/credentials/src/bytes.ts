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
