import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type KeyStore, KeysError, MemoryKeyStore, SealedKeyStore } from '../../src/index.ts'
import { FileKeyStore, KeychainKeyHolder } from '../../src/node.ts'
import { dataKeyHolderSuite, keyStoreSuite } from '../../src/testing.ts'
import { secretServicePrograms } from '../machine.ts'
import { fakeKeychain } from './fake-keychain.ts'
import { type SecretService, startSecretService } from './secret-service.ts'

const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected

dataKeyHolderSuite('keychain', async () => {
  const { load } = fakeKeychain()
  const open = () => new KeychainKeyHolder('test', load)
  return { holder: open(), reopen: async () => open() }
})

keyStoreSuite('memory sealed under a key of the keychain', async () => {
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

  test('killed before or after the header is written, a store opens with the key that its header names', async () => {
    for (const written of [false, true]) {
      const [inner, { load }] = [new MemoryKeyStore(), fakeKeychain()]
      const open = (store: KeyStore) => SealedKeyStore.openHeld(store, new KeychainKeyHolder('test', load))
      const killed: KeyStore = {
        names: () => inner.names(),
        read: (name) => inner.read(name),
        add: async (name, header) => {
          if (written) await inner.add(name, header)
          throw new KeysError('STORE_UNAVAILABLE', 'killed')
        },
        delete: (name) => inner.delete(name),
        describe: (name) => inner.describe(name),
      }
      await expect(open(killed)).rejects.toSatisfy(code('STORE_UNAVAILABLE'))
      await (await open(inner)).add('a', Uint8Array.of(1))
      expect(await (await open(inner)).read('a')).toEqual(Uint8Array.of(1))
    }
  })

  test('a keychain that refuses is KEY_HOLDER_UNAVAILABLE with its cause, and nothing was sealed', async () => {
    const locked = new Error("Couldn't access platform storage: the collection is locked")
    class Locked {
      getSecret = () => Promise.reject(locked)
      setSecret = () => Promise.reject(locked)
      deleteCredential = () => Promise.reject(locked)
    }
    class NotThere extends Locked {
      constructor() {
        super()
        throw locked
      }
    }
    for (const AsyncEntry of [Locked, NotThere]) {
      const inner = new MemoryKeyStore()
      const holder = new KeychainKeyHolder('test', async () => ({ AsyncEntry }))
      const refused = (e: unknown) => code('KEY_HOLDER_UNAVAILABLE')(e) && (e as Error).cause === locked
      await expect(SealedKeyStore.openHeld(inner, holder)).rejects.toSatisfy(refused)
      await expect(holder.read('id')).rejects.toSatisfy(refused)
      await expect(holder.delete('id')).rejects.toSatisfy(refused)
      expect(await inner.names()).toEqual([])
    }
  })

  test('aborting ends the waiting for a person who does not unlock the keychain', async () => {
    class Asking {
      getSecret = () => new Promise<never>(() => {})
      setSecret = () => new Promise<never>(() => {})
      deleteCredential = () => new Promise<never>(() => {})
    }
    const holder = new KeychainKeyHolder('test', async () => ({ AsyncEntry: Asking }))
    const inner = new MemoryKeyStore()
    const controller = new AbortController()
    const opening = SealedKeyStore.openHeld(inner, holder, { signal: controller.signal })
    setImmediate(() => controller.abort('away'))
    await expect(opening).rejects.toBe('away')
    expect(await inner.names()).toEqual([])
  })

  test('a locked keychain is told from a lost key, and the store opens once it is unlocked', async () => {
    const [inner, { load }] = [new MemoryKeyStore(), fakeKeychain()]
    await (await SealedKeyStore.openHeld(inner, new KeychainKeyHolder('test', load))).add(
      'a',
      Uint8Array.of(1),
    )
    const { AsyncEntry } = await load()
    class Locked extends AsyncEntry {
      override getSecret = () => Promise.reject(new Error('locked'))
    }
    const locked = new KeychainKeyHolder('test', async () => ({ AsyncEntry: Locked }))
    await expect(SealedKeyStore.openHeld(inner, locked)).rejects.toSatisfy(code('KEY_HOLDER_UNAVAILABLE'))
    const store = await SealedKeyStore.openHeld(inner, new KeychainKeyHolder('test', load))
    expect(await store.read('a')).toEqual(Uint8Array.of(1))
  })
})

describe('without the optional package', () => {
  test('the keychain is KEY_HOLDER_UNAVAILABLE with its cause', async () => {
    vi.doMock('@napi-rs/keyring', () => {
      throw new Error('Cannot find package')
    })
    const opening = SealedKeyStore.openHeld(new MemoryKeyStore(), new KeychainKeyHolder('test'))
    await expect(opening).rejects.toSatisfy(
      (e) => code('KEY_HOLDER_UNAVAILABLE')(e) && (e as Error).cause instanceof Error,
    )
    vi.doUnmock('@napi-rs/keyring')
  })
})

const programs = secretServicePrograms()
if (programs !== undefined) {
  let service: SecretService
  beforeAll(async () => {
    service = await startSecretService(programs)
  })
  afterAll(() => service[Symbol.asyncDispose]())

  dataKeyHolderSuite('a real Secret Service', async () => {
    const name = randomUUID()
    return { holder: new KeychainKeyHolder(name), reopen: async () => new KeychainKeyHolder(name) }
  })

  keyStoreSuite('files sealed under a key of a real Secret Service', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'vestibule-held-')), 'keys')
    const holder = new KeychainKeyHolder(randomUUID())
    const open = () => SealedKeyStore.openHeld(new FileKeyStore(folder), holder)
    return { store: await open(), reopen: open }
  })

  describe('a real Secret Service', () => {
    test('once it is locked it is KEY_HOLDER_UNAVAILABLE, and no lost key', async () => {
      const [inner, holder] = [new MemoryKeyStore(), new KeychainKeyHolder(randomUUID())]
      await SealedKeyStore.openHeld(inner, holder)
      await service.lock()
      await expect(SealedKeyStore.openHeld(inner, holder)).rejects.toSatisfy(code('KEY_HOLDER_UNAVAILABLE'))
    })
  })
}
