import type { Keychain } from '../../src/node.ts'

/** The part of `@napi-rs/keyring` that is used, in memory. */
export function fakeKeychain(secrets = new Map<string, number[]>()) {
  class AsyncEntry {
    readonly #at: string
    constructor(service: string, id: string) {
      this.#at = `${service}/${id}`
    }
    async setSecret(secret: Uint8Array) {
      secrets.set(this.#at, [...secret])
    }
    async getSecret() {
      return secrets.get(this.#at) ?? null
    }
    async deleteCredential() {
      return secrets.delete(this.#at)
    }
  }
  return { secrets, load: async (): Promise<Keychain> => ({ AsyncEntry }) }
}
