import { ed25519 } from '@noble/curves/ed25519.js'
import {
  agreementPublicKey,
  generateAgreementKey,
  generateSigningKey,
  type KeyPairBytes,
  sharedSecret,
} from './curve/native-keys.ts'
import { KeysError } from './errors.ts'
import { equalBytes } from './pae.ts'
import { PublicKey } from './public-key.ts'
import { recoveryAgreementKeyFromPhrase, recoveryKeyFromPhrase } from './recovery-phrase.ts'
import type { Redacted } from './redacted.ts'
import { restoreKeyBackup, sealKeyBackup } from './sealing/key-backup.ts'
import type { Passphrase, SealingOptions } from './sealing/sealed-box.ts'
import { openWithAgreementKey, type SealContext } from './sealing/sealed-to-key.ts'
import { rememberSafeKey } from './signatures/safe-key.ts'
import { type SignFunction, signerFor } from './signatures/signing.ts'
import {
  encodeKeyRecord,
  type KeyRecord,
  type KeyStore,
  keyRecordName,
  MemoryKeyStore,
  parseKeyRecord,
} from './store/key-store.ts'

/** Makes signatures for keys that it holds; what everything above asks of a keyring. */
export interface Signer {
  /** @returns the 64-byte Ed25519 signature; @throws KeysError KEY_NOT_FOUND */
  sign(key: PublicKey, message: Uint8Array): Promise<Uint8Array>
}

/** The public keys of a recovery phrase. */
export interface RecoveryKeys {
  /** Ed25519: signs for the identity above all of its devices. */
  readonly recoveryKey: PublicKey
  /** X25519, 32 bytes: what only the phrase shall open is sealed to it. */
  readonly agreementKey: Uint8Array
}

const SECRET_KEY_BYTES = 32

/**
 * Makes and holds secret keys, signs and agrees with them, and never hands one out.
 *
 * Every method reads the store when it has to, and every key is stored for good before it is returned.
 *
 * @example
 * const keyring = new Keyring()
 * const key = await keyring.createKey()
 * const signature = await keyring.sign(key, new TextEncoder().encode('hello'))
 */
export class Keyring implements Signer {
  readonly #store: KeyStore
  readonly #signers = new Map<PublicKey, SignFunction>()
  readonly #listeners = new Set<(key: PublicKey) => void>()

  /** @param store where the records are kept; in memory unless given */
  constructor(store: KeyStore = new MemoryKeyStore()) {
    this.#store = store
  }

  /** Makes an Ed25519 key pair. @throws KeysError STORE_UNAVAILABLE, and then there is no such key */
  createKey(): Promise<PublicKey> {
    return this.#add(generateSigningKey())
  }

  /**
   * Takes over an Ed25519 key pair. Importing one that is held already changes nothing.
   * @param secretKey the 32-byte seed of RFC 8032, section 5.1.5; it stays the caller's, who should wipe it
   * @throws TypeError for another length
   */
  async importKey(secretKey: Uint8Array): Promise<PublicKey> {
    if (secretKey.length !== SECRET_KEY_BYTES)
      throw new TypeError(`expected a secret key of ${SECRET_KEY_BYTES} bytes, got ${secretKey.length}`)
    const publicKey = ed25519.getPublicKey(secretKey)
    const key = PublicKey.from(publicKey)
    return (await this.has(key)) ? key : this.#add({ publicKey, secretKey: secretKey.slice() })
  }

  async sign(key: PublicKey, message: Uint8Array): Promise<Uint8Array> {
    let signer = this.#signers.get(key)
    if (signer === undefined) {
      const record = await this.#read(signingName(key), key.toBytes(), 'ED25519')
      signer = signerFor(record.secretKey, record.publicKey)
      record.secretKey.fill(0)
      this.#signers.set(key, signer)
    }
    return signer(message)
  }

  /** The signing keys held here. */
  async list(): Promise<PublicKey[]> {
    const names = await this.#store.names()
    return names.flatMap((name) => (SIGNING_NAME.test(name) ? [PublicKey.fromHex(name.slice(8))] : []))
  }

  /** Whether this keyring holds the secret of a signing key. */
  async has(key: PublicKey): Promise<boolean> {
    return this.#signers.has(key) || (await this.#store.read(signingName(key))) !== undefined
  }

  /** Destroys a signing key. It can't be undone; a key that is not held is no error. */
  async deleteKey(key: PublicKey): Promise<void> {
    this.#signers.delete(key)
    await this.#store.delete(signingName(key))
  }

  /**
   * Drops the secrets that it keeps at hand for signing. They are read from the store again when they are needed,
   * which a locked `SealedKeyStore` refuses.
   */
  forget(): void {
    this.#signers.clear()
  }

  /**
   * Makes an X25519 key pair for sealing things to this holder.
   * @returns its 32-byte public key (RFC 7748, section 5)
   */
  async createAgreementKey(): Promise<Uint8Array> {
    const { secretKey, publicKey } = generateAgreementKey()
    await this.#store.add(
      agreementName(publicKey),
      encodeKeyRecord({ algorithm: 'X25519', publicKey, secretKey }),
    )
    return publicKey
  }

  /**
   * The X25519 shared secret of an own key pair and another's public key, 32 bytes. Not yet a key: derive one.
   * @throws KeysError KEY_NOT_FOUND, or WEAK_AGREEMENT for a public key of small order
   * @see RFC 7748, section 6.1
   */
  async agree(ownPublicKey: Uint8Array, otherPublicKey: Uint8Array): Promise<Uint8Array> {
    const record = await this.#read(agreementName(ownPublicKey), ownPublicKey, 'X25519')
    const secret = sharedSecret(record.secretKey, otherPublicKey)
    record.secretKey.fill(0)
    if (secret === undefined) throw new KeysError('WEAK_AGREEMENT', 'the other public key gives no secret')
    return secret
  }

  /** Destroys an X25519 key pair. It can't be undone; one that is not held is no error. @param publicKey 32 bytes */
  async deleteAgreementKey(publicKey: Uint8Array): Promise<void> {
    await this.#store.delete(agreementName(publicKey))
  }

  /**
   * Takes over an X25519 key pair. Importing one that is held already changes nothing.
   * @param secretKey 32 bytes (RFC 7748, section 5); they stay the caller's, who should wipe them
   * @returns its 32-byte public key
   * @throws TypeError for another length
   */
  async importAgreementKey(secretKey: Uint8Array): Promise<Uint8Array> {
    if (secretKey.length !== SECRET_KEY_BYTES)
      throw new TypeError(`expected a secret key of ${SECRET_KEY_BYTES} bytes, got ${secretKey.length}`)
    const publicKey = agreementPublicKey(secretKey)
    const name = agreementName(publicKey)
    if ((await this.#store.read(name)) === undefined)
      await this.#store.add(name, encodeKeyRecord({ algorithm: 'X25519', publicKey, secretKey }))
    return publicKey
  }

  /**
   * Opens what `sealToAgreementKey` sealed to an agreement key that is held here.
   * @param ownPublicKey 32 bytes
   * @throws KeysError KEY_NOT_FOUND, WRONG_RECIPIENT, SEAL_BROKEN, UNSUPPORTED_VERSION
   * @see RFC 9180, section 6.1
   */
  async openSealed(ownPublicKey: Uint8Array, sealed: Uint8Array, context: SealContext): Promise<Uint8Array> {
    const record = await this.#read(agreementName(ownPublicKey), ownPublicKey, 'X25519')
    try {
      return await openWithAgreementKey(record, sealed, context)
    } finally {
      record.secretKey.fill(0)
    }
  }

  /**
   * Takes over the two keys that a recovery phrase stands for.
   * @returns the public halves, which an `IdentityRecovery` names
   * @throws KeysError as `parseRecoveryPhrase`
   */
  async importRecoveryKeys(phrase: string | Redacted<string>): Promise<RecoveryKeys> {
    const [signing, agreement] = [
      await recoveryKeyFromPhrase(phrase),
      await recoveryAgreementKeyFromPhrase(phrase),
    ].map((secret) => secret.unwrap()) as [Uint8Array, Uint8Array]
    try {
      return {
        recoveryKey: await this.importKey(signing),
        agreementKey: await this.importAgreementKey(agreement),
      }
    } finally {
      signing.fill(0)
      agreement.fill(0)
    }
  }

  /**
   * All keys, for signing and for agreement, as one file sealed under a passphrase: what to keep elsewhere.
   * @returns the file, about 80 bytes a key; it is the caller's
   * @throws KeysError CORRUPT_RECORD or another for a key that can't be read; a backup is whole or not at all
   * @throws TypeError for an empty passphrase or a cost that is out of bounds
   */
  exportBackup(passphrase: Passphrase, options?: SealingOptions): Promise<Uint8Array> {
    return sealKeyBackup(this.#store, passphrase, options)
  }

  /**
   * Adds the keys of a backup. Those that are held already stay as they are.
   *
   * All or nothing: when a key can't be stored, those that this import added are removed again. A process that
   * is killed may leave some of them; importing once more adds the rest.
   *
   * @param file what {@link exportBackup} gave
   * @returns the signing keys that were added
   * @throws KeysError WRONG_PASSPHRASE, CORRUPT_RECORD (the file, or a key of it that is held here and damaged),
   * UNSUPPORTED_VERSION, UNACCEPTABLE_COST, STORE_UNAVAILABLE
   */
  async importBackup(file: Uint8Array, passphrase: Passphrase): Promise<PublicKey[]> {
    const added = await restoreKeyBackup(this.#store, file, passphrase)
    const keys = added.flatMap(({ algorithm, publicKey }) =>
      algorithm === 'ED25519' ? [PublicKey.from(publicKey)] : [],
    )
    for (const key of keys) {
      rememberSafeKey(key)
      for (const listener of this.#listeners) listener(key)
    }
    return keys
  }

  /** Calls back with every signing key that is added from now on. @returns a function that ends it */
  onKeyAdded(listener: (key: PublicKey) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async #add({ publicKey, secretKey }: KeyPairBytes): Promise<PublicKey> {
    const key = PublicKey.from(publicKey)
    await this.#store.add(signingName(key), encodeKeyRecord({ algorithm: 'ED25519', publicKey, secretKey }))
    this.#signers.set(key, signerFor(secretKey, publicKey))
    secretKey.fill(0)
    rememberSafeKey(key)
    for (const listener of this.#listeners) listener(key)
    return key
  }

  async #read(name: string, publicKey: Uint8Array, algorithm: KeyRecord['algorithm']): Promise<KeyRecord> {
    const stored = await this.#store.read(name)
    if (stored === undefined) throw new KeysError('KEY_NOT_FOUND', `no secret key is held for ${name}`)
    const where = this.#store.describe(name)
    const record = parseKeyRecord(stored, where)
    stored.fill(0) // a store gives copies
    if (record.algorithm !== algorithm || !equalBytes(record.publicKey, publicKey))
      throw new KeysError('CORRUPT_RECORD', `the key record ${where} belongs to another key`)
    return record
  }
}

const SIGNING_NAME = /^ed25519-[0-9a-f]{64}$/
const signingName = (key: PublicKey): string =>
  keyRecordName({ algorithm: 'ED25519', publicKey: key.toBytes() })
const agreementName = (publicKey: Uint8Array): string => keyRecordName({ algorithm: 'X25519', publicKey })
