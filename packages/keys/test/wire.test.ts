import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import { pae } from '../src/index.ts'
import * as wire from '../src/wire.ts'

const Inner = wire.message('Inner', { x: wire.uint32(1) })
const Sample = wire.message('Sample', {
  key: wire.bytes(1, { length: 4 }),
  count: wire.uint64(2),
  note: wire.optional(wire.string(3, { max: 8 })),
  items: wire.repeated(wire.bytes(4, { max: 8 }), { max: 3 }),
  inner: wire.optional(wire.nested(5, Inner)),
  kind: wire.enumeration(6, ['NONE', 'CONTROL', 'DATA']),
  flag: wire.bool(7),
})
type Sample = wire.MessageOf<typeof Sample>

/** The same schema as protobufjs's own reflection reads it: another implementation to agree with. */
const Reference = protobuf
  .parse(`syntax = "proto3";
  message Inner { uint32 x = 1; }
  enum Kind { NONE = 0; CONTROL = 1; DATA = 2; }
  message Sample {
    bytes key = 1; uint64 count = 2; optional string note = 3; repeated bytes items = 4;
    Inner inner = 5; Kind kind = 6; bool flag = 7;
  }`)
  .root.lookupType('Sample')

const sample: fc.Arbitrary<Sample> = fc.record(
  {
    key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    count: fc.maxSafeNat(),
    note: fc.string({ maxLength: 2 }),
    items: fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 3 }),
    inner: fc.record({ x: fc.nat(2 ** 31 - 1) }),
    kind: fc.constantFrom('NONE', 'CONTROL', 'DATA'),
    flag: fc.boolean(),
  },
  { requiredKeys: ['key', 'count', 'items', 'kind', 'flag'] },
)
const minimal: Sample = { key: new Uint8Array(4), count: 0, items: [], kind: 'NONE', flag: false }
const code = (expected: string) => (e: unknown) => e instanceof wire.WireError && e.code === expected

describe('message', () => {
  test('what is encoded is decoded, and the canonical form is the one protobufjs writes', () => {
    fc.assert(
      fc.property(sample, (value) => {
        const encoded = Sample.encode(value)
        expect(Sample.parse(encoded)).toEqual(value)
        expect(Sample.parseLenient(encoded)).toEqual(value)
        const theirs = Reference.toObject(Reference.decode(encoded), { longs: Number, enums: String })
        expect(theirs.count ?? 0).toBe(value.count)
        expect(theirs.kind ?? 'NONE').toBe(value.kind)
        expect(new Uint8Array(Reference.encode(Reference.fromObject(theirs)).finish())).toEqual(encoded)
      }),
    )
  })

  test('bytes are refused just when the value that they hold has another encoding', () => {
    const spliced = fc
      .tuple(
        fc.array(sample, { minLength: 1, maxLength: 3 }),
        fc.nat(60),
        fc.nat(60),
        fc.uint8Array({ maxLength: 3 }),
      )
      .map(([values, from, to, put]) => {
        const all = values.flatMap((value) => [...Sample.encode(value)])
        return new Uint8Array([...all.slice(0, from), ...put, ...all.slice(to)])
      })
    // Every number at its shortest, or padded.
    const padded = fc.tuple(sample, fc.nat(200)).map(([value, at]) => {
      const encoded = [...Sample.encode(value)]
      const byte = encoded[at % encoded.length] ?? 0
      encoded.splice(at % encoded.length, 1, byte | 0x80, 0)
      return new Uint8Array(encoded)
    })
    const lenient = (encoded: Uint8Array) => {
      try {
        return Sample.parseLenient(encoded)
      } catch {
        return undefined
      }
    }
    let [accepted, refused] = [0, 0]
    fc.assert(
      fc.property(fc.oneof(spliced, padded, sample.map(Sample.encode)), (encoded) => {
        const value = lenient(encoded)
        const isOnly = value !== undefined && Buffer.from(Sample.encode(value)).equals(encoded)
        if (isOnly) accepted++
        else if (value !== undefined) refused++
        if (isOnly) expect(Sample.parse(encoded)).toEqual(value)
        else expect(() => Sample.parse(encoded)).toThrow(wire.WireError)
      }),
      { numRuns: 20_000 },
    )
    expect(accepted).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(500)
  })

  test('a length or a number of a field with bits beyond those that count is refused', () => {
    const encoded = Sample.encode(minimal)
    // The length of `key`, 4, with a bit that 32 bits have no place for.
    const longer = new Uint8Array([encoded[0] ?? 0, 0x84, 0x80, 0x80, 0x80, 0x10, ...encoded.slice(2)])
    const tag = new Uint8Array([0x8a, 0x80, 0x80, 0x80, 0x10, ...encoded.slice(1)])
    for (const one of [longer, tag]) expect(() => Sample.parse(one)).toThrow(wire.WireError)
  })

  const bytes = (...n: number[]) => new Uint8Array([...Sample.encode(minimal), ...n])
  test.each([
    ['an unknown field', bytes(0x78, 1)],
    ['a default written out', bytes(0x10, 0)],
    ['a duplicate', bytes(0x10, 1, 0x10, 2)],
    ['fields in another order', bytes(0x38, 1, 0x10, 2)],
    ['a padded varint', bytes(0x10, 0x81, 0)],
  ])('%s is read leniently and refused strictly', (_, encoded) => {
    expect(() => Sample.parse(encoded)).toThrow(expect.toSatisfy(code('NOT_CANONICAL')))
    expect(Sample.parseLenient(encoded).key).toEqual(new Uint8Array(4))
  })

  test.each([
    ['a wrong wire type', bytes(0x15, 0, 0, 0, 0), 'MALFORMED'],
    ['a cut field', bytes(0x22, 5, 1), 'MALFORMED'],
    ['a length beyond the end', bytes(0x22, 0xff, 0xff, 0xff, 0xff, 0x07), 'MALFORMED'],
    ['an integer above 2^53', bytes(0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), 'MALFORMED'],
    ['an enum value without a name', bytes(0x30, 9), 'MALFORMED'],
    ['invalid UTF-8', bytes(0x1a, 1, 0xff), 'MALFORMED'],
    ['a bad nested message', bytes(0x2a, 1, 0x08), 'MALFORMED'],
    ['a missing required field', new Uint8Array(0), 'MALFORMED'],
    ['a field that is too long', bytes(0x1a, 9, ...new Array(9).fill(0x61)), 'TOO_LARGE'],
    ['too many values', bytes(0x22, 0, 0x22, 0, 0x22, 0, 0x22, 0), 'TOO_LARGE'],
  ])('%s is refused both ways', (_, encoded, expected) => {
    for (const parse of [Sample.parse, Sample.parseLenient])
      expect(() => parse(encoded)).toThrow(expect.toSatisfy(code(expected)))
  })

  test('ten thousand groups inside each other are refused', () => {
    expect(() => Sample.parseLenient(new Uint8Array(10_000).fill(0x7b))).toThrow(wire.WireError)
  })

  test('shared bytes are views of what was read, and nothing else is different', () => {
    const Shared = wire.message('Shared', {
      one: wire.bytes(1, { shared: true }),
      two: wire.optional(wire.bytes(2, { length: 2, shared: true })),
    })
    const encoded = Shared.encode({ one: Uint8Array.of(7), two: Uint8Array.of(8, 9) })
    const { one, two } = Shared.parse(encoded)
    expect([one, two]).toEqual([Uint8Array.of(7), Uint8Array.of(8, 9)])
    expect([one.buffer, two?.buffer]).toEqual([encoded.buffer, encoded.buffer])
    expect(Shared.parse(new Uint8Array(0))).toEqual({ one: new Uint8Array(0) })
    expect(() => Shared.parse(Uint8Array.of(0x12, 1, 5))).toThrow('expected 2 bytes')
  })

  test('decoded bytes are copies, from a Buffer too', () => {
    const encoded = Buffer.from(Sample.encode(minimal))
    const value = Sample.parse(encoded)
    encoded.fill(9)
    expect(value.key).toEqual(new Uint8Array(4))
    expect(value.key.constructor).toBe(Uint8Array)
  })

  test('a value that does not fit its schema is not encoded', () => {
    expect(() => Sample.encode({ ...minimal, key: new Uint8Array(3) })).toThrow(wire.WireError)
    expect(() => Sample.encode({ ...minimal, count: -1 })).toThrow(wire.WireError)
    expect(() => Sample.encode({ ...minimal, kind: 'OTHER' as 'NONE' })).toThrow(TypeError)
    expect(() => Sample.encode({ ...minimal, items: new Array(4).fill(new Uint8Array(0)) })).toThrow(
      wire.WireError,
    )
    expect(() => wire.message('Twice', { a: wire.uint32(1), b: wire.uint32(1) })).toThrow(TypeError)
  })
})

describe('pae', () => {
  const part = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string({ maxLength: 10 }), fc.nat())
  const asBytes = (p: Uint8Array | string | number) => {
    if (typeof p === 'string') return new TextEncoder().encode(p)
    return typeof p === 'number' ? new Uint8Array(new BigUint64Array([BigInt(p)]).buffer) : p
  }
  test('lists of parts with different bytes have different encodings', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 4 }), (a, b) => {
        const same =
          JSON.stringify(a.map(asBytes).map((x) => [...x])) ===
          JSON.stringify(b.map(asBytes).map((x) => [...x]))
        expect(Buffer.from(pae(...a)).equals(Buffer.from(pae(...b)))).toBe(same)
      }),
    )
  })
  test('golden bytes', () => {
    expect(Buffer.from(pae('ab', new Uint8Array([1]), 258)).toString('hex')).toBe(
      '0300000000000000' +
        '0200000000000000' +
        '6162' +
        '0100000000000000' +
        '01' +
        '0800000000000000' +
        '0201000000000000',
    )
    expect(() => pae(-1)).toThrow(TypeError)
  })
})
