import { describe, expect, test } from 'vitest'
import { bombDecoder, type Decoder, fieldsOf, fuzzDecoder, fuzzOptions } from '../src/fuzzing.ts'
import * as wire from '../src/wire.ts'

const Point = wire.message('Point', { x: wire.uint32(1), label: wire.bytes(2, { max: 100 }) })
const point: Decoder = {
  decode: Point.parse,
  samples: [Point.encode({ x: 300, label: new Uint8Array(10).fill(5) })],
  isRefusal: (error) => error instanceof wire.WireError,
}
const OPTIONS = { runs: 5000, seed: 1 }

describe('fuzzing a decoder', () => {
  test('says nothing of one that is strict', async () => {
    const strict = { ...point, encode: (value: unknown) => Point.encode(value as never) }
    await fuzzDecoder(strict, OPTIONS)
    await bombDecoder(strict)
  })

  test('finds an error that is no refusal, and tells the seed', async () => {
    const careless = { ...point, isRefusal: () => false }
    await expect(fuzzDecoder(careless, OPTIONS)).rejects.toThrow(/seed: 1\b/)
    await expect(bombDecoder(careless)).rejects.toThrow('no refusal')
  })

  test('finds a second encoding of a value', async () => {
    const lenient = {
      ...point,
      decode: Point.parseLenient,
      encode: (value: unknown) => Point.encode(value as never),
    }
    await expect(fuzzDecoder(lenient, OPTIONS)).rejects.toThrow()
  })

  test('finds what is allocated because a length says so', async () => {
    const trusting: Decoder = {
      ...point,
      decode: (input) => {
        let length = 0
        for (let i = 1; i < input.length && i < 6; i++) length += ((input[i] ?? 0) & 127) * 2 ** (7 * (i - 1))
        return new Uint8Array(Math.min(length, 2 ** 26))
      },
    }
    await expect(bombDecoder(trusting)).rejects.toThrow('bytes of memory')
  })

  test('finds what takes longer than it should', async () => {
    const slow: Decoder = {
      ...point,
      decode: (input) => {
        let sum = 0
        for (let i = 0; i < input.length * 300; i++) sum += i % 7
        return sum
      },
    }
    await expect(bombDecoder(slow, 100)).rejects.toThrow(/took [\d.]+ ms/)
  })

  test('finds recursion that the input decides', async () => {
    const recursive = (input: Uint8Array): number =>
      input[0] === 0x0b || input[0] === 0x0a ? 1 + recursive(input.subarray(1)) : 0
    await expect(bombDecoder({ ...point, decode: recursive })).rejects.toThrow('no refusal: RangeError')
  })

  test('splits bytes into fields that are the same bytes again', () => {
    for (const bytes of [
      point.samples[0] ?? new Uint8Array(),
      Uint8Array.of(0xff, 0xff),
      new Uint8Array(9).fill(0x80),
    ])
      expect(fieldsOf(bytes).flatMap((field) => [...field])).toEqual([...bytes])
  })

  test('takes its options from the environment, and nothing else than numbers', () => {
    expect(fuzzOptions({ FUZZ_RUNS: '7', FUZZ_SEED: '-3' })).toMatchObject({ runs: 7, seed: -3 })
    expect(fuzzOptions({}).runs).toBe(10_000)
    expect(() => fuzzOptions({ FUZZ_RUNS: 'many' })).toThrow(TypeError)
  })
})
