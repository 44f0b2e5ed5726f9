import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Keyring, type KeyStore, MemoryKeyStore, PublicKey, SealedKeyStore } from '../../src/index.ts'
import { FileKeyStore, type KeychainEntry, KeychainKeyHolder } from '../../src/node.ts'
import { fakeKeychain } from '../stores/fake-keychain.ts'
import { expectNoLeaks } from './canaries.ts'
import { nodeCanaries } from './node-canaries.ts'

const { watch, leaksOf } = nodeCanaries()
const seed = crypto.getRandomValues(new Uint8Array(32))
const { secrets, load } = fakeKeychain()
const holder = new KeychainKeyHolder('canary', load)
const other = PublicKey.from(new Uint8Array(32).fill(3))

let folder: string
let sealed: SealedKeyStore
let keyring: Keyring
let key: PublicKey

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-canary-'))
  sealed = await SealedKeyStore.openHeld(new FileKeyStore(folder), holder)
  keyring = new Keyring(sealed)
  key = await keyring.importKey(seed)
  await keyring.sign(key, seed.slice(0, 1))
  watch('seed', seed)
  for (const held of secrets.values()) watch('data key', Uint8Array.from(held))
})

/** A keychain that gives this for the secret, or throws. */
const giving = (getSecret: KeychainEntry['getSecret']) => {
  class AsyncEntry {
    getSecret = getSecret
    setSecret = () => Promise.reject(new Error('the keychain is locked'))
    deleteCredential = () => Promise.reject(new Error('the keychain is locked'))
  }
  return new KeychainKeyHolder('canary', async () => ({ AsyncEntry }))
}

/** The store of the test with one record damaged. */
async function damaged(name: string): Promise<KeyStore> {
  const [from, to] = [new FileKeyStore(folder), new MemoryKeyStore()]
  for (const one of await from.names()) {
    const record = (await from.read(one)) as Uint8Array
    await to.add(one, one === name ? record.with(30, (record[30] as number) ^ 1) : record)
  }
  return to
}

describe('no secret of a store whose key a keychain holds is shown', () => {
  test('by what holds them', async () => {
    const [cipher, again] = [await holder.create('1'), await holder.read('1')]
    watch('another data key', Uint8Array.from(secrets.get('canary/1') ?? []))
    for (const shown of [holder, sealed, keyring, cipher, again, { deep: [{ holder, sealed, cipher }] }])
      expect(leaksOf(shown)).toEqual([])
    cipher.wipe()
    await holder.delete('1')
  })

  test('by its files', async () => {
    const files = await readdir(folder)
    expect(files.length).toBeGreaterThan(1)
    for (const file of files) expect(leaksOf(new Uint8Array(await readFile(join(folder, file))))).toEqual([])
  })

  test('by any error, or on the console', async () => {
    const locked = await SealedKeyStore.openHeld(new FileKeyStore(folder), holder)
    locked.lock()
    const [held] = [...secrets.values()] as [number[]]
    const open = (store: KeyStore, by = holder) => SealedKeyStore.openHeld(store, by)
    const name = `sealed-ed25519-${key.toHex()}`
    const by = (getSecret: KeychainEntry['getSecret'], store: KeyStore = new FileKeyStore(folder)) =>
      open(store, giving(getSecret))
    await expectNoLeaks(leaksOf, [
      ['a locked keychain', 'KEY_HOLDER_UNAVAILABLE', () => by(() => Promise.reject(new Error('locked')))],
      ['one for a new key', 'KEY_HOLDER_UNAVAILABLE', () => by(async () => null, new MemoryKeyStore())],
      ['a key that is gone', 'MISSING_KEY', () => by(async () => null)],
      ['a key that is cut', 'WRONG_KEY', () => by(async () => held.slice(1))],
      ['another key', 'WRONG_KEY', () => by(async () => held.with(31, 0))],
      ['a key that is there already', 'KEY_EXISTS', () => giving(async () => held).create('1')],
      ['a damaged header', 'CORRUPT_RECORD', async () => open(await damaged('sealing-held'))],
      [
        'a damaged record',
        'CORRUPT_RECORD',
        async () => new Keyring(await open(await damaged(name))).sign(key, seed),
      ],
      ['a passphrase', 'WRONG_KEY', () => SealedKeyStore.open(new FileKeyStore(folder), 'passphrase')],
      ['a key that is not held', 'KEY_NOT_FOUND', () => keyring.sign(other, seed)],
      ['a key in a locked store', 'STORE_LOCKED', () => new Keyring(locked).importKey(seed)],
    ])
  })
})
