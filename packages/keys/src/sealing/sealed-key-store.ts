import { randomBytes } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import { pae } from '../pae.ts'
import { encodeChecked, parseChecked } from '../store/checked-record.ts'
import type { KeyStore } from '../store/key-store.ts'
import { bytes, message, uint32 } from '../wire.ts'
import {
  type Abortable,
  addHeldHeader,
  type DataKeyHolder,
  HELD_HEADER,
  openHeldHeader,
} from './data-key-holder.ts'
import { bytesCipher, KEY_BYTES, type RecordCipher } from './record-cipher.ts'
import { openWithPassphrase, type Passphrase, type SealingOptions, sealWithPassphrase } from './sealed-box.ts'

const NONCE_BYTES = 24
const RECORD_VERSION = 1

const SealedRecord = message('SealedRecord', {
  version: uint32(1),
  nonce: bytes(2, { length: NONCE_BYTES }),
  sealed: bytes(3),
})

const RECORD_PREFIX = 'sealed-'
/** `sealing-1`, `sealing-2`, …: the data key under the first passphrase, the second, … */
const HEADER_NAME = /^sealing-([1-9][0-9]{0,8})$/
const headerName = (generation: number): string => `sealing-${generation}`

/**
 * Seals the records of any key store under a passphrase, or under a key that is held elsewhere ({@link SealedKeyStore.openHeld}).
 *
 * A passphrase opens a header record, which holds a random data key; the data key seals every record with
 * XChaCha20-Poly1305, bound to the record's name. So a change of passphrase writes one new header and nothing
 * else. Names are not sealed; those of a keyring tell its public keys.
 *
 * Invariants:
 * - The header of the highest generation counts. A new one is added beside the old, never over it, so that a
 *   crash at any moment leaves a store that opens with exactly one of the two passphrases.
 * - A header comes before the first record. Records without a header are damage, never a reason for a new key.
 *
 * @example
 * const store = await SealedKeyStore.open(new FileKeyStore('./data/keys'), passphrase)
 * const keyring = new Keyring(store)
 */
export class SealedKeyStore implements KeyStore, Disposable {
  readonly #store: KeyStore
  readonly #cipher: RecordCipher
  #locked = false

  private constructor(store: KeyStore, cipher: RecordCipher) {
    this.#store = store
    this.#cipher = cipher
  }

  /** Whether the store was sealed before: whether to ask for its passphrase, or for a new one. */
  static async isSealed(store: KeyStore): Promise<boolean> {
    const names = await store.names()
    return newestGeneration(names) > 0 || names.includes(HELD_HEADER) || names.some(isRecord)
  }

  /**
   * Opens a sealed store, or seals an empty one. It takes a third of a second and 64 MiB at the default cost,
   * twice as long the first time: what was written is read back.
   *
   * @param store where the sealed records are kept; records of other names in it are left alone
   * @throws KeysError WRONG_PASSPHRASE, CORRUPT_RECORD, UNSUPPORTED_VERSION, UNACCEPTABLE_COST or STORE_UNAVAILABLE
   * @throws TypeError for an empty passphrase
   */
  static async open(
    store: KeyStore,
    passphrase: Passphrase,
    options: SealingOptions = {},
  ): Promise<SealedKeyStore> {
    // Another process may change the passphrase meanwhile, and a listing of files may then miss both headers.
    for (let attempt = 1; attempt <= 3; attempt++) {
      const names = await store.names()
      if (names.includes(HELD_HEADER))
        throw new KeysError('WRONG_KEY', `no passphrase opens the store ${store.describe(HELD_HEADER)}`)
      const generation = newestGeneration(names)
      if (generation > 0) {
        const dataKey = await openHeader(store, generation, passphrase)
        if (dataKey === undefined) continue
        // What a killed change left. A store that can only be read still opens; the next opening tries again.
        await deleteOlder(store, names, generation).catch(() => {})
        return new SealedKeyStore(store, bytesCipher(dataKey))
      }
      if (names.some(isRecord)) continue
      const dataKey = randomBytes(KEY_BYTES)
      // Whoever adds its header first has sealed the store; the next attempt opens what stands.
      await addHeader(store, 1, passphrase, dataKey, options).catch((error: unknown) => {
        if (!(error instanceof KeysError && error.code === 'KEY_EXISTS')) throw error
      })
      dataKey.fill(0)
    }
    const where = store.describe(headerName(1))
    throw new KeysError('CORRUPT_RECORD', `the store has sealed records, but no header such as ${where}`)
  }

  /**
   * Opens a store that is sealed under a key held elsewhere, or seals an empty one so: by a non-extractable
   * WebCrypto key or the keychain of the operating system. Nobody is asked for anything.
   *
   * @param store where the sealed records are kept; records of other names in it are left alone
   * @param holder what keeps the key
   * @param options aborting ends the waiting for a person who is asked to unlock the keychain, and leaves at most a
   * key that nothing was sealed under
   * @throws KeysError MISSING_KEY when the holder does not have the key any more, WRONG_KEY when it has another or
   * the store is under a passphrase, KEY_HOLDER_UNAVAILABLE, CORRUPT_RECORD, UNSUPPORTED_VERSION, STORE_UNAVAILABLE
   */
  static async openHeld(
    store: KeyStore,
    holder: DataKeyHolder,
    options: Abortable = {},
  ): Promise<SealedKeyStore> {
    for (let attempt = 1; attempt <= 2; attempt++) {
      const header = await store.read(HELD_HEADER)
      if (header !== undefined)
        return new SealedKeyStore(store, await openHeldHeader(store, header, holder, options))
      const names = await store.names()
      if (newestGeneration(names) > 0)
        throw new KeysError('WRONG_KEY', `the store is under a passphrase: ${store.describe(headerName(1))}`)
      // Another may have sealed the store since the header was looked for; the next attempt sees it.
      if (names.some(isRecord)) continue
      await addHeldHeader(store, holder, options).catch((error: unknown) => {
        if (!(error instanceof KeysError && error.code === 'KEY_EXISTS')) throw error
      })
    }
    const where = store.describe(HELD_HEADER)
    throw new KeysError('CORRUPT_RECORD', `the store has sealed records, but no header ${where}`)
  }

  /**
   * Lets another passphrase open the store. No record is rewritten, and stores that are open stay open. It
   * happens with the one write of a new header: before, and after a crash before, the current passphrase opens
   * the store; from then on the next one does.
   *
   * Whoever had the old passphrase and a copy of the files still has what the copy holds, and the data key.
   *
   * @throws KeysError WRONG_PASSPHRASE for `current`; KEY_EXISTS when another process changes it just now;
   * STORE_LOCKED; STORE_UNAVAILABLE, where the message says so if only the old header could not be removed
   */
  async changePassphrase(current: Passphrase, next: Passphrase, options: SealingOptions = {}): Promise<void> {
    this.#refuseLocked()
    const names = await this.#store.names()
    if (names.includes(HELD_HEADER)) throw new TypeError('this store is not under a passphrase')
    const generation = newestGeneration(names)
    const dataKey = generation > 0 ? await openHeader(this.#store, generation, current) : undefined
    if (dataKey === undefined) throw new KeysError('CORRUPT_RECORD', 'the header of the sealed store is gone')
    try {
      await addHeader(this.#store, generation + 1, next, dataKey, options)
    } finally {
      dataKey.fill(0)
    }
    await deleteOlder(this.#store, names, generation + 1).catch((cause: unknown) => {
      const where = this.#store.describe(headerName(generation))
      throw new KeysError(
        'STORE_UNAVAILABLE',
        `the passphrase was changed, but the old header ${where} could not be removed`,
        { cause },
      )
    })
  }

  /**
   * Wipes the data key from memory; from then on every call is refused with STORE_LOCKED. A keyring keeps what it
   * has signed with: call its `forget`, too.
   */
  lock(): void {
    this.#locked = true
    this.#cipher.wipe()
  }

  [Symbol.dispose](): void {
    this.lock()
  }

  async names(): Promise<string[]> {
    this.#refuseLocked()
    return (await this.#store.names()).filter(isRecord).map((name) => name.slice(RECORD_PREFIX.length))
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    this.#refuseLocked()
    const stored = await this.#store.read(RECORD_PREFIX + name)
    if (stored === undefined) return undefined
    const what = `sealed record ${this.describe(name)}`
    const { nonce, sealed } = parseChecked(SealedRecord, RECORD_VERSION, stored, what)
    return this.#cipher.open(nonce, associatedData(name), sealed, what)
  }

  async add(name: string, record: Uint8Array): Promise<void> {
    const nonce = randomBytes(NONCE_BYTES)
    const sealed = await this.#cipher.seal(nonce, associatedData(name), record)
    await this.#store.add(
      RECORD_PREFIX + name,
      encodeChecked(SealedRecord, { version: RECORD_VERSION, nonce, sealed }),
    )
  }

  async delete(name: string): Promise<void> {
    this.#refuseLocked()
    await this.#store.delete(RECORD_PREFIX + name)
  }

  describe(name: string): string {
    return this.#store.describe(RECORD_PREFIX + name)
  }

  #refuseLocked(): void {
    if (this.#locked) throw new KeysError('STORE_LOCKED', 'the sealed key store is locked')
  }
}

const isRecord = (name: string): boolean => name.startsWith(RECORD_PREFIX)
const associatedData = (name: string): Uint8Array => pae('vestibule sealed record v1', name)
const headerPurpose = (generation: number): string => `data key ${headerName(generation)}`
const generationOf = (name: string): number => Number(HEADER_NAME.exec(name)?.[1] ?? 0)
const newestGeneration = (names: readonly string[]): number => Math.max(0, ...names.map(generationOf))

async function addHeader(
  store: KeyStore,
  generation: number,
  passphrase: Passphrase,
  dataKey: Uint8Array,
  options: SealingOptions,
): Promise<void> {
  const header = await sealWithPassphrase(passphrase, dataKey, headerPurpose(generation), options)
  await store.add(headerName(generation), header)
}

/** The data key, or `undefined` when the header is not there any more. */
async function openHeader(
  store: KeyStore,
  generation: number,
  passphrase: Passphrase,
): Promise<Uint8Array | undefined> {
  const name = headerName(generation)
  const stored = await store.read(name)
  if (stored === undefined) return undefined
  const what = `header of the sealed store ${store.describe(name)}`
  const dataKey = await openWithPassphrase(passphrase, stored, headerPurpose(generation), what)
  if (dataKey.length !== KEY_BYTES) throw new KeysError('CORRUPT_RECORD', `the ${what} holds no key`)
  return dataKey
}

async function deleteOlder(store: KeyStore, names: readonly string[], newest: number): Promise<void> {
  for (const name of names) {
    const generation = generationOf(name)
    if (generation > 0 && generation < newest) await store.delete(name)
  }
}
