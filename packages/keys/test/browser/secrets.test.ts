import { Keyring, type KeyStore, MemoryKeyStore, PublicKey, SealedKeyStore } from '@vestibule/keys'
import { IndexedDbKeyStore, WebCryptoKeyHolder } from '@vestibule/keys/browser'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { canaries, expectNoLeaks, thrownBy } from '../secrets/canaries.ts'

/** The least that is allowed, so that the tests take milliseconds. */
const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const fresh = () => crypto.randomUUID()
const { watch, leaksOf } = canaries((value) => everyProperty(value))

/** Every property that a script can reach, getters and what is inherited included. */
function everyProperty(value: unknown, seen = new Set<unknown>()): string {
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join()
  if (typeof value !== 'object' || value === null || seen.has(value)) return String(value)
  seen.add(value)
  const shown: string[] =
    value instanceof Map || value instanceof Set ? [everyProperty([...value], seen)] : []
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at))
    for (const name of Reflect.ownKeys(at)) {
      try {
        shown.push(`${String(name)}: ${everyProperty(Reflect.get(at, name, value), seen)}`)
      } catch {
        // A getter of another object.
      }
    }
  return shown.join('\n')
}

const seed = crypto.getRandomValues(new Uint8Array(32))
const passphrase = 'canary-passphrase-77e1'
const [name, keys, underPassphrase] = [fresh(), fresh(), fresh()]
const inner = new IndexedDbKeyStore(name)
const holder = new WebCryptoKeyHolder(keys)
/** The arrays of 32 bytes that were filled at random while the store was sealed. */
const drawn: Uint8Array[] = []
let sealed: SealedKeyStore
let key: PublicKey

beforeAll(async () => {
  const random = crypto.getRandomValues.bind(crypto)
  const draw = vi.spyOn(crypto, 'getRandomValues').mockImplementation((into) => {
    const bytes = random(into)
    if (bytes instanceof Uint8Array && bytes.length === 32) {
      watch('data key', bytes)
      drawn.push(bytes)
    }
    return bytes
  })
  sealed = await SealedKeyStore.openHeld(inner, holder)
  draw.mockRestore()
  watch('seed', seed)
  watch('passphrase', passphrase)
  key = await new Keyring(sealed).importKey(seed)
  const other = await SealedKeyStore.open(new IndexedDbKeyStore(underPassphrase), passphrase, { cost })
  await new Keyring(other).importKey(seed)
})

/** All values of a database. */
async function values(database: string): Promise<unknown[]> {
  const opened = await new Promise<IDBDatabase>((resolve) => {
    const opening = indexedDB.open(database)
    opening.onsuccess = () => resolve(opening.result)
  })
  const found = await new Promise<unknown[]>((resolve) => {
    const all = opened.transaction('records').objectStore('records').getAll()
    all.onsuccess = () => resolve(all.result)
  })
  opened.close()
  return found
}

describe('no secret is shown in a browser', () => {
  test('the test would notice', () => {
    expect(leaksOf({ deep: [new Map([['a', seed.slice()]])] })).not.toEqual([])
    expect(leaksOf(new Error('outer', { cause: new Error(passphrase) }))).not.toEqual([])
    expect(leaksOf('nothing')).toEqual([])
  })

  test('by what holds them', async () => {
    const cipher = await holder.create(fresh())
    const keyring = new Keyring(sealed)
    await keyring.sign(key, seed.slice(0, 1))
    for (const shown of [
      inner,
      holder,
      sealed,
      keyring,
      cipher,
      { deep: [{ inner, holder, sealed, cipher }] },
    ])
      expect(leaksOf(shown)).toEqual([])
  })

  test('by what is stored', async () => {
    for (const database of [name, keys, underPassphrase]) {
      const stored = await values(database)
      expect(stored.length).toBeGreaterThan(0)
      expect(leaksOf(stored)).toEqual([])
    }
  })

  test('by the held key, whose bytes were wiped and which no script can export', async () => {
    expect(drawn).toHaveLength(1)
    expect(drawn[0]).toEqual(new Uint8Array(32))
    for (const held of await values(keys)) {
      expect(held).toBeInstanceOf(CryptoKey)
      for (const format of ['raw', 'jwk', 'pkcs8'] as const)
        expect(
          await thrownBy(() => crypto.subtle.exportKey(format as 'raw', held as CryptoKey)),
        ).toBeDefined()
    }
  })

  test('by any error, or on the console', async () => {
    const locked = await SealedKeyStore.openHeld(inner, holder)
    locked.lock()
    const record = (await inner.read(`sealed-ed25519-${key.toHex()}`)) as Uint8Array
    const broken = new MemoryKeyStore()
    await broken.add('sealing-held', (await inner.read('sealing-held')) as Uint8Array)
    await broken.add(`sealed-ed25519-${key.toHex()}`, record.with(40, (record[40] as number) ^ 1))
    const absent: KeyStore = new IndexedDbKeyStore(fresh())
    await expectNoLeaks(leaksOf, [
      [
        'a key that is gone',
        'MISSING_KEY',
        () => SealedKeyStore.openHeld(inner, new WebCryptoKeyHolder(fresh())),
      ],
      [
        'a damaged record',
        'CORRUPT_RECORD',
        async () => new Keyring(await SealedKeyStore.openHeld(broken, holder)).sign(key, seed),
      ],
      ['a passphrase for a held key', 'WRONG_KEY', () => SealedKeyStore.open(inner, passphrase, { cost })],
      [
        'a wrong passphrase',
        'WRONG_PASSPHRASE',
        () => SealedKeyStore.open(new IndexedDbKeyStore(underPassphrase), `${passphrase}x`),
      ],
      ['a record that is there', 'KEY_EXISTS', () => inner.add('sealing-held', seed)],
      ['a key in a locked store', 'STORE_LOCKED', () => new Keyring(locked).importKey(seed)],
      [
        'a key that is not there',
        'KEY_NOT_FOUND',
        () => new Keyring(absent).sign(PublicKey.from(key.toBytes()), seed),
      ],
    ])
  })
})
