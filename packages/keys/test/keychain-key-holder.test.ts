import { describe, expect, test } from 'vitest'
import { KeysError, MemoryKeyStore, SealedKeyStore } from '../src/index.ts'
import { KeychainKeyHolder } from '../src/node.ts'
import { keyStoreSuite } from '../src/testing.ts'

const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected

/** The part of `@napi-rs/keyring` that is used, in memory. */
function fakeKeychain(secrets = new Map<string, number[]>()) {
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
  return { secrets, load: async () => ({ AsyncEntry }) as never }
}

keyStoreSuite('sealed under a key of the keychain', async () => {
  const [inner, { load }] = [new MemoryKeyStore(), fakeKeychain()]
  const open = () => SealedKeyStore.openHeld(inner, new KeychainKeyHolder('test', load))
  return { store: await open(), reopen: open }
})

describe('KeychainKeyHolder', () => {
  test('a lost key and another key are different errors', async () => {
    const [inner, { secrets, load }] = [new MemoryKeyStore(), fakeKeychain()]
    const open = () => SealedKeyStore.openHeld(inner, new KeychainKeyHolder('test', load))
    await open()
    const [at] = [...secrets.keys()] as [string]
    for (const other of [[1, 2, 3], Array.from({ length: 32 }, () => 7)]) {
      secrets.set(at, other)
      await expect(open()).rejects.toSatisfy(code('WRONG_KEY'))
    }
    secrets.clear()
    await expect(open()).rejects.toSatisfy(code('MISSING_KEY'))
    expect(secrets.size).toBe(0)
  })

  test('of two that seal a store at once both open with the key that stands, and no other is left', async () => {
    const [inner, { secrets, load }] = [new MemoryKeyStore(), fakeKeychain()]
    const open = () => SealedKeyStore.openHeld(inner, new KeychainKeyHolder('test', load))
    const [one, two] = await Promise.all([open(), open()])
    await one.add('a', new Uint8Array([1]))
    expect(await two.read('a')).toEqual(new Uint8Array([1]))
    expect(secrets.size).toBe(1)
  })

  test('a package that is not installed and a keychain that refuses are KEY_HOLDER_UNAVAILABLE', async () => {
    const refusing = class {
      setSecret = () => Promise.reject(new Error("Couldn't access platform storage: AccessDenied"))
    }
    const loads = [
      () => Promise.reject(new Error('Cannot find package')),
      async () => ({ AsyncEntry: refusing }) as never,
    ]
    for (const load of loads) {
      const inner = new MemoryKeyStore()
      const opening = SealedKeyStore.openHeld(inner, new KeychainKeyHolder('test', load))
      await expect(opening).rejects.toSatisfy(code('KEY_HOLDER_UNAVAILABLE'))
      expect(await inner.names()).toEqual([])
    }
  })
})
