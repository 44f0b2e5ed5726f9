import { concatBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'

/** Changes bytes; those that it is given stay as they are. */
export type Mutation = (bytes: Uint8Array) => Uint8Array

const NONE = new Uint8Array(0)
/** How far a mutation reaches into fields that are messages themselves. */
const MAX_DEPTH = 3

/** A protobuf varint. Numbers of any size are written, larger ones than any format has, too. */
export function varint(value: number | bigint): Uint8Array {
  const out: number[] = []
  for (let rest = BigInt(value); ; rest >>= 7n) {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    if (rest <= 127n) return Uint8Array.from(out)
  }
}

/** A field of protobuf that holds bytes. */
export const delimited = (number: number, content: Uint8Array): Uint8Array =>
  concatBytes(varint((number << 3) | 2), varint(content.length), content)

/** A field as it stands: its tag, and for one that holds bytes the length and the content. */
interface RawField {
  readonly whole: Uint8Array
  readonly number: number
  readonly content?: Uint8Array
}

function rawFields(encoded: Uint8Array): RawField[] {
  const read = (at: number): [value: number, end: number] => {
    let value = 0
    for (let i = 0; ; i++) {
      const byte = encoded[at + i] ?? 0
      value += (byte & 127) * 2 ** (7 * i)
      if (byte < 128) return [value, at + i + 1]
    }
  }
  const out: RawField[] = []
  for (let at = 0; at < encoded.length; ) {
    const [tag, afterTag] = read(at)
    const [value, afterValue] = read(afterTag)
    const holdsBytes = tag % 8 === 2
    const end = holdsBytes ? afterValue + value : afterValue
    const whole = encoded.slice(at, end)
    const number = Math.floor(tag / 8)
    out.push(holdsBytes ? { whole, number, content: encoded.slice(afterValue, end) } : { whole, number })
    at = end
  }
  return out
}

/**
 * Splits protobuf into its fields, each with its tag. Bytes that are none come apart somehow: put together again they
 * are what they were.
 */
export const fieldsOf = (encoded: Uint8Array): Uint8Array[] => rawFields(encoded).map(({ whole }) => whole)

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const at = (bytes: Uint8Array, where: number): number => Math.floor(where * bytes.length)
const pick = fc.nat(30)

const byFields =
  (change: (fields: Uint8Array[], n: number) => Uint8Array[]) =>
  (n: number): Mutation =>
  (bytes) => {
    const fields = fieldsOf(bytes)
    return fields.length === 0 ? bytes : concatBytes(...change(fields, n % fields.length))
  }

/** Lengths that no input has: from one too many to what 64 bits hold, and more. */
const CLAIMS = [1n, 2n ** 16n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n, 2n ** 63n, 2n ** 64n]

const claimLength =
  (claim: bigint) =>
  (n: number): Mutation =>
  (bytes) => {
    const fields = rawFields(bytes)
    const target = fields[n % Math.max(1, fields.length)]
    if (target === undefined) return bytes
    const { number, content } = target
    if (content === undefined) return bytes
    const claimed = varint(BigInt(content.length) + claim)
    const changed = concatBytes(varint((number << 3) | 2), claimed, content)
    return concatBytes(...fields.map(({ whole }) => (whole === target.whole ? changed : whole)))
  }

/** One change of bytes, wherever they come from. */
const flat: fc.Arbitrary<Mutation> = fc.oneof(
  position.map((where) => (bytes: Uint8Array) => bytes.slice(0, at(bytes, where))),
  fc.tuple(position, fc.nat(7)).map(([where, bit]) => (bytes: Uint8Array) => {
    const out = bytes.slice()
    const i = at(bytes, where)
    if (i < out.length) out[i] = (out[i] ?? 0) ^ (1 << bit)
    return out
  }),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(
    ([where, more]) =>
      (bytes: Uint8Array) =>
        concatBytes(bytes.subarray(0, at(bytes, where)), more, bytes.subarray(at(bytes, where))),
  ),
  fc.tuple(position, position).map(([a, b]) => (bytes: Uint8Array) => {
    const [from, to] = [at(bytes, Math.min(a, b)), at(bytes, Math.max(a, b))]
    return concatBytes(bytes.subarray(0, from), bytes.subarray(to))
  }),
  pick.map(byFields((fields, n) => fields.toSpliced(n, 0, fields[n] ?? NONE))),
  pick.map(byFields((fields, n) => fields.toSpliced(n, 1))),
  pick.map(byFields((fields, n) => [...fields.slice(n), ...fields.slice(0, n)])),
  fc.constant(byFields((fields) => fields.toReversed())(0)),
  fc
    .tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 8 }))
    .map(([number, deep]) => (bytes: Uint8Array) => {
      let out = bytes
      for (let i = 0; i < deep; i++) out = delimited(number, out)
      return out
    }),
  fc.tuple(fc.constantFrom(...CLAIMS), pick).map(([claim, n]) => claimLength(claim)(n)),
)

/** The same change, to what is in a field, whose length is set right again: it gets past the outer message. */
const within =
  (n: number, change: Mutation): Mutation =>
  (bytes) => {
    const fields = rawFields(bytes)
    const target = fields[n % Math.max(1, fields.length)]
    if (target?.content === undefined) return change(bytes)
    const changed = delimited(target.number, change(target.content))
    return concatBytes(...fields.map((field) => (field === target ? changed : field.whole)))
  }

const mutation: fc.Arbitrary<Mutation> = fc
  .tuple(flat, fc.array(pick, { maxLength: MAX_DEPTH }))
  .map(([change, path]) => path.reduce((inner, n) => within(n, inner), change))

/**
 * One to three changes of bytes: cut, a bit flipped, bytes put in or taken out, fields doubled, left out, reordered or
 * wrapped, lengths that claim more than is there; also inside of fields that are messages.
 */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(mutation, { minLength: 1, maxLength: 3 })

/** Applies changes one after the other, while there is anything left to change. */
export const mutate = (bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array =>
  changes.reduce((sofar, change) => (sofar.length > 0 ? change(sofar) : sofar), bytes)

/** As deep as nesting goes here. */
const DEEP = 1000
/** The size of what is only large. */
const LARGE_BYTES = 1024 * 1024

/**
 * What takes a careless decoder gigabytes or its stack: messages and groups a thousand deep in each field, lengths
 * that claim up to 2^64 bytes there, lists without an end, long runs of one byte.
 *
 * @param samples valid encodings; each bomb also comes behind the first of them
 */
export function* bombs(samples: readonly Uint8Array[]): Generator<Uint8Array> {
  const [sample = NONE] = samples
  const both = function* (bomb: Uint8Array): Generator<Uint8Array> {
    yield bomb
    yield concatBytes(sample, bomb)
  }
  for (let number = 1; number <= 16; number++) {
    let nested: Uint8Array = NONE
    for (let depth = 0; depth < DEEP; depth++) nested = delimited(number, nested)
    yield* both(nested)
    const group = varint((number << 3) | 3)
    yield* both(concatBytes(...Array.from({ length: 10 * DEEP }, () => group)))
    for (const claim of CLAIMS) yield* both(concatBytes(varint((number << 3) | 2), varint(claim)))
    yield* both(concatBytes(...Array.from({ length: 10 * DEEP }, () => delimited(number, NONE))))
  }
  for (const byte of [0, 8, 10, 0x7f, 0x80, 0xff]) yield* both(new Uint8Array(LARGE_BYTES).fill(byte))
  const times = Math.ceil(LARGE_BYTES / Math.max(1, sample.length))
  if (sample.length > 0) yield concatBytes(...Array.from({ length: Math.min(times, DEEP) }, () => sample))
}
