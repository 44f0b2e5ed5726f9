import { randomBytes } from 'node:crypto'
import { KeysError } from '../errors.ts'
import type { Abortable, DataKeyHolder } from '../sealing/data-key-holder.ts'
import { bytesCipher, KEY_BYTES, type RecordCipher } from '../sealing/record-cipher.ts'

// Without this Linux may fall back to the kernel's keyring, which forgets everything at a restart.
const OPTIONS = { linux: { store: 'secret-service' } } as const

/** An entry of the keychain: the part of `AsyncEntry` of `@napi-rs/keyring` that is used. */
export interface KeychainEntry {
  /** The secret, or `null`; rejects when the keychain is locked or not there. */
  getSecret(): Promise<ArrayLike<number> | null>
  setSecret(secret: Uint8Array): Promise<void>
  /** Whether there was one. */
  deleteCredential(): Promise<boolean>
}

/** The part of the package `@napi-rs/keyring` that is used. */
export interface Keychain {
  readonly AsyncEntry: new (service: string, id: string, options: typeof OPTIONS) => KeychainEntry
}

/**
 * Keeps data keys in the keychain of the operating system: Keychain on macOS, Credential Manager on Windows, the
 * Secret Service (GNOME Keyring, KWallet) on Linux. Every program of the same user may be able to ask for them, and
 * the operating system may ask the user to unlock it, for which a call waits.
 *
 * It needs the optional package `@napi-rs/keyring`. Where that is not installed, the keychain stays locked, or none
 * answers (a Linux server without a desktop session), every call is refused with KEY_HOLDER_UNAVAILABLE.
 *
 * @example
 * const store = await SealedKeyStore.openHeld(new FileKeyStore('./data/keys'), new KeychainKeyHolder('my-app'))
 */
export class KeychainKeyHolder implements DataKeyHolder {
  readonly #service: string
  readonly #load: () => Promise<Keychain>

  /**
   * @param service what the keychain files the keys under: the name of the application
   * @param load gives another keychain than the operating system's
   */
  constructor(service: string, load: () => Promise<Keychain> = loadKeyring) {
    this.#service = service
    this.#load = load
  }

  async create(id: string, options: Abortable = {}): Promise<RecordCipher> {
    const bytes = new Uint8Array(randomBytes(KEY_BYTES))
    try {
      if ((await this.#ask(id, options, (entry) => entry.getSecret())) !== null)
        throw new KeysError('KEY_EXISTS', `the keychain holds something as the key ${id} already`)
      await this.#ask(id, options, (entry) => entry.setSecret(bytes))
    } catch (error) {
      bytes.fill(0)
      throw error
    }
    return bytesCipher(bytes)
  }

  async read(id: string, options: Abortable = {}): Promise<RecordCipher | undefined> {
    const held = await this.#ask(id, options, (entry) => entry.getSecret())
    if (held === null) return undefined
    if (held.length === KEY_BYTES) return bytesCipher(Uint8Array.from(held))
    throw new KeysError('WRONG_KEY', `what the keychain holds as the key ${id} is none`)
  }

  async delete(id: string, options: Abortable = {}): Promise<void> {
    await this.#ask(id, options, (entry) => entry.deleteCredential())
  }

  async #ask<T>(id: string, { signal }: Abortable, act: (entry: KeychainEntry) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const { AsyncEntry } = await this.#load()
    try {
      return await unlessAborted(act(new AsyncEntry(this.#service, id, OPTIONS)), signal)
    } catch (cause) {
      signal?.throwIfAborted()
      throw new KeysError(
        'KEY_HOLDER_UNAVAILABLE',
        'the keychain of the operating system is locked or not there',
        {
          cause,
        },
      )
    }
  }
}

/** The operating system can't be told to stop asking its user; so it is just not waited for any more. */
async function unlessAborted<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return asked
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([asked, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

// Caught right here, so that bundlers take the package for optional, too.
const loadKeyring = (): Promise<Keychain> =>
  import('@napi-rs/keyring').catch((cause: unknown) => {
    throw new KeysError('KEY_HOLDER_UNAVAILABLE', '@napi-rs/keyring is not installed for this system', {
      cause,
    })
  })
