import { createHash, hkdfSync, pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { mnemonicToSeed } from '@scure/bip39'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createRecoveryPhrase,
  entropyToRecoveryPhrase,
  Keyring,
  KeysError,
  parseRecoveryPhrase,
  RECOVERY_PHRASE_WORDS,
  recoveryKeyFromPhrase,
} from '../src/index.ts'

const entropyOf = (phrase: string) => parseRecoveryPhrase(phrase).unwrap()
const b32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** The error that parsing gives: its code, and proof that it quotes nothing of the phrase. */
function refusal(phrase: string): string {
  try {
    parseRecoveryPhrase(phrase)
  } catch (error) {
    if (!(error instanceof KeysError)) throw error
    expect(error.cause).toBeUndefined()
    const own = new Set(`${error.message}\n${error.stack}`.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    const quoted = phrase.split(/\s+/).filter((word) => word.length > 4 && own.has(word.toLowerCase()))
    expect(quoted).toEqual([])
    return error.code
  }
  return 'none'
}

describe('vectors: BIP-39', () => {
  const file = readFileSync(new URL('./vectors/bip39.json', import.meta.url))
  const { english } = JSON.parse(file.toString()) as { english: [string, string, string, string][] }

  test('the file is the published one', () => {
    expect(createHash('sha256').update(file).digest('hex')).toBe(
      'fa3b937b7cff9c9b8ecd3aa011faeb8d6dd67993174b72326e83f4de8fdb30f8',
    )
  })

  test('24 words stand for their entropy and back; shorter phrases are refused', () => {
    let long = 0
    for (const [entropy, phrase] of english) {
      if (entropy.length === 64) {
        expect(entropyToRecoveryPhrase(hexToBytes(entropy)).unwrap()).toBe(phrase)
        expect(bytesToHex(entropyOf(phrase))).toBe(entropy)
        long++
      } else expect(refusal(phrase)).toBe('WRONG_PHRASE_LENGTH')
    }
    expect(long).toBe(8)
  })

  test('phrases give the published seeds', async () => {
    for (const [, phrase, seed] of english)
      expect(bytesToHex(await mnemonicToSeed(phrase, 'TREZOR'))).toBe(seed)
  })
})

describe('recovery phrase', () => {
  const zeros = `${'abandon '.repeat(23)}art`

  test('is fresh each time, and has 24 words', () => {
    const [one, other] = [createRecoveryPhrase(), createRecoveryPhrase()]
    expect(one.unwrap().split(' ')).toHaveLength(RECOVERY_PHRASE_WORDS)
    expect(one.unwrap()).not.toBe(other.unwrap())
    expect(`${one}`).toBe('<redacted>')
  })

  test('any entropy survives the way through words', () => {
    fc.assert(
      fc.property(b32, (entropy) => {
        expect(parseRecoveryPhrase(entropyToRecoveryPhrase(entropy)).unwrap()).toEqual(entropy)
      }),
    )
  })

  test('case, spaces, line ends and full-width letters don’t matter', async () => {
    const [, ...rest] = zeros.split(' ')
    const fullWidth = [...'abandon'].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join('')
    for (const phrase of [
      zeros.toUpperCase(),
      `\t ${zeros.replaceAll(' ', ' \r\n ')}\n`,
      zeros.replaceAll(' ', '\u3000'),
      [fullWidth, ...rest].join('\u00a0'),
    ]) {
      expect(entropyOf(phrase)).toEqual(new Uint8Array(32))
      expect((await recoveryKeyFromPhrase(phrase)).unwrap()).toEqual(
        (await recoveryKeyFromPhrase(zeros)).unwrap(),
      )
    }
  })

  test('wrong length, wrong word and wrong checksum are three errors, and none quotes the phrase', () => {
    expect(refusal('')).toBe('WRONG_PHRASE_LENGTH')
    expect(refusal(`${zeros} art`)).toBe('WRONG_PHRASE_LENGTH')
    expect(refusal(zeros.slice(8))).toBe('WRONG_PHRASE_LENGTH')
    expect(refusal('canary '.repeat(100_000))).toBe('WRONG_PHRASE_LENGTH')
    expect(refusal(zeros.replace('art', 'secretive'))).toBe('UNKNOWN_PHRASE_WORD')
    expect(refusal(zeros.replace('art', 'constructor'))).toBe('UNKNOWN_PHRASE_WORD')
    expect(refusal(zeros.replace('art', 'abandon'))).toBe('WRONG_PHRASE_CHECKSUM')
    expect(() => parseRecoveryPhrase(zeros.replace('art', 'artt'))).toThrow('word 24')
    expect(() => entropyToRecoveryPhrase(new Uint8Array(16))).toThrow(TypeError)
    expect(() => parseRecoveryPhrase(null as never)).toThrow(TypeError)
  })

  test('two words exchanged are noticed, but for one time in 256', () => {
    const words = entropyToRecoveryPhrase(new Uint8Array(32).map((_, i) => i * 7))
      .unwrap()
      .split(' ')
    const verdicts = words.flatMap((one, i) =>
      words.slice(i + 1).map((other, j) =>
        refusal(
          words
            .with(i, other)
            .with(i + 1 + j, one)
            .join(' '),
        ),
      ),
    )
    expect(new Set(words).size).toBe(24)
    expect(verdicts).toHaveLength(276)
    expect(verdicts.filter((verdict) => verdict !== 'WRONG_PHRASE_CHECKSUM').length).toBeLessThan(8)
  })
})

describe('recovery key', () => {
  const phrase = entropyToRecoveryPhrase(new Uint8Array(32).fill(0x7f)).unwrap()

  test('is HKDF over the BIP-39 seed, as node:crypto reckons it', async () => {
    const seed = pbkdf2Sync(phrase, 'mnemonic', 2048, 64, 'sha512')
    const expected = hkdfSync('sha256', seed, new Uint8Array(0), 'vestibule recovery key v1', 32)
    expect((await recoveryKeyFromPhrase(phrase)).unwrap()).toEqual(new Uint8Array(expected))
  })

  test('stays the same for ever', async () => {
    const seed = await recoveryKeyFromPhrase(phrase)
    expect(bytesToHex(seed.unwrap())).toBe('df42eadf4e56dd7a462297c02ccc3dcb36226de0c6bc4396bcd5eb07bf3f2b35')
    expect((await new Keyring().importKey(seed.unwrap())).toHex()).toBe(
      '80f5b6a03ca2b938064340bd9e88101da89b8fa0961dc49587e6b9b58ffcfb00',
    )
  })
})
