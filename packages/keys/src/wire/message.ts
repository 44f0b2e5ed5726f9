import protobuf from 'protobufjs/minimal.js'
import { WireError } from './error.ts'
import type { Field, Presence } from './field.ts'

// biome-ignore lint/suspicious/noExplicitAny: a shape holds fields of every type; `any` is what lets them be inferred
type Shape = Readonly<Record<string, Field<any, Presence>>>

type Value<F> = F extends Field<infer T, infer P> ? (P extends 'repeated' ? readonly T[] : T) : never
type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K]['presence'] extends 'optional' ? K : never
}[keyof S]
type Flat<T> = { [K in keyof T]: T[K] }
type ShapeValue<S extends Shape> = Flat<
  { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Value<S[K]> } & {
    readonly [K in OptionalKeys<S>]?: Value<S[K]>
  }
>

/** A protobuf message: how values of `T` are written as bytes, and read back. */
export interface Message<T> {
  readonly name: string
  /**
   * The canonical encoding: fields in ascending order, proto3 defaults left out.
   * @throws TypeError or {@link WireError} for a value that does not fit the schema
   */
  encode(value: T): Uint8Array
  /** @internal The same as part of something larger, which is put together only once. */
  encodeInto(writer: protobuf.Writer, value: T): void
  /**
   * Reads bytes that have to be the canonical encoding of their value: unknown, duplicate, reordered or
   * over-long fields are refused, so equal values have equal bytes. For everything that is signed or hashed.
   * @throws WireError
   */
  parse(encoded: Uint8Array): T
  /**
   * Reads bytes as proto3 does: unknown fields are passed over, any order, the last of duplicates holds.
   * For messages between versions. Sizes and types are checked all the same.
   * @throws WireError
   */
  parseLenient(encoded: Uint8Array): T
}

/** The type of a message's values. */
export type MessageOf<M> = M extends Message<infer T> ? T : never

/**
 * Describes a protobuf message by its fields. No code is generated or evaluated, so it works under a strict
 * content security policy, and the value's type follows from the fields.
 *
 * @example
 * const Point = message('Point', { x: uint32(1), y: uint32(2), label: optional(string(3, { max: 16 })) })
 * const { x, label } = Point.parse(Point.encode({ x: 1, y: 2 }))
 * @see Protocol Buffers documentation, "Encoding"
 */
export function message<S extends Shape>(name: string, shape: S): Message<ShapeValue<S>> {
  const fields = Object.entries(shape).sort(([, a], [, b]) => a.number - b.number)
  const byNumber: [key: string, field: Shape[string]][] = []
  for (const [key, field] of fields) {
    if (byNumber[field.number] !== undefined) throw new TypeError(`${name}: two fields have the same number`)
    byNumber[field.number] = [key, field]
  }
  const lists = fields.flatMap(([key, { presence }]) => (presence === 'repeated' ? [key] : []))
  const required = fields.filter(([, { presence }]) => presence === 'required')

  const encodeInto = (writer: protobuf.Writer, value: ShapeValue<S>): void => {
    const values = value as Record<string, unknown>
    for (const [key, field] of fields) {
      const given = values[key]
      if (field.presence === 'repeated') {
        const list = given as readonly unknown[]
        if (list.length > field.max)
          throw new WireError('TOO_LARGE', `${name}.${key}: at most ${field.max} values, got ${list.length}`)
        for (const item of list) write(writer, field, item)
      } else if (given === undefined) {
        if (field.presence === 'required') throw new TypeError(`${name}.${key} is missing`)
      } else if (field.presence === 'optional' || !field.isDefault(given)) write(writer, field, given)
    }
  }
  const encode = (value: ShapeValue<S>): Uint8Array => {
    const writer = new protobuf.Writer()
    encodeInto(writer, value)
    return plain(writer.finish())
  }

  const read = (encoded: Uint8Array, strict: boolean): ShapeValue<S> => {
    const out: Record<string, unknown> = {}
    const bytes = plain(encoded)
    let canonical = true
    let last = 0
    for (const key of lists) out[key] = []
    try {
      const reader = new protobuf.Reader(bytes)
      while (reader.pos < reader.len) {
        const start = reader.pos
        const tag = reader.uint32()
        const known = byNumber[tag >>> 3]
        if (known === undefined) {
          canonical = false
          reader.skipType(tag & 7, 0, tag >>> 3)
          continue
        }
        const [key, field] = known
        if ((tag & 7) !== field.wireType)
          throw new WireError('MALFORMED', `${name}.${key}: unexpected wire type ${tag & 7}`)
        const at = reader.pos
        const item: unknown = field.read(reader, strict)
        if (strict) {
          const isNext = field.number > last || (field.number === last && field.presence === 'repeated')
          const isWritten = field.presence !== 'required' || !field.isDefault(item)
          canonical &&=
            isNext && isWritten && isShortest(bytes, start, 5) && isShortest(bytes, at, longest(field))
          last = field.number
        }
        if (field.presence !== 'repeated') out[key] = item
        else if ((out[key] as unknown[]).push(item) > field.max)
          throw new WireError('TOO_LARGE', `${name}.${key}: more than ${field.max} values`)
      }
    } catch (cause) {
      if (cause instanceof WireError) throw cause
      throw new WireError('MALFORMED', `${name}: not a valid encoding`, { cause })
    }
    for (const [key, field] of required) {
      if (out[key] !== undefined) continue
      if (field.absent === undefined) throw new WireError('MALFORMED', `${name}.${key} is missing`)
      out[key] = field.absent
    }
    if (strict && !canonical)
      throw new WireError('NOT_CANONICAL', `${name}: not the canonical encoding of its value`)
    return out as ShapeValue<S>
  }
  // What a strict reader lets pass is what `encode` gives: fields in order, none twice, none unknown, no default
  // written out, and every number at its shortest. A property holds it to that.
  const parse = (encoded: Uint8Array): ShapeValue<S> => read(encoded, true)
  const parseLenient = (encoded: Uint8Array): ShapeValue<S> => read(encoded, false)

  return { name, encode, encodeInto, parse, parseLenient }
}

const VARINT = 0
/** Most bytes of the number at the beginning of a field: a safe integer, or a length of 32 bits. */
const longest = ({ wireType }: Field<unknown, Presence>): number => (wireType === VARINT ? 8 : 5)

/** Whether the number that begins here is written in as few bytes as can be, and in no more than these. */
function isShortest(bytes: Uint8Array, start: number, most: number): boolean {
  if ((bytes[start] ?? 0) < 0x80) return true
  let end = start
  while (((bytes[end] ?? 0) & 0x80) !== 0) end++
  const last = bytes[end] ?? 0
  // A fifth byte has only four bits of 32; protobufjs drops the others.
  if (most === 5 && end - start === 4 && last > 0x0f) return false
  return end - start < most && (last !== 0 || end === start)
}

function write<T>(writer: protobuf.Writer, field: Field<T>, value: T): void {
  writer.uint32(((field.number << 3) | field.wireType) >>> 0)
  field.write(writer, value)
}

/** A Node.js Buffer would give its own kind, and views instead of copies, to whatever is read from it. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
