import type protobuf from 'protobufjs/minimal.js'
import { WireError } from './error.ts'

type Reader = protobuf.Reader
type Writer = protobuf.Writer
export type Presence = 'required' | 'optional' | 'repeated'

const VARINT = 0
const DELIMITED = 2

/** One field of a message: its number, how its value is read and written, and whether it may be absent. */
export interface Field<T, P extends Presence = Presence> {
  readonly number: number
  readonly wireType: number
  readonly presence: P
  /** What an absent required field means; `undefined` where it has to be present. */
  readonly absent: T | undefined
  /** Most values of a repeated field. */
  readonly max: number
  /** With `strict`, a message inside has to be the canonical encoding of its value. */
  readonly read: (reader: Reader, strict?: boolean) => T
  readonly write: (writer: Writer, value: T) => void
  /** Whether a required field of this value is left out, as proto3 does with defaults. */
  readonly isDefault: (value: T) => boolean
}

interface Size {
  /** Exact number of bytes. */
  readonly length?: number
  /** Most bytes (of UTF-8 for a string). */
  readonly max?: number
}

/**
 * A byte string. Decoded values are copies that belong to the caller; with `shared` they are views of what was read,
 * which stays in memory for as long as they do: for many at once that are soon done with. With `length`, absence is an
 * error.
 */
export function bytes(
  number: number,
  size: Size & { readonly shared?: boolean } = {},
): Field<Uint8Array, 'required'> {
  const check = (value: Uint8Array): Uint8Array => {
    if (!(value instanceof Uint8Array)) throw new TypeError(`field ${number}: expected a Uint8Array`)
    checkSize(number, value.length, size)
    return value
  }
  return {
    ...delimited(number),
    absent: size.length === undefined ? new Uint8Array(0) : undefined,
    // protobufjs gives a view of the whole input; a copy doesn't keep that alive.
    read: (reader) => {
      const value = check(reader.bytes())
      return size.shared === true && value.length > 0 ? value : value.slice()
    },
    write: (writer, value) => writer.bytes(check(value)),
    isDefault: (value) => value.length === 0 && size.length === undefined,
  }
}

/** UTF-8 text; invalid UTF-8 is refused. */
export function string(number: number, size: Size = {}): Field<string, 'required'> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const encoder = new TextEncoder()
  return {
    ...delimited(number),
    absent: '',
    read: (reader) => {
      const raw = reader.bytes()
      checkSize(number, raw.length, size)
      return shortAscii(raw) ?? decoder.decode(raw)
    },
    write: (writer, value) => {
      const raw = encoder.encode(value)
      checkSize(number, raw.length, size)
      writer.bytes(raw)
    },
    isDefault: (value) => value === '',
  }
}

const SHORT_BYTES = 32

/** Names are mostly this; a `TextDecoder` takes several times as long for a few bytes. */
function shortAscii(raw: Uint8Array): string | undefined {
  if (raw.length > SHORT_BYTES) return undefined
  for (let at = 0; at < raw.length; at++) if ((raw[at] ?? 0) > 0x7f) return undefined
  return String.fromCharCode.apply(null, raw as unknown as number[])
}

/** An unsigned 32-bit integer. */
export function uint32(number: number): Field<number, 'required'> {
  return {
    ...varint(number),
    absent: 0,
    read: (reader) => integer(number, reader.uint64(), 0xffff_ffff),
    write: (writer, value) => writer.uint32(integer(number, value, 0xffff_ffff)),
    isDefault: (value) => value === 0,
  }
}

/** An unsigned 64-bit integer on the wire, a safe integer (below 2^53) here; a larger one is refused. */
export function uint64(number: number): Field<number, 'required'> {
  return {
    ...varint(number),
    absent: 0,
    read: (reader) => integer(number, reader.uint64(), Number.MAX_SAFE_INTEGER),
    write: (writer, value) => writer.uint64(integer(number, value, Number.MAX_SAFE_INTEGER)),
    isDefault: (value) => value === 0,
  }
}

/** A boolean. */
export function bool(number: number): Field<boolean, 'required'> {
  return {
    ...varint(number),
    absent: false,
    read: (reader) => integer(number, reader.uint64(), 1) === 1,
    write: (writer, value) => writer.bool(value),
    isDefault: (value) => !value,
  }
}

/** One of the given names; the first has number 0 and is the default. A number without a name is refused. */
export function enumeration<const N extends string>(
  number: number,
  names: readonly [N, ...N[]],
): Field<N, 'required'> {
  return {
    ...varint(number),
    absent: names[0],
    read: (reader) => names[integer(number, reader.uint64(), names.length - 1)] ?? names[0],
    write: (writer, value) => {
      const index = names.indexOf(value)
      if (index < 0) throw new TypeError(`field ${number}: expected one of ${names.join(', ')}`)
      writer.uint32(index)
    },
    isDefault: (value) => value === names[0],
  }
}

/** A message inside a message; absence of a required one is an error. */
export function nested<T>(
  number: number,
  schema: {
    encodeInto(writer: Writer, value: T): void
    parse(encoded: Uint8Array): T
    parseLenient(encoded: Uint8Array): T
  },
): Field<T, 'required'> {
  return {
    ...delimited(number),
    absent: undefined,
    read: (reader, strict) =>
      strict === true ? schema.parse(reader.bytes()) : schema.parseLenient(reader.bytes()),
    write: (writer, value) => {
      schema.encodeInto(writer.fork(), value)
      writer.ldelim()
    },
    isDefault: () => false,
  }
}

/** Makes a field optional: absent on the wire, its property is absent too. Present with its default value it is kept. */
export function optional<T>(field: Field<T, 'required'>): Field<T, 'optional'> {
  return { ...field, presence: 'optional' }
}

/** A list, in order; every element is written with its own tag (never packed). */
export function repeated<T>(
  field: Field<T, 'required'>,
  limit: { readonly max: number },
): Field<T, 'repeated'> {
  return { ...field, presence: 'repeated', max: limit.max }
}

const delimited = (number: number) => ({ number, wireType: DELIMITED, presence: 'required', max: 1 }) as const
const varint = (number: number) => ({ number, wireType: VARINT, presence: 'required', max: 1 }) as const

function checkSize(number: number, actual: number, size: Size): void {
  if (size.length !== undefined && actual !== size.length)
    throw new WireError('MALFORMED', `field ${number}: expected ${size.length} bytes, got ${actual}`)
  if (size.max !== undefined && actual > size.max)
    throw new WireError('TOO_LARGE', `field ${number}: at most ${size.max} bytes, got ${actual}`)
}

/** protobufjs reads 64-bit integers as `Long` where that package is present, as numbers elsewhere. */
function integer(number: number, value: number | { high: number; low: number }, max: number): number {
  const result = typeof value === 'number' ? value : (value.high >>> 0) * 2 ** 32 + (value.low >>> 0)
  if (!Number.isSafeInteger(result) || result < 0 || result > max)
    throw new WireError('MALFORMED', `field ${number}: expected an integer from 0 to ${max}`)
  return result
}
