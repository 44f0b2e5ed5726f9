import { ed25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isInPrimeSubgroup } from '../../src/curve/subgroup.ts'

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
