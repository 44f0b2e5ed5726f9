import { utf8ToBytes } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import type { Abortable, DataKeyHolder } from '../sealing/data-key-holder.ts'
import { COMMITMENT_LABEL, holdUntilWiped, KEY_BYTES, type RecordCipher } from '../sealing/record-cipher.ts'
import { Database, isTaken } from './indexed-db.ts'

/**
 * Keeps data keys as non-extractable WebCrypto keys in IndexedDB: no script, ours included, ever sees their bytes.
 * A script of the same site can still use them while it runs there.
 *
 * @example
 * const store = await SealedKeyStore.openHeld(new IndexedDbKeyStore('keys'), new WebCryptoKeyHolder('key-of-keys'))
 */
export class WebCryptoKeyHolder implements DataKeyHolder {
  readonly #database: Database

  /** @param name of the database that the keys are in; another than the key store's */
  constructor(name: string) {
    this.#database = new Database(name, 'KEY_HOLDER_UNAVAILABLE')
  }

  async create(id: string, { signal }: Abortable = {}): Promise<RecordCipher> {
    signal?.throwIfAborted()
    const { subtle } = crypto
    if (subtle === undefined)
      throw new KeysError('KEY_HOLDER_UNAVAILABLE', 'this page has no WebCrypto: it needs HTTPS')
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES))
    // The only time that the bytes are in a script's memory: HKDF keys can be imported, but not generated.
    const key = await subtle
      .importKey('raw', bytes, 'HKDF', false, ['deriveBits', 'deriveKey'])
      .finally(() => bytes.fill(0))
    try {
      await this.#database.write((records) => records.add(key, id))
    } catch (cause) {
      if (!isTaken(cause)) throw cause
      throw new KeysError('KEY_EXISTS', `something is held as the key ${id} already`, { cause })
    }
    return webCryptoCipher(key)
  }

  async read(id: string, { signal }: Abortable = {}): Promise<RecordCipher | undefined> {
    signal?.throwIfAborted()
    const key: unknown = await this.#database.read((records) => records.get(id))
    if (key === undefined) return undefined
    if (key instanceof CryptoKey && key.algorithm.name === 'HKDF' && !key.extractable)
      return webCryptoCipher(key)
    throw new KeysError('WRONG_KEY', `what is held as the key ${id} is none`)
  }

  async delete(id: string, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    await this.#database.write((records) => records.delete(id))
  }
}

/**
 * AES-256-GCM under a key of its own for every record: HKDF-SHA-256 of the data key, salted with the record's nonce.
 * So 24 random bytes never repeat, where the 12 of AES-GCM would limit how much may be sealed.
 */
export function webCryptoCipher(first: CryptoKey): RecordCipher {
  const held = holdUntilWiped(first)
  const { subtle } = crypto
  const recordKey = (nonce: Uint8Array, use: 'encrypt' | 'decrypt') =>
    subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt: own(nonce), info: own(utf8ToBytes(RECORD_LABEL)) },
      held.key(),
      { name: 'AES-GCM', length: 8 * KEY_BYTES },
      false,
      [use],
    )
  const gcm = (associatedData: Uint8Array) =>
    ({ name: 'AES-GCM', iv: new Uint8Array(12), additionalData: own(associatedData) }) as const
  return {
    seal: async (nonce, associatedData, plaintext) => {
      // Copied before anything is waited for: the caller may overwrite it meanwhile.
      const copy = own(plaintext)
      try {
        const key = await recordKey(nonce, 'encrypt')
        return new Uint8Array(await subtle.encrypt(gcm(associatedData), key, copy))
      } finally {
        copy.fill(0)
      }
    },
    open: async (nonce, associatedData, sealed, what) => {
      const key = await recordKey(nonce, 'decrypt')
      try {
        return new Uint8Array(await subtle.decrypt(gcm(associatedData), key, own(sealed)))
      } catch (cause) {
        throw new KeysError('CORRUPT_RECORD', `the ${what} is damaged`, { cause })
      }
    },
    commitment: async () => {
      const info = own(utf8ToBytes(COMMITMENT_LABEL))
      const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }
      return new Uint8Array(await subtle.deriveBits(hkdf, held.key(), 8 * KEY_BYTES))
    },
    wipe: () => {
      held.drop()
    },
  }
}

const RECORD_LABEL = 'vestibule sealed record key v1'

/** WebCrypto's types ask for bytes that are not shared between threads. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
