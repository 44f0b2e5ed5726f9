import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PublicKey } from '../src/index.ts'

// From the examples of the did:key method, section "Ed25519".
const DID = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
const HEX = '3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29'
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('PublicKey', () => {
  test('prints and reads the did:key of the method’s example', () => {
    expect(PublicKey.from(DID).toHex()).toBe(HEX)
    expect(PublicKey.fromHex(HEX).toDid()).toBe(DID)
  })

  test('every text form reads back as the same object', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const key = PublicKey.from(raw)
        for (const text of [key.toHex(), key.toHex().toUpperCase(), key.toBase58(), key.toDid(), String(key)])
          expect(PublicKey.from(text)).toBe(key)
        expect(PublicKey.from(key.toBytes())).toBe(key)
        expect(JSON.parse(JSON.stringify({ key }))).toEqual({ key: key.toDid() })
      }),
    )
  })

  test('equal keys are one entry of a Map and a Set, different keys are two', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const same = a.every((byte, i) => byte === b[i])
        expect(new Set([PublicKey.from(a), PublicKey.from(a.slice())]).size).toBe(1)
        expect(PublicKey.from(a).equals(PublicKey.from(b))).toBe(same)
        expect(
          new Map([
            [PublicKey.from(a), 1],
            [PublicKey.from(b), 2],
          ]).size,
        ).toBe(same ? 1 : 2)
      }),
    )
  })

  test('changing the bytes that went in or came out does not change the key', () => {
    const raw = new Uint8Array(32).fill(5)
    const key = PublicKey.from(raw)
    raw.fill(0)
    key.toBytes().fill(0)
    expect(key.toHex()).toBe('05'.repeat(32))
  })

  test.each([
    ['31 bytes', new Uint8Array(31), /32 bytes, got 31/],
    ['33 bytes', new Uint8Array(33), /32 bytes, got 33/],
    ['short hex', 'abcd', /got 2|got 3|bytes/],
    ['64 characters that are not hex', 'x'.repeat(64), /64 hex digits, got "xxx/],
    ['base58 with a character that is not of it', '0OIl'.repeat(11), /hex, base58 or did:key, got "0OIl/],
    ['very long text', 'a'.repeat(100_000), /100000 characters/],
    ['a did of another method', 'did:web:example.com', /did:key/],
    ['the did:key of an X25519 key', 'did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F', /Ed25519/],
    ['the empty string', '', /got 0/],
  ])('%s is a TypeError that says what it got', (_, value, text) => {
    expect(() => PublicKey.from(value)).toThrow(TypeError)
    expect(() => PublicKey.from(value)).toThrow(text)
  })

  test('what is no key at all is a TypeError', () => {
    for (const value of [null, undefined, 5, {}, []])
      expect(() => PublicKey.from(value as unknown as string)).toThrow(TypeError)
  })
})
