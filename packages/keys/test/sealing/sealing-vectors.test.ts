import { xchacha20poly1305 as noble } from '@noble/ciphers/chacha.js'
import { argon2id as nobleArgon2 } from '@noble/hashes/argon2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { equalBytes } from '../../src/pae.ts'
import { argon2id, nobleArgon2id, wasmArgon2id } from '../../src/sealing/argon2id.ts'
import { xchacha20poly1305 } from '../../src/sealing/xchacha.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('vectors: XChaCha20-Poly1305', () => {
  // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
  const plaintext = utf8ToBytes(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  )
  const associated = hexToBytes('50515253c0c1c2c3c4c5c6c7')
  const key = hexToBytes('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
  const nonce = hexToBytes('404142434445464748494a4b4c4d4e4f5051525354555657')
  const sealed =
    'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb' +
    '731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452' +
    '2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
    '21f9664c97637da9768812f615c68b13b52e' +
    'c0875924c1c7987947deafd8780acf49'

  test('seals and opens the one of the draft', () => {
    expect(bytesToHex(xchacha20poly1305(key, nonce, associated).encrypt(plaintext))).toBe(sealed)
    expect(xchacha20poly1305(key, nonce, associated).decrypt(hexToBytes(sealed))).toEqual(plaintext)
  })

  test('one wrong bit of ciphertext, tag or associated data is refused', () => {
    for (const at of [0, 113, 114, 129]) {
      const wrong = hexToBytes(sealed)
      wrong[at] = (wrong[at] ?? 0) ^ 1
      expect(() => xchacha20poly1305(key, nonce, associated).decrypt(wrong)).toThrow()
    }
    const other = associated.with(0, 0)
    expect(() => xchacha20poly1305(key, nonce, other).decrypt(hexToBytes(sealed))).toThrow()
  })
})

describe.each([
  ['node:crypto', () => {}],
  ['noble', () => vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)],
] as const)('messages of any length, with %s', (_, use) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const inputs = fc.tuple(bytes(32), bytes(24), fc.uint8Array({ maxLength: 64 }))

  test.each([0, 4_095, 4_096, 70_000])('%i bytes are sealed as noble seals them, and opened', (length) => {
    use()
    fc.assert(
      fc.property(inputs, bytes(1), ([key, nonce, associated], [value = 0]) => {
        const plaintext = new Uint8Array(length).map((_, at) => value + at * 7)
        const cipher = xchacha20poly1305(key, nonce, associated)
        const sealed = cipher.encrypt(plaintext)
        expect(equalBytes(sealed, noble(key, nonce, associated).encrypt(plaintext))).toBe(true)
        expect(equalBytes(cipher.decrypt(sealed), plaintext)).toBe(true)
        for (const at of [0, sealed.length - 1])
          expect(() => cipher.decrypt(sealed.with(at, (sealed[at] ?? 0) ^ 1))).toThrow()
        const other = xchacha20poly1305(key, nonce, Uint8Array.of(...associated, 0))
        expect(() => other.decrypt(sealed)).toThrow()
      }),
      { numRuns: 5 },
    )
  })

  test('keys and nonces of another length are refused', () => {
    use()
    for (const [key, nonce] of [
      [31, 24],
      [33, 24],
      [32, 12],
      [32, 25],
    ] as const)
      for (const length of [10, 5_000])
        expect(() =>
          xchacha20poly1305(new Uint8Array(key), new Uint8Array(nonce)).encrypt(new Uint8Array(length)),
        ).toThrow()
  })
})

describe('vectors: Argon2id', () => {
  test('the one of RFC 9106, section 5.3', () => {
    // It has associated data and four lanes, which only the reference takes.
    const tag = nobleArgon2(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), {
      m: 32,
      t: 3,
      p: 4,
      key: new Uint8Array(8).fill(3),
      personalization: new Uint8Array(12).fill(4),
      dkLen: 32,
    })
    expect(bytesToHex(tag)).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659')
  })

  test('those of the reference implementation (src/test.c, version 0x13)', async () => {
    const cases = [
      [2, 65536, 1, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
      [2, 256, 1, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
      [2, 256, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
      [1, 65536, 1, 'f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98'],
    ] as const
    for (const [passes, memoryKib, lanes, tag] of cases) {
      const cost = { passes, memoryKib, lanes }
      const got = await wasmArgon2id(utf8ToBytes('password'), utf8ToBytes('somesalt'), cost, 32)
      expect(bytesToHex(got)).toBe(tag)
    }
  })

  test('both implementations give the same bytes', async () => {
    const argument = fc.record({
      password: fc.uint8Array({ minLength: 1, maxLength: 80 }),
      salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      passes: fc.integer({ min: 1, max: 3 }),
      lanes: fc.integer({ min: 1, max: 4 }),
      memoryKib: fc.integer({ min: 32, max: 300 }),
    })
    await fc.assert(
      fc.asyncProperty(argument, async ({ password, salt, ...cost }) => {
        expect(await wasmArgon2id(password, salt, cost, 64)).toEqual(
          await nobleArgon2id(password, salt, cost, 64),
        )
      }),
      { numRuns: 25 },
    )
  })

  test('without WebAssembly the reference takes over', async () => {
    const given = [utf8ToBytes('password'), utf8ToBytes('somesalt')] as const
    vi.stubGlobal('WebAssembly', undefined)
    const got = await argon2id(...given, { passes: 2, memoryKib: 256, lanes: 1 }, 32)
    expect(bytesToHex(got)).toBe('9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe')
  })
})
