import { describe, expect, test } from 'vitest'
import { generateCode, normaliseCode } from '../src/link/codes.ts'

describe('codes', () => {
  test('a code has six digits, or as many as asked for', () => {
    expect(generateCode()).toMatch(/^\d{6}$/)
    expect(generateCode({ length: 8 })).toMatch(/^\d{8}$/)
    expect(generateCode({ length: 5, alphabet: 'abcdefghijklmnopqrstuvwxyz' })).toMatch(/^[a-z]{5}$/)
  })

  test('a byte that would favour some digits is thrown away', () => {
    const given = [250, 251, 252, 253, 254, 255, 249, 0, 10, 19, 128, 7]
    const random = (bytes: Uint8Array): Uint8Array => {
      bytes.set(given)
      return bytes
    }
    expect(generateCode({ random })).toBe('900987')
  })

  test('every digit is equally likely: of all bytes 25 give each, and six give none', () => {
    const counts = new Map<string | undefined, number>()
    for (let byte = 0; byte < 256; byte++) {
      let calls = 0
      const random = (bytes: Uint8Array): Uint8Array => bytes.fill(calls++ === 0 ? byte : 0)
      generateCode({ random })
      const digit = calls === 1 ? generateCode({ random: (bytes) => bytes.fill(byte) })[0] : undefined
      counts.set(digit, (counts.get(digit) ?? 0) + 1)
    }
    expect(counts.get(undefined)).toBe(6)
    for (const digit of '0123456789') expect(counts.get(digit)).toBe(25)
  })

  test('fewer than a million codes are refused', () => {
    expect(() => generateCode({ length: 5 })).toThrow(TypeError)
    expect(() => generateCode({ length: 6, alphabet: 'abc' })).toThrow(TypeError)
    expect(() => generateCode({ alphabet: '00123456789' })).toThrow(TypeError)
    expect(() => generateCode({ length: 0 })).toThrow(TypeError)
  })

  test('spaces and hyphens of a typed code do not matter', () => {
    for (const typed of ['493027', ' 493 027 ', '493-027', '493–027\n', '４９３０２７', '493 027'])
      expect(normaliseCode(typed)).toBe('493027')
  })
})
