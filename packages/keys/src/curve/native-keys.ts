import { ed25519, x25519 } from '@noble/curves/ed25519.js'

/** A key pair as bytes: 32 each, in the encodings of RFC 8032 and RFC 7748. The secret is the caller's to wipe. */
export interface KeyPairBytes {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** `node:crypto`, where it is there: key generation and agreement are ten to forty times faster than noble's. */
export const nodeCrypto = () => globalThis.process?.getBuiltinModule?.('node:crypto')

/** A fresh Ed25519 key pair; the secret is the seed. */
export function generateSigningKey(): KeyPairBytes {
  return generateNative('ed25519') ?? generateNoble(ed25519)
}

/** A fresh X25519 key pair. */
export function generateAgreementKey(): KeyPairBytes {
  return generateNative('x25519') ?? generateNoble(x25519)
}

function generateNoble(curve: typeof ed25519 | typeof x25519): KeyPairBytes {
  const secretKey = curve.utils.randomSecretKey()
  return { secretKey, publicKey: curve.getPublicKey(secretKey) }
}

function generateNative(curve: 'ed25519' | 'x25519'): KeyPairBytes | undefined {
  const crypto = nodeCrypto()
  // Two calls, because their types are told apart by the literal.
  const pair =
    curve === 'ed25519' ? crypto?.generateKeyPairSync('ed25519') : crypto?.generateKeyPairSync('x25519')
  const { d, x } = pair?.privateKey.export({ format: 'jwk' }) ?? {}
  if (d === undefined || x === undefined) return undefined
  return { secretKey: fromBase64Url(d), publicKey: fromBase64Url(x) }
}

/** The X25519 public key of a 32-byte secret. */
export function agreementPublicKey(secretKey: Uint8Array): Uint8Array {
  const crypto = nodeCrypto()
  if (crypto === undefined) return x25519.getPublicKey(secretKey)
  const spki = crypto
    .createPublicKey(crypto.createPrivateKey(pkcs8(secretKey)))
    .export({ format: 'der', type: 'spki' })
  return new Uint8Array(spki.subarray(X25519_SPKI_PREFIX.length))
}

/**
 * The X25519 shared secret, 32 bytes, or `undefined` when it would be all zeroes: the other key has small order.
 * @param secretKey 32 bytes
 * @param otherPublicKey 32 bytes
 * @see RFC 7748, section 6.1
 */
export function sharedSecret(secretKey: Uint8Array, otherPublicKey: Uint8Array): Uint8Array | undefined {
  try {
    const agree = nativeAgreement(secretKey)
    return agree === undefined ? x25519.getSharedSecret(secretKey, otherPublicKey) : agree(otherPublicKey)
  } catch {
    // noble refuses an all-zero secret by throwing.
    return undefined
  }
}

/**
 * {@link sharedSecret} with one secret, by `node:crypto`: the secret is taken over once.
 * @returns `undefined` where there is no `node:crypto`
 */
export function nativeAgreement(
  secretKey: Uint8Array,
): ((otherPublicKey: Uint8Array) => Uint8Array | undefined) | undefined {
  const crypto = nodeCrypto()
  if (crypto === undefined) return undefined
  const privateKey = crypto.createPrivateKey(pkcs8(secretKey))
  return (otherPublicKey) => {
    const key = Buffer.concat([X25519_SPKI_PREFIX, otherPublicKey])
    try {
      const publicKey = crypto.createPublicKey({ key, format: 'der', type: 'spki' })
      return new Uint8Array(crypto.diffieHellman({ privateKey, publicKey }))
    } catch {
      // OpenSSL refuses an all-zero secret by throwing.
      return undefined
    }
  }
}

const pkcs8 = (secretKey: Uint8Array) =>
  ({ key: Buffer.concat([X25519_PKCS8_PREFIX, secretKey]), format: 'der', type: 'pkcs8' }) as const

/** Everything before the key itself in the PKCS #8 form of a secret X25519 key (RFC 8410, section 7). */
const X25519_PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20],
)
/** The same in the SubjectPublicKeyInfo of a public one (RFC 8410, section 4). */
const X25519_SPKI_PREFIX = Uint8Array.of(
  ...[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00],
)

export const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const fromBase64Url = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))
