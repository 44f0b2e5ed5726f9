import { hkdfSync, pbkdf2Sync } from 'node:crypto'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test, vi } from 'vitest'
import { agreementPublicKey } from '../../src/curve/native-keys.ts'
import {
  entropyToRecoveryPhrase,
  Keyring,
  KeysError,
  type KeysErrorCode,
  pae,
  recoveryAgreementKeyFromPhrase,
  sealToAgreementKey,
} from '../../src/index.ts'
import { hpkeOpen } from '../../src/sealing/hpke.ts'

const code = (expected: KeysErrorCode) => (error: unknown) =>
  error instanceof KeysError && error.code === expected
const info = pae('test v1', 'here')

// RFC 9180, appendix A.2.1 (base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305), sequence number 0.
const RFC = {
  secretKey: '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
  publicKey: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
  enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
  info: '4f6465206f6e2061204772656369616e2055726e',
  aad: '436f756e742d30',
  plaintext: '4265617574792069732074727574682c20747275746820626561757479',
  ciphertext: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
}

test('vectors: the message of RFC 9180, A.2.1, opens, and no other', async () => {
  const [secretKey, publicKey, enc, rfcInfo, aad, ciphertext] = [
    RFC.secretKey,
    RFC.publicKey,
    RFC.enc,
    RFC.info,
    RFC.aad,
    RFC.ciphertext,
  ].map(hexToBytes) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  expect(agreementPublicKey(secretKey)).toEqual(publicKey)
  const own = { secretKey, publicKey }
  const opened = await hpkeOpen(own, { enc, ciphertext }, { info: rfcInfo, aad })
  expect(bytesToHex(opened)).toBe(RFC.plaintext)
  await expect(hpkeOpen(own, { enc, ciphertext }, { info: aad, aad })).rejects.toThrow()
})

describe('what is sealed to an agreement key', () => {
  test('opens with its secret, for the same purpose, and is another each time', async () => {
    const keyring = new Keyring()
    const key = await keyring.createAgreementKey()
    for (const plaintext of [new Uint8Array(), new Uint8Array(32).fill(7), new Uint8Array(100_000)]) {
      const sealed = await sealToAgreementKey(key, plaintext, { info })
      expect(await keyring.openSealed(key, sealed, { info })).toEqual(plaintext)
      expect(await sealToAgreementKey(key, plaintext, { info })).not.toEqual(sealed)
    }
  })

  test('a sealed read key fits where an epoch carries it', async () => {
    const key = await new Keyring().createAgreementKey()
    expect((await sealToAgreementKey(key, new Uint8Array(32), { info })).length).toBeLessThanOrEqual(128)
  })

  test('opens for no other recipient, purpose or associated data', async () => {
    const keyring = new Keyring()
    const [key, other] = [await keyring.createAgreementKey(), await keyring.createAgreementKey()]
    const aad = utf8ToBytes('beside')
    const sealed = await sealToAgreementKey(key, new Uint8Array(32), { info, aad })
    expect(await keyring.openSealed(key, sealed, { info, aad })).toEqual(new Uint8Array(32))
    const refused = (open: Promise<unknown>, expected: KeysErrorCode) =>
      expect(open).rejects.toSatisfy(code(expected))
    await refused(keyring.openSealed(other, sealed, { info, aad }), 'WRONG_RECIPIENT')
    await refused(keyring.openSealed(key, sealed, { info: aad, aad }), 'SEAL_BROKEN')
    await refused(keyring.openSealed(key, sealed, { info }), 'SEAL_BROKEN')
    await refused(new Keyring().openSealed(key, sealed, { info, aad }), 'KEY_NOT_FOUND')
  })

  test('every byte changed or cut off is refused with a code', async () => {
    const keyring = new Keyring()
    const key = await keyring.createAgreementKey()
    const sealed = await sealToAgreementKey(key, new Uint8Array(4), { info })
    const codes = new Set<string>()
    for (let at = 0; at < sealed.length; at++)
      for (const spoilt of [
        sealed.with(at, (sealed[at] ?? 0) ^ 0x04),
        sealed.subarray(0, at),
        new Uint8Array([...sealed, at]),
      ]) {
        const error = await keyring.openSealed(key, spoilt, { info }).catch((refusal: unknown) => refusal)
        expect(error, `byte ${at}`).toBeInstanceOf(KeysError)
        codes.add((error as KeysError).code)
      }
    expect([...codes].sort()).toEqual(['SEAL_BROKEN', 'UNSUPPORTED_VERSION', 'WRONG_RECIPIENT'])
  })

  test('nothing is sealed to a key of small order, or of another length', async () => {
    // The points of small order of Curve25519, as RFC 7748, section 6.1 wants them refused.
    for (const weak of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
    ]) {
      const seal = sealToAgreementKey(hexToBytes(weak), new Uint8Array(1), { info })
      await expect(seal, weak).rejects.toSatisfy(code('WEAK_AGREEMENT'))
    }
    await expect(sealToAgreementKey(new Uint8Array(31), new Uint8Array(1), { info })).rejects.toThrow(
      TypeError,
    )
  })

  test('opens the same where there is no node:crypto', async () => {
    const keyring = new Keyring()
    const key = await keyring.createAgreementKey()
    const sealed = await sealToAgreementKey(key, new Uint8Array(32), { info })
    vi.stubGlobal('process', undefined)
    try {
      expect(await keyring.openSealed(key, sealed, { info })).toEqual(new Uint8Array(32))
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

describe('the recovery agreement key', () => {
  const phrase = entropyToRecoveryPhrase(new Uint8Array(32).fill(0x7f)).unwrap()

  test('is HKDF over the BIP-39 seed under a label of its own, as node:crypto reckons it', async () => {
    const seed = pbkdf2Sync(phrase, 'mnemonic', 2048, 64, 'sha512')
    const label = 'vestibule recovery agreement key v1'
    const expected = new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), label, 32))
    expect((await recoveryAgreementKeyFromPhrase(phrase)).unwrap()).toEqual(expected)
  })

  test('stays the same for ever, and opens what was sealed to it', async () => {
    const [keyring, again] = [new Keyring(), new Keyring()]
    const { recoveryKey, agreementKey } = await keyring.importRecoveryKeys(phrase)
    expect(recoveryKey.toHex()).toBe('80f5b6a03ca2b938064340bd9e88101da89b8fa0961dc49587e6b9b58ffcfb00')
    expect(bytesToHex(agreementKey)).toBe('2d7555af211f64560b5a8f18306e83c4486e20d9fbf46271391fdc119bfc0321')
    const sealed = await sealToAgreementKey(agreementKey, utf8ToBytes('hello'), { info })
    expect(await again.importRecoveryKeys(phrase)).toEqual({ recoveryKey, agreementKey })
    expect(await again.importRecoveryKeys(phrase)).toEqual({ recoveryKey, agreementKey })
    expect(await again.openSealed(agreementKey, sealed, { info })).toEqual(utf8ToBytes('hello'))
  })

  test('no other length is taken over', async () => {
    await expect(new Keyring().importAgreementKey(new Uint8Array(31))).rejects.toThrow(TypeError)
  })
})
