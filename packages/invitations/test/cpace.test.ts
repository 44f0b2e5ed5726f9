import { readFileSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import {
  calculateGenerator,
  generatorString,
  isValidShare,
  prependLen,
  sampleScalar,
  scalarMult,
  scalarMultVfy,
  sessionKeyIR,
} from '../src/protocol/cpace.ts'

const file = JSON.parse(readFileSync(new URL('./vectors/cpace/testvectors.json', import.meta.url), 'utf8'))
const hex = (text: string): Uint8Array => hexToBytes(text.toLowerCase())
const v: Record<string, Uint8Array> = Object.fromEntries(
  Object.entries<string>(file.G_Coffee25519).map(([name, text]) => [name, hex(text)]),
)
const at = (name: string): Uint8Array => v[name] ?? expect.fail(`no ${name} in the vectors`)
const points = file.G_Coffee25519_points

describe('CPace over ristretto255, by the vectors of draft-irtf-cfrg-cpace-21', () => {
  test('the generator is the one of the draft', () => {
    expect(calculateGenerator(at('PRS'), at('CI'), at('sid'))).toEqual(at('g'))
  })

  test('domain, password and padding fill exactly the first block of the hash', () => {
    const text = generatorString(at('PRS'), at('CI'), at('sid'))
    const ci = prependLen(at('CI'))
    expect(text.slice(128, 128 + ci.length)).toEqual(ci)
  })

  test('both shares are the ones of the draft', () => {
    expect(scalarMult(at('ya'), at('g'))).toEqual(at('Ya'))
    expect(scalarMult(at('yb'), at('g'))).toEqual(at('Yb'))
  })

  test('both ends reach the shared element and the session key of the draft', () => {
    expect(scalarMultVfy(at('ya'), at('Yb'))).toEqual(at('K'))
    expect(scalarMultVfy(at('yb'), at('Ya'))).toEqual(at('K'))
    const parts = { sid: at('sid'), k: at('K'), ya: at('Ya'), ada: at('ADa'), yb: at('Yb'), adb: at('ADb') }
    expect(sessionKeyIR(parts)).toEqual(at('ISK_IR'))
  })

  test('a valid point is multiplied, both invalid ones are refused', () => {
    const scalar = hex(points.Valid.s)
    expect(scalarMultVfy(scalar, hex(points.Valid.X))).toEqual(hex(points.Valid['G.scalar_mult_vfy(s,X)']))
    for (const name of ['Invalid Y1', 'Invalid Y2']) {
      expect(scalarMultVfy(scalar, hex(points[name])), name).toBeUndefined()
      expect(isValidShare(hex(points[name])), name).toBe(false)
    }
  })

  test('shares of any other length are refused', () => {
    for (const length of [0, 31, 33, 64])
      expect(isValidShare(new Uint8Array(length)), `${length}`).toBe(false)
  })

  test('a scalar is never zero and always below the order of the group', () => {
    const zero = sampleScalar(new Uint8Array(64))
    expect(zero[0]).toBe(1)
    const most = sampleScalar(new Uint8Array(64).fill(0xff))
    expect(scalarMultVfy(most, at('Ya'))).toBeDefined()
    expect(() => sampleScalar(new Uint8Array(32))).toThrow(TypeError)
  })

  test('lengths of 128 and more take two bytes', () => {
    expect(prependLen(new Uint8Array(127)).slice(0, 1)).toEqual(new Uint8Array([127]))
    expect(prependLen(new Uint8Array(128)).slice(0, 2)).toEqual(new Uint8Array([0x80, 1]))
    expect(prependLen(new Uint8Array(300)).slice(0, 2)).toEqual(new Uint8Array([0xac, 2]))
  })
})
