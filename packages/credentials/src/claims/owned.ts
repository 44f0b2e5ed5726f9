import { ownBytes } from '../bytes.ts'

/** Freezes what was parsed, all the way down; byte strings become copies at every access. */
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
