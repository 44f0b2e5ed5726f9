import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { decoderSuite } from '../src/fuzzing.ts'
import {
  entropyToRecoveryPhrase,
  Keyring,
  KeysError,
  MemoryKeyStore,
  PublicKey,
  parseRecoveryPhrase,
  SealedKeyStore,
  sealToAgreementKey,
  verifySignature,
} from '../src/index.ts'
import { parseBackupContent } from '../src/sealing/key-backup.ts'
import { encodeKeyRecord, parseKeyRecord } from '../src/store/key-store.ts'
import * as wire from '../src/wire.ts'
import { headerBytes } from './sealing/sealed-header.ts'

const Inner = wire.message('Inner', { x: wire.uint32(1), y: wire.optional(wire.bool(2)) })
const Sample = wire.message('Sample', {
  key: wire.bytes(1, { length: 4 }),
  count: wire.uint64(2),
  note: wire.optional(wire.string(3, { max: 8 })),
  items: wire.repeated(wire.nested(4, Inner), { max: 3 }),
  inner: wire.optional(wire.nested(5, Inner)),
  kind: wire.enumeration(6, ['NONE', 'CONTROL', 'DATA']),
})
const samples = [
  Sample.encode({ key: new Uint8Array(4).fill(5), count: 2 ** 40, items: [], kind: 'DATA', note: 'ä' }),
  Sample.encode({
    key: new Uint8Array(4),
    count: 0,
    items: [{ x: 1 }, { x: 300, y: true }],
    inner: { x: 7, y: false },
    kind: 'NONE',
  }),
]
const isWireError = (error: unknown): boolean => error instanceof wire.WireError
decoderSuite('a message, read strictly', () => ({
  decode: Sample.parse,
  encode: Sample.encode,
  samples,
  isRefusal: isWireError,
}))
decoderSuite('a message, read leniently', () => ({
  decode: Sample.parseLenient,
  samples,
  isRefusal: isWireError,
}))

const isRefused =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    error instanceof KeysError && codes.includes(error.code)
const isMistake = (error: unknown): boolean => error instanceof TypeError
const text = (input: Uint8Array): string => new TextDecoder().decode(input)
const somebody = PublicKey.from(new Uint8Array(32).fill(9))
decoderSuite('the text of a public key', () => ({
  decode: (input) => PublicKey.from(text(input)),
  samples: [somebody.toHex(), somebody.toBase58(), somebody.toDid()].map(utf8ToBytes),
  isRefusal: isMistake,
}))
decoderSuite('a recovery phrase', () => ({
  decode: (input) => parseRecoveryPhrase(text(input)),
  samples: [1, 2].map((n) => utf8ToBytes(entropyToRecoveryPhrase(new Uint8Array(32).fill(n)).unwrap())),
  isRefusal: isRefused('WRONG_PHRASE_LENGTH', 'UNKNOWN_PHRASE_WORD', 'WRONG_PHRASE_CHECKSUM'),
}))

const isDamaged = isRefused('CORRUPT_RECORD', 'UNSUPPORTED_VERSION')

/** The checksum that makes an input look undamaged; its own last eight bytes give way to it. */
const withChecksum = (input: Uint8Array): Uint8Array => {
  const body = input.subarray(0, -8)
  return concatBytes(body, sha256(body).subarray(0, 8))
}
const { publicKey, secretKey } = await (async () => {
  const seed = new Uint8Array(32).fill(3)
  return { secretKey: seed, publicKey: (await new Keyring().importKey(seed)).toBytes() }
})()
const record = encodeKeyRecord({ algorithm: 'ED25519', publicKey, secretKey })

for (const [name, mend] of [
  ['a key record', undefined],
  ['a key record with its checksum', withChecksum],
] as const)
  decoderSuite(name, () => ({
    decode: (input) => parseKeyRecord(input, 'here'),
    encode: encodeKeyRecord,
    samples: [record],
    isRefusal: isDamaged,
    ...(mend && { mend }),
  }))

const KeyBackup = wire.message('KeyBackup', { keys: wire.repeated(wire.bytes(1), { max: 100 }) })
decoderSuite('what is in a backup', () => ({
  decode: parseBackupContent,
  samples: [KeyBackup.encode({ keys: [record] })],
  isRefusal: isDamaged,
}))

// Its cost is out of all bounds: a box that costs what is allowed is one that may take seconds.
const box = headerBytes.encode({
  version: 1,
  memoryKib: 2 ** 32 - 1,
  passes: 2 ** 20,
  lanes: 2 ** 20,
  salt: new Uint8Array(16),
  commitment: new Uint8Array(32),
  nonce: new Uint8Array(24),
  sealed: new Uint8Array(100),
})
decoderSuite('a backup file', () => ({
  decode: async (input) => {
    await new Keyring().importBackup(input, 'a passphrase').catch((error: unknown) => {
      if (!isRefused('UNACCEPTABLE_COST')(error)) throw error
    })
  },
  samples: [box],
  isRefusal: isDamaged,
  mend: withChecksum,
}))

const sealedStore = (async () => {
  const store = new MemoryKeyStore()
  const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
  const sealed = await SealedKeyStore.open(store, 'a passphrase', { cost })
  await sealed.add('a', record)
  return { store, sealed, stored: (await store.read('sealed-a')) ?? new Uint8Array() }
})()
decoderSuite('a sealed record', async () => {
  const { store, sealed, stored } = await sealedStore
  return {
    decode: async (input) => {
      await store.delete('sealed-a')
      await store.add('sealed-a', input)
      return sealed.read('a')
    },
    samples: [stored],
    isRefusal: isDamaged,
    mend: withChecksum,
  }
})

const sealedToKey = (async () => {
  const keyring = new Keyring()
  const own = await keyring.createAgreementKey()
  const context = { info: utf8ToBytes('fuzz v1') }
  return { keyring, own, context, sealed: await sealToAgreementKey(own, new Uint8Array(32), context) }
})()
decoderSuite('what is sealed to a device', async () => {
  const { keyring, own, context, sealed } = await sealedToKey
  return {
    decode: (input) => keyring.openSealed(own, input, context),
    samples: [sealed],
    isRefusal: isRefused('SEAL_BROKEN', 'WRONG_RECIPIENT', 'UNSUPPORTED_VERSION'),
  }
})

describe('whatever comes as a signature', () => {
  test('of another length is none', async () => {
    const keyring = new Keyring()
    const key = await keyring.createKey()
    const message = new Uint8Array(3)
    const signature = await keyring.sign(key, message)
    expect(await verifySignature(key, message, signature)).toBe(true)
    for (const length of [0, 1, 63, 65, 10_000])
      expect(await verifySignature(key, message, new Uint8Array(length))).toBe(false)
  })
})
