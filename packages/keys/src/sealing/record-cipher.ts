import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import { Redacted } from '../redacted.ts'
import { decrypt } from './sealed-box.ts'

/** Length of a data key in bytes. */
export const KEY_BYTES = 32
/** What a commitment to a data key is derived with: HKDF-SHA-256, no salt, this label, 32 bytes. */
export const COMMITMENT_LABEL = 'vestibule data key commitment v1'

/** Seals records under one data key, which it does not give away. */
export interface RecordCipher {
  /** @param nonce 24 bytes, never used twice; @returns the ciphertext with its tag */
  seal(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
  /** @throws KeysError CORRUPT_RECORD for anything that was not sealed so under this key, saying `what` it was */
  open(nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array, what: string): Promise<Uint8Array>
  /** 32 bytes that no other key gives, and that tell nothing of this one. */
  commitment(): Promise<Uint8Array>
  /** Drops the key, and wipes it where it is bytes; every other call is refused from then on with STORE_LOCKED. */
  wipe(): void
}

/**
 * XChaCha20-Poly1305 under a key of 32 bytes (draft-irtf-cfrg-xchacha-03).
 * @param bytes taken over: {@link RecordCipher.wipe} overwrites them
 */
export function bytesCipher(bytes: Uint8Array): RecordCipher {
  const held = holdUntilWiped(new Redacted(bytes))
  return {
    seal: async (nonce, associatedData, plaintext) =>
      xchacha20poly1305(held.key().unwrap(), nonce, associatedData).encrypt(plaintext),
    open: async (nonce, associatedData, sealed, what) =>
      decrypt(xchacha20poly1305(held.key().unwrap(), nonce, associatedData), sealed, what),
    commitment: async () =>
      hkdf(sha256, held.key().unwrap(), undefined, utf8ToBytes(COMMITMENT_LABEL), KEY_BYTES),
    wipe: () => held.drop()?.unwrap().fill(0),
  }
}

/** Gives a key until it is dropped, then STORE_LOCKED. */
export function holdUntilWiped<T>(first: T): { key(): T; drop(): T | undefined } {
  let held: T | undefined = first
  return {
    key: () => {
      if (held === undefined) throw new KeysError('STORE_LOCKED', 'the sealed key store is locked')
      return held
    },
    drop: () => {
      const dropped = held
      held = undefined
      return dropped
    },
  }
}
