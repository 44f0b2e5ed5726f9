import { hchacha, xchacha20poly1305 as noble } from '@noble/ciphers/chacha.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { nodeCrypto } from '../curve/native-keys.ts'

const TAG_BYTES = 16
/** Shorter messages are done in JavaScript before `node:crypto` has begun. */
const NATIVE_FROM_BYTES = 4 * 1024
/** The constant that a state of ChaCha begins with (RFC 8439, section 2.3). */
const SIGMA = words(utf8ToBytes('expand 32-byte k'))

/** One key and nonce, for one message. */
export interface MessageCipher {
  /** @returns the ciphertext with its tag, 16 bytes longer */
  encrypt(plaintext: Uint8Array): Uint8Array
  /** Throws for anything but what was encrypted under this key, nonce and associated data. */
  decrypt(ciphertext: Uint8Array): Uint8Array
}

/**
 * XChaCha20-Poly1305: noble's, and for long messages that of `node:crypto` where it is there, which is ten times as fast.
 *
 * @param key 32 bytes
 * @param nonce 24 bytes, never twice with one key; drawn at random it may be
 * @param associatedData what has to be as it was, and is not encrypted; nothing unless given
 * @see draft-irtf-cfrg-xchacha-03
 */
export function xchacha20poly1305(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array = new Uint8Array(),
): MessageCipher {
  const short = noble(key, nonce, associatedData)
  const cipherFor = ({ length }: Uint8Array): MessageCipher =>
    (length < NATIVE_FROM_BYTES ? undefined : nativeCipher(key, nonce, associatedData)) ?? short
  return {
    encrypt: (plaintext) => cipherFor(plaintext).encrypt(plaintext),
    decrypt: (ciphertext) => cipherFor(ciphertext).decrypt(ciphertext),
  }
}

function nativeCipher(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
): MessageCipher | undefined {
  const crypto = nodeCrypto()
  if (crypto === undefined) return undefined
  // XChaCha20 is ChaCha20 under a key that HChaCha20 makes of the first 16 bytes of the nonce (section 2.3).
  const subkey = new Uint32Array(8)
  hchacha(SIGMA, words(key), words(nonce.subarray(0, 16)), subkey)
  const rest = new Uint8Array(12)
  rest.set(nonce.subarray(16), 4)
  const derived = new Uint8Array(subkey.buffer)
  const options = { authTagLength: TAG_BYTES } as const
  return {
    encrypt(plaintext) {
      const cipher = crypto.createCipheriv('chacha20-poly1305', derived, rest, options)
      cipher.setAAD(associatedData, { plaintextLength: plaintext.length })
      const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
      sealed.set(cipher.update(plaintext))
      cipher.final()
      sealed.set(cipher.getAuthTag(), plaintext.length)
      return sealed
    },
    decrypt(ciphertext) {
      const length = ciphertext.length - TAG_BYTES
      const cipher = crypto.createDecipheriv('chacha20-poly1305', derived, rest, options)
      cipher.setAAD(associatedData, { plaintextLength: length })
      cipher.setAuthTag(ciphertext.subarray(length))
      const opened = cipher.update(ciphertext.subarray(0, length))
      cipher.final()
      return new Uint8Array(opened.buffer, opened.byteOffset, opened.length)
    },
  }
}

/** As little-endian words, which is what every runtime of ours has. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes).buffer)
}
