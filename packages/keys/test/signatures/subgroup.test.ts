import { ed25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { hasPrimeOrder } from '../../src/curve/prime-order.ts'
import { isInPrimeSubgroup } from '../../src/curve/subgroup.ts'
import { loadSodium } from '../../src/signatures/sodium.ts'

const { Point } = ed25519
const eighth = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
const torsion = Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : eighth.multiplyUnsafe(BigInt(i))))
const scalar = fc.bigInt({ min: 1n, max: Point.Fn.ORDER - 1n })

test('the neutral element is in it, and no other point of small order', () => {
  expect(torsion.map((point) => isInPrimeSubgroup(point.toAffine()))).toEqual([
    true,
    ...new Array(7).fill(false),
  ])
})

test('a multiple of the base point is in it, and none of its seven neighbours by small order', () => {
  fc.assert(
    fc.property(scalar, fc.nat(7), (k, i) => {
      const point = Point.BASE.multiply(k).add(torsion[i] ?? Point.ZERO)
      expect(isInPrimeSubgroup(point.toAffine())).toBe(i === 0)
    }),
    { numRuns: 300 },
  )
})

test('noble’s multiplication by the order says the same of whatever decodes', () => {
  let points = 0
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (encoded) => {
      let point: InstanceType<typeof Point>
      try {
        point = Point.fromBytes(encoded, false)
      } catch {
        return
      }
      points++
      expect(isInPrimeSubgroup(point.toAffine())).toBe(point.isTorsionFree())
    }),
    { numRuns: 200 },
  )
  expect(points).toBeGreaterThan(30)
})

test('of points with small coordinates too', () => {
  for (let y = 0; y < 60; y++) {
    const encoded = new Uint8Array(32)
    encoded[0] = y
    for (const sign of [0, 0x80]) {
      encoded[31] = sign
      let point: InstanceType<typeof Point>
      try {
        point = Point.fromBytes(encoded, false)
      } catch {
        continue
      }
      expect(isInPrimeSubgroup(point.toAffine()), `y = ${y}`).toBe(point.isTorsionFree())
    }
  }
  expect(isInPrimeSubgroup(Point.fromBytes(hexToBytes('58'.padEnd(64, '6')), false).toAffine())).toBe(true)
})

const sodium = await loadSodium()
const implementations = [
  { name: 'OpenSSL’s multiplication', hasOrder: hasPrimeOrder },
  { name: 'libsodium’s', hasOrder: (point: Uint8Array) => sodium?.crypto_core_ed25519_is_valid_point(point) },
]

describe.each(implementations)('$name', ({ hasOrder }) => {
  /** What it has to say: noble's word for the encoding, and then for the order. */
  function isOfPrimeOrder(encoded: Uint8Array): boolean {
    try {
      const point = Point.fromBytes(encoded, false)
      return !point.is0() && point.isTorsionFree()
    } catch {
      return false
    }
  }

  test('takes a multiple of the base point, and none of its seven neighbours by small order', () => {
    fc.assert(
      fc.property(scalar, fc.nat(7), (k, i) => {
        const point = Point.BASE.multiply(k).add(torsion[i] ?? Point.ZERO)
        expect(hasOrder(point.toBytes())).toBe(i === 0)
      }),
      { numRuns: 500 },
    )
  })

  test('takes no point of small order', () => {
    expect(torsion.map((point) => hasOrder(point.toBytes()))).toEqual(new Array(8).fill(false))
  })

  test('says of any bytes what noble says, whether they are a point or not', () => {
    const verdicts: boolean[] = []
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (encoded) => {
        const is = isOfPrimeOrder(encoded)
        verdicts.push(is)
        expect(hasOrder(encoded)).toBe(is)
      }),
      { numRuns: 400 },
    )
    for (const is of [true, false]) expect(verdicts.filter((one) => one === is).length).toBeGreaterThan(10)
  })

  test('says it of small coordinates, and of those around the field’s prime, which are not canonical', () => {
    const prime = Point.Fp.ORDER
    for (let at = -60n; at < 60n; at++) {
      const y = at < 0n ? prime + at : at
      for (const encoded of [y, prime + y]) {
        if (encoded >= 2n ** 255n) continue
        for (const sign of [0n, 1n]) {
          const bytes = hexToBytes((encoded + (sign << 255n)).toString(16).padStart(64, '0')).reverse()
          expect(hasOrder(bytes), `${encoded}, ${sign}`).toBe(isOfPrimeOrder(bytes))
        }
      }
    }
  })
})

describe('OpenSSL’s multiplication', () => {
  afterEach(() => vi.restoreAllMocks())

  test('multiplies by a scalar that tells no other order', () => {
    const order = Point.Fn.ORDER
    const prime = Point.Fp.ORDER
    const twist = (2n * prime + 2n - 8n * order) / 4n
    const k = 5n * order - 1n
    expect([k % 8n, k >> 254n]).toEqual([0n, 1n])
    for (const near of [k - 1n, k + 1n]) expect([near % 2n, near % twist === 0n]).toEqual([1n, false])
  })

  test('is left out where there is none', async () => {
    vi.resetModules()
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
    const without = await import('../../src/curve/prime-order.ts')
    expect(without.hasPrimeOrder(Point.BASE.toBytes())).toBeUndefined()
  })
})
