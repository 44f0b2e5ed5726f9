import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  entropyToRecoveryPhrase,
  Keyring,
  type KeyStore,
  MemoryKeyStore,
  PublicKey,
  parseRecoveryPhrase,
  recoveryKeyFromPhrase,
  SealedKeyStore,
} from '../../src/index.ts'
import { openWithPassphrase } from '../../src/sealing/sealed-box.ts'
import { encodeKeyRecord } from '../../src/store/key-store.ts'
import { expectSilence, thrownBy } from './canaries.ts'
import { nodeCanaries } from './node-canaries.ts'

const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const passphrase = 'canary-passphrase-5f3a'
const nextPassphrase = 'canary-successor-91bc'
const seed = crypto.getRandomValues(new Uint8Array(32))
/** A fixed one, because some words of the list are words of our messages, too. */
const phrase = entropyToRecoveryPhrase(sha256(new TextEncoder().encode('canary')))

const { watch, leaksOf } = nodeCanaries()

let inner: KeyStore
let sealed: SealedKeyStore
let keyring: Keyring
let key: PublicKey

beforeAll(async () => {
  inner = new MemoryKeyStore()
  sealed = await SealedKeyStore.open(inner, passphrase, { cost })
  keyring = new Keyring(sealed)
  key = await keyring.importKey(seed)
  await keyring.sign(key, seed.slice(0, 1))
  const header = (await inner.read('sealing-1')) as Uint8Array
  watch('seed', seed)
  watch('passphrase', passphrase)
  watch('next passphrase', nextPassphrase)
  watch('phrase', phrase.unwrap())
  watch('entropy', parseRecoveryPhrase(phrase).unwrap())
  watch('recovery key', (await recoveryKeyFromPhrase(phrase)).unwrap())
  watch('data key', await openWithPassphrase(passphrase, header, 'data key sealing-1', 'header'))
})

afterEach(() => vi.unstubAllGlobals())

describe('no secret is shown', () => {
  test('the test would notice each of them, however it is printed', () => {
    expect(leaksOf(new Uint8Array(seed))).not.toEqual([])
    expect(leaksOf({ deep: [{ key: Buffer.from(seed) }] })).not.toEqual([])
    expect(leaksOf(new Map([['a', { b: bytesToHex(seed) }]]))).not.toEqual([])
    expect(leaksOf(new Error('outer', { cause: new Error(passphrase) }))).not.toEqual([])
    expect(leaksOf(Object.defineProperty({}, 'hidden', { value: phrase.unwrap() }))).not.toEqual([])
    const decoy = new Error('no')
    decoy.stack = `at ${nextPassphrase}`
    expect(leaksOf(decoy)).not.toEqual([])
    expect(leaksOf('nothing')).toEqual([])
  })

  test('by what holds them', async () => {
    const seedOfPhrase = await recoveryKeyFromPhrase(phrase)
    const holders = [
      keyring,
      sealed,
      inner,
      key,
      phrase,
      seedOfPhrase,
      parseRecoveryPhrase(phrase),
      { nested: [{ keyring, sealed, phrase, seedOfPhrase }] },
      new MemoryKeyStore(),
    ]
    for (const holder of holders) expect(leaksOf(holder)).toEqual([])
    const open = new MemoryKeyStore()
    await new Keyring(open).importKey(seed)
    expect(leaksOf(open)).toEqual([])
    expect(leaksOf(new Keyring(open))).toEqual([])
  })

  test('by what is stored under a passphrase', async () => {
    const backup = await keyring.exportBackup(passphrase, { cost })
    expect(leaksOf(backup)).toEqual([])
    for (const name of await inner.names()) expect(leaksOf(await inner.read(name))).toEqual([])
  })

  test('by any error, or on the console', async () => {
    const backup = await keyring.exportBackup(passphrase, { cost })
    const damaged = backup.with(100, (backup[100] as number) ^ 1)
    const words = phrase.unwrap().split(' ')
    const other = PublicKey.from(new Uint8Array(32).fill(3))
    const broken = new MemoryKeyStore()
    const record = encodeKeyRecord({ algorithm: 'ED25519', publicKey: key.toBytes(), secretKey: seed })
    await broken.add(`ed25519-${key.toHex()}`, record.with(3, (record[3] as number) ^ 1))
    const misfiled = new MemoryKeyStore()
    await misfiled.add(`ed25519-${other.toHex()}`, record)
    const full: KeyStore = {
      names: async () => [],
      read: async () => undefined,
      add: () => Promise.reject(new Error('full')),
      delete: async () => {},
      describe: (name) => name,
    }
    const locked = await SealedKeyStore.open(inner, passphrase)
    locked.lock()
    const acts: [string, () => unknown][] = [
      ['a key that is not held', () => keyring.sign(other, seed)],
      ['a damaged key', () => new Keyring(broken).sign(key, seed)],
      ['a key under another’s name', () => new Keyring(misfiled).sign(other, seed)],
      ['a backup of a damaged key', () => new Keyring(broken).exportBackup(passphrase, { cost })],
      ['a seed of the wrong length', () => keyring.importKey(seed.slice(0, 31))],
      ['a store that is full', () => new Keyring(full).importKey(seed)],
      ['sealing a store that is full', () => SealedKeyStore.open(full, passphrase, { cost })],
      ['a wrong passphrase', () => SealedKeyStore.open(inner, nextPassphrase)],
      ['a change with the wrong passphrase', () => sealed.changePassphrase(nextPassphrase, passphrase)],
      ['a locked store', () => locked.changePassphrase(passphrase, nextPassphrase)],
      ['a key in a locked store', () => new Keyring(locked).importKey(seed)],
      ['a cost out of bounds', () => keyring.exportBackup(passphrase, { cost: { ...cost, lanes: 99 } })],
      ['a passphrase of the wrong type', () => keyring.exportBackup([passphrase] as never)],
      ['a wrong passphrase for a backup', () => keyring.importBackup(backup, nextPassphrase)],
      ['a damaged backup', () => keyring.importBackup(damaged, passphrase)],
      ['a seed that is no backup', () => keyring.importBackup(seed, passphrase)],
      ['a backup into a store that is full', () => new Keyring(full).importBackup(backup, passphrase)],
      ['a phrase that is cut', () => parseRecoveryPhrase(words.slice(1).join(' '))],
      ['a phrase with a slip', () => parseRecoveryPhrase(words.with(0, `${words[0]}x`).join(' '))],
      ['a phrase that does not fit', () => recoveryKeyFromPhrase(swapped(words))],
      ['entropy of the wrong length', () => entropyToRecoveryPhrase(seed.slice(1))],
      ['a phrase as bytes', () => parseRecoveryPhrase(seed as never)],
      ['a seed taken for a public key', () => PublicKey.from(seed.slice(1))],
      ['the hex of a seed with a slip', () => PublicKey.from(`${bytesToHex(seed)}x`)],
      ['a phrase taken for a public key', () => PublicKey.from(phrase.unwrap())],
      ['its first words', () => PublicKey.from(words.slice(0, 2).join(' '))],
      ['a passphrase taken for a public key', () => PublicKey.from(passphrase)],
    ]
    await expectSilence(async () => {
      for (const [what, act] of acts) {
        const error = await thrownBy(act)
        expect(error, what).toBeInstanceOf(Error)
        expect(leaksOf(error), what).toEqual([])
        const quoted = words.filter((word) => new RegExp(`\\b${word}\\b`).test(String(error)))
        expect(quoted, what).toEqual([])
      }
    })
  })

  test('by a promise that waits, or a closure that signs', async () => {
    const signing = keyring.sign(key, seed.slice(0, 1))
    const opening = SealedKeyStore.open(inner, passphrase)
    expect(leaksOf(signing)).toEqual([])
    expect(leaksOf(opening)).toEqual([])
    await Promise.all([signing, opening])
  })

  test('by what was derived without node:crypto', async () => {
    const getBuiltinModule = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
    const portable = new Keyring()
    const imported = await portable.importKey(seed)
    await portable.sign(imported, seed.slice(0, 1))
    expect(leaksOf(portable)).toEqual([])
    getBuiltinModule.mockRestore()
  })
})

/** The phrase with two words exchanged, so that its checksum is wrong. */
function swapped(words: readonly string[]): string {
  for (let i = 0; i < words.length; i++)
    for (let j = i + 1; j < words.length; j++) {
      const text = words
        .with(i, words[j] as string)
        .with(j, words[i] as string)
        .join(' ')
      try {
        parseRecoveryPhrase(text)
      } catch {
        return text
      }
    }
  throw new Error('every exchange fits')
}
