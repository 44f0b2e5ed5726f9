import { ownBytes } from '../bytes.ts'

/** Freezes what was parsed, all the way down, but for byte strings, which can't be. */
export function frozen<T extends object>(value: T): T {
  for (const one of Object.values(value)) {
    if (Array.isArray(one)) {
      for (const item of one) if (isPlain(item)) frozen(item)
      Object.freeze(one)
    } else if (isPlain(one)) frozen(one)
  }
  return Object.freeze(value)
}

/** The same, frozen, with byte strings that are copies at every access: nobody changes it under the others. */
export function owned<T extends object>(value: T): T {
  const rest: Record<string, unknown> = {}
  const byteStrings: Record<string, Uint8Array> = {}
  for (const [name, one] of Object.entries(value)) {
    if (one instanceof Uint8Array) byteStrings[name] = one
    else if (Array.isArray(one)) rest[name] = Object.freeze(one.map((item: object) => owned(item)))
    else rest[name] = isPlain(one) ? owned(one) : one
  }
  return ownBytes(rest as T, byteStrings) as T
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
