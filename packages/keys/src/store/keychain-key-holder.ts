import { randomBytes } from 'node:crypto'
import { KeysError } from '../errors.ts'
import type { DataKeyHolder } from '../sealing/data-key-holder.ts'
import { bytesCipher, KEY_BYTES, type RecordCipher } from '../sealing/record-cipher.ts'

// Without this Linux may fall back to the kernel's keyring, which forgets everything at a restart.
const OPTIONS = { linux: { store: 'secret-service' } } as const

type Keychain = Pick<typeof import('@napi-rs/keyring'), 'AsyncEntry'>

/**
 * Keeps data keys in the keychain of the operating system: Keychain on macOS, Credential Manager on Windows, the
 * Secret Service (GNOME Keyring, KWallet) on Linux. Every program of the same user may be able to ask for them.
 *
 * It needs the optional package `@napi-rs/keyring`. Where that is not installed, or no keychain answers (a Linux
 * server without a desktop session), every call is refused with KEY_HOLDER_UNAVAILABLE.
 *
 * @example
 * const store = await SealedKeyStore.openHeld(new FileKeyStore('./data/keys'), new KeychainKeyHolder('my-app'))
 */
export class KeychainKeyHolder implements DataKeyHolder {
  readonly #service: string
  readonly #load: () => Promise<Keychain>

  /**
   * @param service what the keychain files the keys under: the name of the application
   * @param load gives the package; for tests
   */
  constructor(service: string, load: () => Promise<Keychain> = () => import('@napi-rs/keyring')) {
    this.#service = service
    this.#load = load
  }

  async create(id: string): Promise<RecordCipher> {
    const bytes = new Uint8Array(randomBytes(KEY_BYTES))
    await this.#ask(id, (entry) => entry.setSecret(bytes))
    return bytesCipher(bytes)
  }

  async read(id: string): Promise<RecordCipher | undefined> {
    const held = await this.#ask(id, (entry) => entry.getSecret())
    if (held === null || held === undefined) return undefined
    const bytes = Uint8Array.from(held)
    if (bytes.length === KEY_BYTES) return bytesCipher(bytes)
    throw new KeysError('WRONG_KEY', `what the keychain holds as the key ${id} is none`)
  }

  async delete(id: string): Promise<void> {
    await this.#ask(id, (entry) => entry.deleteCredential())
  }

  async #ask<T>(id: string, act: (entry: InstanceType<Keychain['AsyncEntry']>) => Promise<T>): Promise<T> {
    const { AsyncEntry } = await this.#load().catch((cause: unknown) => {
      throw new KeysError('KEY_HOLDER_UNAVAILABLE', 'the package @napi-rs/keyring is not installed', {
        cause,
      })
    })
    try {
      return await act(new AsyncEntry(this.#service, id, OPTIONS))
    } catch (cause) {
      throw new KeysError('KEY_HOLDER_UNAVAILABLE', 'the keychain of the operating system refuses', { cause })
    }
  }
}
