import { createCipheriv, createHash, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { expect, test } from 'vitest'
import { webCryptoCipher } from '../../src/browser/web-crypto-key-holder.ts'
import { type DataKeyHolder, Keyring, MemoryKeyStore, PublicKey, SealedKeyStore } from '../../src/index.ts'
import { KeychainKeyHolder } from '../../src/node.ts'
import { fakeKeychain } from '../stores/fake-keychain.ts'

// The format written a second time, by hand, as the README has it.
const [key, id, nonce] = [filled(32, 9), filled(16, 3), filled(24, 5)]
const seed = filled(32, 7)
const publicKey = ed25519.getPublicKey(seed)
const name = `ed25519-${bytesToHex(publicKey)}`

function filled(length: number, byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(byte)
}
const hkdf = (salt: Uint8Array, label: string) => new Uint8Array(hkdfSync('sha256', key, salt, label, 32))
/** A field of bytes, with its length as a varint of one or two bytes. */
const field = (number: number, value: Uint8Array) => {
  const { length } = value
  return [(number << 3) | 2, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...value]
}
const checked = (...body: number[]) => {
  const bytes = Uint8Array.from(body)
  return concatBytes(bytes, createHash('sha256').update(bytes).digest().subarray(0, 8))
}
const le64 = (n: number) => Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0)
const part = (text: string) => concatBytes(le64(text.length), utf8ToBytes(text))
const about = concatBytes(le64(2), part('vestibule sealed record v1'), part(name))
const version = [0x08, 1]

const header = checked(
  ...version,
  ...field(2, id),
  ...field(3, hkdf(new Uint8Array(0), 'vestibule data key commitment v1')),
)
const plain = checked(...version, 0x10, 1, ...field(3, publicKey), ...field(4, seed))
const aesGcm = () => {
  const recordKey = hkdf(nonce, 'vestibule sealed record key v1')
  const cipher = createCipheriv('aes-256-gcm', recordKey, new Uint8Array(12)).setAAD(about)
  return concatBytes(cipher.update(plain), cipher.final(), cipher.getAuthTag())
}
const sealedBy = {
  keychain: xchacha20poly1305(key, nonce, about).encrypt(plain),
  webCrypto: aesGcm(),
}
const record = (sealed: Uint8Array) => checked(...version, ...field(2, nonce), ...field(3, sealed))

const holders: Record<keyof typeof sealedBy, DataKeyHolder> = {
  keychain: new KeychainKeyHolder(
    'golden',
    fakeKeychain(new Map([[`golden/${bytesToHex(id)}`, [...key]]])).load,
  ),
  webCrypto: {
    create: () => Promise.reject(new Error('there is a key')),
    read: async () =>
      webCryptoCipher(await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveBits', 'deriveKey'])),
    delete: async () => {},
  },
}

const golden = JSON.parse(readFileSync(new URL('../vectors/held-v1.json', import.meta.url), 'utf8')) as {
  header: string
  records: Record<string, string>
}

test('the golden bytes are those of the format', () => {
  const records = Object.entries(sealedBy).map(([by, sealed]) => [by, bytesToHex(record(sealed))])
  expect(golden).toEqual({ header: bytesToHex(header), records: Object.fromEntries(records) })
})

test.each(['keychain', 'webCrypto'] as const)(
  'a store of version 1 under a held key opens for ever: %s',
  async (by) => {
    const inner = new MemoryKeyStore()
    await inner.add('sealing-held', hexToBytes(golden.header))
    await inner.add(`sealed-${name}`, hexToBytes(golden.records[by] as string))
    const keyring = new Keyring(await SealedKeyStore.openHeld(inner, holders[by]))
    const hello = utf8ToBytes('hello')
    expect(await keyring.sign(PublicKey.from(publicKey), hello)).toEqual(ed25519.sign(hello, seed))
  },
)
