import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { generateAgreementKey, generateSigningKey } from '../src/curve/native-keys.ts'
import { agreementPublicKey, sharedSecret } from '../src/index.ts'

const b32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
afterEach(() => vi.restoreAllMocks())

// RFC 7748, section 6.1.
const BOB_SECRET = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'
const ALICE_PUBLIC = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'
const BOB_PUBLIC = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'
const SHARED = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'

const runtimes = [
  ['node:crypto', () => {}],
  ['noble', () => vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)],
] as const

describe.each(runtimes)('key pairs and agreement with %s', (_, use) => {
  test('generated keys are key pairs by noble’s reckoning', () => {
    use()
    for (let i = 0; i < 10; i++) {
      const [signing, agreement] = [generateSigningKey(), generateAgreementKey()]
      expect(ed25519.getPublicKey(signing.secretKey)).toEqual(signing.publicKey)
      expect(x25519.getPublicKey(agreement.secretKey)).toEqual(agreement.publicKey)
    }
  })

  test('any secret gives the public key and the shared secret that noble gives', () => {
    use()
    fc.assert(
      fc.property(b32, b32, (secretKey, other) => {
        const publicKey = agreementPublicKey(secretKey)
        expect(publicKey).toEqual(x25519.getPublicKey(secretKey))
        const theirs = x25519.getPublicKey(other)
        expect(sharedSecret(secretKey, theirs)).toEqual(x25519.getSharedSecret(secretKey, theirs))
      }),
      { numRuns: 20 },
    )
  })

  test('the two parties of RFC 7748, section 6.1, agree on its secret', () => {
    use()
    const bob = { secretKey: hexToBytes(BOB_SECRET), publicKey: hexToBytes(BOB_PUBLIC) }
    expect(agreementPublicKey(bob.secretKey)).toEqual(bob.publicKey)
    expect(sharedSecret(bob.secretKey, hexToBytes(ALICE_PUBLIC))).toEqual(hexToBytes(SHARED))
  })

  test('a public key of small order gives no secret', () => {
    use()
    const { secretKey } = generateAgreementKey()
    for (const low of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    ])
      expect(sharedSecret(secretKey, hexToBytes(low))).toBeUndefined()
  })
})
