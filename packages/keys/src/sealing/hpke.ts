import { x25519 } from '@noble/curves/ed25519.js'
import { expand, extract, hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { agreementPublicKey, type KeyPairBytes, sharedSecret } from '../curve/native-keys.ts'

/** Length of an X25519 public key in bytes (RFC 7748, section 5). */
export const AGREEMENT_KEY_BYTES = 32

/** The two parts of a message to one recipient (RFC 9180, section 6.1). */
export interface HpkeMessage {
  /** The encapsulated key, 32 bytes. */
  readonly enc: Uint8Array
  /** The ciphertext, 16 bytes longer than what is in it. */
  readonly ciphertext: Uint8Array
}

/** What both ends have to give alike. */
export interface HpkeContext {
  readonly info: Uint8Array
  readonly aad: Uint8Array
}

/**
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. The curve is the fastest that is there, and the cipher runs
 * in JavaScript, so that browsers without X25519 in WebCrypto do the same; loaded at the first use, as most programs
 * begin without it. So does the hash: of its twenty calls each takes WebCrypto longer to hand over than to compute.
 */
async function loadSuite() {
  const [{ CipherSuite, HkdfSha256 }, { Dhkem, KemId, XCurveDhkemPrimitives }, { Chacha20Poly1305 }] =
    await Promise.all([import('@hpke/core'), import('@hpke/common'), import('@hpke/chacha20poly1305')])
  class Kdf extends HkdfSha256 {
    override extract = async (salt: Bytes, ikm: Bytes) => owned(extract(sha256, view(ikm), view(salt)))
    override expand = async (prk: Bytes, info: Bytes, length: number) =>
      owned(expand(sha256, view(prk), view(info), length))
    override extractAndExpand = async (salt: Bytes, ikm: Bytes, info: Bytes, length: number) =>
      owned(hkdf(sha256, view(ikm), view(salt), view(info), length))
  }
  const kdf = new Kdf()
  const primitives = new XCurveDhkemPrimitives('X25519', AGREEMENT_KEY_BYTES, curve, kdf)
  class NativeDhkem extends Dhkem {
    override readonly secretSize = 32
    override readonly encSize = AGREEMENT_KEY_BYTES
    override readonly publicKeySize = AGREEMENT_KEY_BYTES
    override readonly privateKeySize = AGREEMENT_KEY_BYTES
  }
  const kem = new NativeDhkem(KemId.DhkemX25519HkdfSha256, primitives, kdf)
  return new CipherSuite({ kem, kdf: new Kdf(), aead: new Chacha20Poly1305() })
}

type Bytes = ArrayBufferLike | ArrayBufferView
const view = (bytes: Bytes): Uint8Array =>
  ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
const owned = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

const curve = {
  ...x25519,
  utils: { randomSecretKey: async () => x25519.utils.randomSecretKey() },
  getPublicKey: agreementPublicKey,
  getSharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    const secret = sharedSecret(secretKey, publicKey)
    if (secret === undefined) throw new RangeError('a key of small order')
    return secret
  },
}
let loaded: ReturnType<typeof loadSuite> | undefined
const suite = (): ReturnType<typeof loadSuite> => {
  loaded ??= loadSuite()
  return loaded
}

/**
 * Base mode, one message, a fresh ephemeral key. Throws for a recipient of small order.
 * @param recipient 32 bytes, an X25519 public key
 * @see RFC 9180, section 6.1
 */
export async function hpkeSeal(
  recipient: Uint8Array,
  plaintext: Uint8Array,
  { info, aad }: HpkeContext,
): Promise<HpkeMessage> {
  const hpke = await suite()
  const recipientPublicKey = await hpke.kem.deserializePublicKey(recipient)
  const { enc, ct } = await hpke.seal({ recipientPublicKey, info }, plaintext, aad)
  return { enc: new Uint8Array(enc), ciphertext: new Uint8Array(ct) }
}

/** Throws for a message that is damaged, or was made for another recipient, info or aad. */
export async function hpkeOpen(
  { secretKey }: KeyPairBytes,
  { enc, ciphertext }: HpkeMessage,
  { info, aad }: HpkeContext,
): Promise<Uint8Array> {
  const hpke = await suite()
  const recipientKey = await hpke.kem.deserializePrivateKey(secretKey)
  return new Uint8Array(await hpke.open({ recipientKey, enc, info }, ciphertext, aad))
}
