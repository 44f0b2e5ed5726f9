import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import { equalBytes } from '../pae.ts'
import { encodeChecked, parseChecked } from '../store/checked-record.ts'
import type { KeyStore } from '../store/key-store.ts'
import { bytes, message, uint32 } from '../wire.ts'
import { KEY_BYTES, type RecordCipher } from './record-cipher.ts'

/**
 * Keeps data keys for sealed stores where no passphrase is asked for: the browser's `WebCryptoKeyHolder`, the
 * operating system's `KeychainKeyHolder`. Every key has an id, 32 hex digits, which is no secret.
 * `dataKeyHolderSuite` of `@vestibule/keys/testing` is what every implementation has to pass.
 */
export interface DataKeyHolder {
  /**
   * Makes a key and keeps it for good before it resolves. Aborted, it may still make one.
   * @throws KeysError KEY_HOLDER_UNAVAILABLE, or KEY_EXISTS: a key is never overwritten
   */
  create(id: string, options?: Abortable): Promise<RecordCipher>
  /** The key, or `undefined` if there is none. @throws KeysError KEY_HOLDER_UNAVAILABLE, or WRONG_KEY for what is no key */
  read(id: string, options?: Abortable): Promise<RecordCipher | undefined>
  /** Destroys a key; a missing one is no error. Aborted, it may still destroy it. */
  delete(id: string, options?: Abortable): Promise<void>
}

/** Where a call may wait for a person: aborting ends the waiting, and the promise rejects with the signal's reason. */
export interface Abortable {
  readonly signal?: AbortSignal
}

/** The header of a store whose key is held elsewhere. It counts like those under a passphrase, and there is one. */
export const HELD_HEADER = 'sealing-held'

const VERSION = 1
const ID_BYTES = 16
const HeldHeader = message('HeldHeader', {
  version: uint32(1),
  id: bytes(2, { length: ID_BYTES }),
  commitment: bytes(3, { length: KEY_BYTES }),
})

/**
 * Makes a key and writes the header that names it. Of several that do it at once the first header stands, and the
 * others take their keys back; a kill in between leaves a key that nothing was sealed under.
 * @throws KeysError KEY_EXISTS when another was first
 */
export async function addHeldHeader(
  store: KeyStore,
  holder: DataKeyHolder,
  options: Abortable,
): Promise<void> {
  const id = randomBytes(ID_BYTES)
  const cipher = await holder.create(bytesToHex(id), options)
  try {
    const commitment = await cipher.commitment()
    await store.add(HELD_HEADER, encodeChecked(HeldHeader, { version: VERSION, id, commitment }))
  } catch (error) {
    // A store that failed may have kept the header nevertheless; only a header of another proves this key useless.
    if (error instanceof KeysError && error.code === 'KEY_EXISTS') await holder.delete(bytesToHex(id))
    throw error
  } finally {
    cipher.wipe()
  }
}

/**
 * The key that the header names.
 * @throws KeysError MISSING_KEY, WRONG_KEY, KEY_HOLDER_UNAVAILABLE, CORRUPT_RECORD or UNSUPPORTED_VERSION
 */
export async function openHeldHeader(
  store: KeyStore,
  stored: Uint8Array,
  holder: DataKeyHolder,
  options: Abortable,
): Promise<RecordCipher> {
  const where = `sealed store ${store.describe(HELD_HEADER)}`
  const { id, commitment } = parseChecked(HeldHeader, VERSION, stored, `header of the ${where}`)
  const cipher = await holder.read(bytesToHex(id), options)
  if (cipher === undefined)
    throw new KeysError('MISSING_KEY', `the key of the ${where} is not held here any more`)
  if (equalBytes(await cipher.commitment(), commitment)) return cipher
  cipher.wipe()
  throw new KeysError('WRONG_KEY', `the key that is held does not open the ${where}`)
}
