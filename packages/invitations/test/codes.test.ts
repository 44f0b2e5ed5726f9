import { describe, expect, test } from 'vitest'
import { CODE_WORDS, generateCode, MULTI_USE_CODE_VALUES, normaliseCode } from '../src/link/codes.ts'

describe('codes', () => {
  test('a code has six digits, or as many as asked for', () => {
    expect(generateCode()).toMatch(/^\d{6}$/)
    expect(generateCode({ length: 8 })).toMatch(/^\d{8}$/)
    expect(generateCode({ values: MULTI_USE_CODE_VALUES })).toMatch(/^\d{8}$/)
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

  test('a code of words has two, or three where many may guess', () => {
    expect(generateCode({ alphabet: CODE_WORDS })).toMatch(/^[a-z]+-[a-z]+$/)
    expect(generateCode({ alphabet: CODE_WORDS, values: MULTI_USE_CODE_VALUES })).toMatch(
      /^[a-z]+(-[a-z]+){2}$/,
    )
    const given = [
      [0, 0, 7, 255],
      [255, 255],
    ]
    const random = (bytes: Uint8Array): Uint8Array => {
      bytes.fill(0)
      bytes.set(given.shift() ?? [])
      return bytes
    }
    expect(generateCode({ alphabet: CODE_WORDS, random })).toBe('abandon-zoo')
  })

  test('of an alphabet that does not divide what is drawn, what would favour some words is thrown away', () => {
    const three = ['red', 'green', 'blue']
    const random = (bytes: Uint8Array): Uint8Array => bytes.fill(1).fill(255, 0, 2)
    // 65,535 would be the first of a last, incomplete round; 0x0101 is 257.
    expect(generateCode({ alphabet: three, length: 13, random })).toBe(Array(13).fill('blue').join('-'))
  })

  test('two words without a space between them still are millions of codes', () => {
    // `cardinner` is `car dinner` and `card inner`: the same text in two ways, where one word begins another.
    const words = new Set(CODE_WORDS)
    let twice = 0
    for (const long of CODE_WORDS)
      for (let at = 1; at < long.length; at++)
        if (words.has(long.slice(0, at)))
          for (const last of CODE_WORDS) if (words.has(long.slice(at) + last)) twice += 1
    expect(twice).toBe(83)
    expect(CODE_WORDS.length ** 2 - twice).toBeGreaterThan(4_000_000)
  })

  test('words sound the same in capitals, and with any space or hyphen between them', () => {
    for (const typed of ['river-candy', 'River candy', 'RIVER  CANDY ', 'river–candy'])
      expect(normaliseCode(typed)).toBe('rivercandy')
    expect(() => generateCode({ alphabet: 'abcdefghijA' })).toThrow(TypeError)
    expect(() => generateCode({ alphabet: ['two', 'TWO', 'three'], length: 20 })).toThrow(TypeError)
    expect(() => generateCode({ alphabet: CODE_WORDS, length: 1 })).toThrow(TypeError)
  })
})
