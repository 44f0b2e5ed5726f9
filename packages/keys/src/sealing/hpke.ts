import type { KeyPairBytes } from '../curve/native-keys.ts'

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
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. Curve and cipher run in JavaScript, so that browsers
 * without X25519 in WebCrypto do the same; loaded at the first use, as most programs begin without it.
 */
async function loadSuite() {
  const [{ CipherSuite, HkdfSha256 }, { DhkemX25519HkdfSha256 }, { Chacha20Poly1305 }] = await Promise.all([
    import('@hpke/core'),
    import('@hpke/dhkem-x25519'),
    import('@hpke/chacha20poly1305'),
  ])
  return new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Chacha20Poly1305(),
  })
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
