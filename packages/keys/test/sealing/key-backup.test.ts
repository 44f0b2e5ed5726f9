import { sha256 } from '@noble/hashes/sha2.js'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  Keyring,
  type KeyStore,
  KeysError,
  MemoryKeyStore,
  type PublicKey,
  SealedKeyStore,
  verifySignature,
} from '../../src/index.ts'
import { openWithPassphrase, sealWithPassphrase } from '../../src/sealing/sealed-box.ts'
import { encodeKeyRecord, keyRecordName, parseKeyRecord } from '../../src/store/key-store.ts'
import { bytes, message, repeated } from '../../src/wire.ts'
import { headerBytes } from './sealed-header.ts'

const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected
const hello = new TextEncoder().encode('hello')
const Content = message('Content', { keys: repeated(bytes(1), { max: 100 }) })
const contentOf = async (file: Uint8Array) =>
  Content.parse(await openWithPassphrase('secret', file, 'key backup v1', 'backup')).keys

/** A keyring of two signing keys and one for agreement, and its backup. */
async function example(store: KeyStore = new MemoryKeyStore()) {
  const keyring = new Keyring(store)
  const keys = [await keyring.createKey(), await keyring.createKey()] as [PublicKey, PublicKey]
  const agreement = await keyring.createAgreementKey()
  return { store, keyring, keys, agreement, file: await keyring.exportBackup('secret', { cost }) }
}

/** A store that refuses its n-th write, counted from 1. */
function failingAt(inner: KeyStore, write: number): KeyStore {
  return {
    names: () => inner.names(),
    read: (name) => inner.read(name),
    delete: (name) => inner.delete(name),
    describe: (name) => inner.describe(name),
    add: async (name, record) => {
      if (--write === 0) throw new KeysError('STORE_UNAVAILABLE', 'full')
      await inner.add(name, record)
    },
  }
}

afterEach(() => vi.restoreAllMocks())

describe('backup of a keyring', () => {
  test('an empty keyring that imports it signs and agrees like the first', async () => {
    const { keyring, keys, agreement, file } = await example()
    const other = new Keyring()
    const seen: PublicKey[] = []
    other.onKeyAdded((key) => seen.push(key))
    expect(new Set(await other.importBackup(file, 'secret'))).toEqual(new Set(keys))
    expect(new Set(seen)).toEqual(new Set(keys))
    expect(await verifySignature(keys[0], hello, await other.sign(keys[0], hello))).toBe(true)
    const peer = await keyring.createAgreementKey()
    expect(await other.agree(agreement, peer)).toEqual(await keyring.agree(agreement, peer))
  })

  test('goes from open files into a sealed store and back', async () => {
    const { keys, file } = await example()
    const sealed = new Keyring(await SealedKeyStore.open(new MemoryKeyStore(), 'other', { cost }))
    await sealed.importBackup(file, 'secret')
    const again = new Keyring()
    await again.importBackup(await sealed.exportBackup('third', { cost }), 'third')
    expect(new Set(await again.list())).toEqual(new Set(keys))
  })

  test('importing twice changes nothing', async () => {
    const { store, file } = await example()
    const names = await store.names()
    expect(await new Keyring(store).importBackup(file, 'secret')).toEqual([])
    expect(await store.names()).toEqual(names)
  })

  test('an empty keyring has a backup, too', async () => {
    const file = await new Keyring().exportBackup('secret', { cost })
    expect(await new Keyring().importBackup(file, 'secret')).toEqual([])
  })

  test('a wrong passphrase is told from a damaged file, at every byte of it', async () => {
    const { file } = await example()
    const store = new MemoryKeyStore()
    const keyring = new Keyring(store)
    await expect(keyring.importBackup(file, 'Secret')).rejects.toSatisfy(code('WRONG_PASSPHRASE'))
    for (let at = 0; at < file.length; at++) {
      const importing = keyring.importBackup(file.with(at, (file[at] as number) ^ 4), 'secret')
      await expect(importing, `byte ${at}`).rejects.toSatisfy(code('CORRUPT_RECORD'))
    }
    for (const length of [0, 7, 8, 9, file.length - 1]) {
      const importing = keyring.importBackup(file.slice(0, length), 'secret')
      await expect(importing, `cut at ${length}`).rejects.toSatisfy(code('CORRUPT_RECORD'))
    }
    expect(await store.names()).toEqual([])
  })

  test('a forged file can’t ask for gigabytes, nor be of the next version', async () => {
    const header = headerBytes.parse((await example()).file)
    const keyring = new Keyring()
    const costly = headerBytes.encode({ ...header, memoryKib: 0xffff_ffff })
    await expect(keyring.importBackup(costly, 'secret')).rejects.toSatisfy(code('UNACCEPTABLE_COST'))
    const newer = headerBytes.encode({ ...header, version: 2 })
    await expect(keyring.importBackup(newer, 'secret')).rejects.toSatisfy(code('UNSUPPORTED_VERSION'))
    const changed = headerBytes.encode({
      ...header,
      sealed: header.sealed.with(0, 1 ^ (header.sealed[0] ?? 0)),
    })
    await expect(keyring.importBackup(changed, 'secret')).rejects.toSatisfy(code('CORRUPT_RECORD'))
  })

  test('the header of a sealed store is no backup, whatever its passphrase', async () => {
    const store = new MemoryKeyStore()
    await SealedKeyStore.open(store, 'secret', { cost })
    const header = (await store.read('sealing-1')) as Uint8Array
    await expect(new Keyring().importBackup(header, 'secret')).rejects.toSatisfy(code('CORRUPT_RECORD'))
  })

  test('content that is no list of key pairs is refused as a whole', async () => {
    const { file } = await example()
    const good = await contentOf(file)
    const publicKey = sha256(hello)
    const secretKey = sha256(publicKey)
    const seal = (content: Uint8Array) => sealWithPassphrase('secret', content, 'key backup v1', { cost })
    for (const bad of [
      encodeKeyRecord({ algorithm: 'ED25519', publicKey, secretKey }),
      encodeKeyRecord({ algorithm: 'X25519', publicKey, secretKey }),
      encodeKeyRecord({ algorithm: 'NONE', publicKey, secretKey }),
      new Uint8Array(40),
      new Uint8Array(300),
    ]) {
      const store = new MemoryKeyStore()
      const importing = new Keyring(store).importBackup(
        await seal(Content.encode({ keys: [...good, bad] })),
        'secret',
      )
      await expect(importing).rejects.toSatisfy(code('CORRUPT_RECORD'))
      expect(await store.names()).toEqual([])
    }
    const garbage = new Keyring().importBackup(await seal(hello), 'secret')
    await expect(garbage).rejects.toSatisfy(code('CORRUPT_RECORD'))
  })

  test('a store that fails at any write keeps what it had, and nothing of the backup', async () => {
    const { file } = await example()
    for (const write of [1, 2, 3]) {
      const inner = new MemoryKeyStore()
      const own = await new Keyring(inner).createKey()
      const importing = new Keyring(failingAt(inner, write)).importBackup(file, 'secret')
      await expect(importing).rejects.toSatisfy(code('STORE_UNAVAILABLE'))
      expect(await inner.names()).toEqual([`ed25519-${own.toHex()}`])
    }
  })

  test('what a killed import left is completed by the next one', async () => {
    const { file, keys } = await example()
    const store = new MemoryKeyStore()
    const [first] = [...keys].map((key) => key.toHex()).sort()
    await store.add(`ed25519-${first}`, (await contentOf(file))[0] as Uint8Array)
    expect(await new Keyring(store).importBackup(file, 'secret')).toHaveLength(1)
    expect(await store.names()).toHaveLength(3)
  })

  test('a damaged key is never overwritten, and stops import and export before they write', async () => {
    const { file, keys } = await example()
    const store = new MemoryKeyStore()
    const name = keyRecordName({ algorithm: 'ED25519', publicKey: keys[1].toBytes() })
    await store.add(name, new Uint8Array([1, 2, 3]))
    const refused = (e: unknown) =>
      code('CORRUPT_RECORD')(e) && (e as Error).message.includes(`memory:${name}`)
    await expect(new Keyring(store).importBackup(file, 'secret')).rejects.toSatisfy(refused)
    await expect(new Keyring(store).exportBackup('secret', { cost })).rejects.toSatisfy(refused)
    expect(await store.names()).toEqual([name])
    expect(await store.read(name)).toEqual(new Uint8Array([1, 2, 3]))
  })

  test('a key that another import adds meanwhile is theirs, and stays when this import fails', async () => {
    const { file } = await example()
    const inner = new MemoryKeyStore()
    const [first] = (await contentOf(file)).map((stored) => keyRecordName(parseKeyRecord(stored, 'here')))
    /** The other import comes between this one's look and its first write. */
    const overtaken = (store: KeyStore): KeyStore => ({
      names: () => store.names(),
      read: (name) => store.read(name),
      delete: (name) => store.delete(name),
      describe: (name) => store.describe(name),
      add: async (name, record) => {
        if (name === first) await inner.add(name, record)
        await store.add(name, record)
      },
    })
    const failing = new Keyring(overtaken(failingAt(inner, 3))).importBackup(file, 'secret')
    await expect(failing).rejects.toSatisfy(code('STORE_UNAVAILABLE'))
    expect(await inner.names()).toEqual([first])
    await inner.delete(first as string)
    expect(await new Keyring(overtaken(inner)).importBackup(file, 'secret')).toHaveLength(1)
    expect(await inner.names()).toHaveLength(3)
  })

  test('needs a passphrase and an allowed cost', async () => {
    await expect(new Keyring().exportBackup('')).rejects.toThrow(TypeError)
    const free = { cost: { ...cost, memoryKib: 8 } }
    await expect(new Keyring().exportBackup('secret', free)).rejects.toThrow(TypeError)
  })
})
