import { type KeyStore, KeysError, MemoryKeyStore, SealedKeyStore } from '@vestibule/keys'
import { IndexedDbKeyStore, WebCryptoKeyHolder } from '@vestibule/keys/browser'
import { describe, expect, test, vi } from 'vitest'

const fresh = () => crypto.randomUUID()
const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected
/** The least that is allowed, so that the tests take milliseconds. */
const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const record = new Uint8Array([1, 2, 3])

async function overwrite(store: KeyStore, name: string, data: Uint8Array): Promise<void> {
  await store.delete(name)
  await store.add(name, data)
}

describe('a store under a non-extractable key', () => {
  test('a lost key, another key and damage are different errors, and nothing is overwritten', async () => {
    const [inner, holder] = [new MemoryKeyStore(), new WebCryptoKeyHolder(fresh())]
    const store = await SealedKeyStore.openHeld(inner, holder)
    await store.add('a', record)
    const lost = SealedKeyStore.openHeld(inner, new WebCryptoKeyHolder(fresh()))
    await expect(lost).rejects.toSatisfy(code('MISSING_KEY'))
    const other: WebCryptoKeyHolder = new WebCryptoKeyHolder(fresh())
    const swapped = { ...methods(other), read: () => other.create(fresh()) }
    await expect(SealedKeyStore.openHeld(inner, swapped)).rejects.toSatisfy(code('WRONG_KEY'))
    const sealed = (await inner.read('sealed-a')) as Uint8Array
    for (let at = 0; at < sealed.length; at++) {
      await overwrite(inner, 'sealed-a', sealed.with(at, (sealed[at] as number) ^ 1))
      await expect(store.read('a'), `byte ${at}`).rejects.toSatisfy(code('CORRUPT_RECORD'))
    }
    await overwrite(inner, 'sealed-a', sealed)
    expect(await (await SealedKeyStore.openHeld(inner, holder)).read('a')).toEqual(record)
  })

  test('a record is bound to its name', async () => {
    const inner = new MemoryKeyStore()
    const store = await SealedKeyStore.openHeld(inner, new WebCryptoKeyHolder(fresh()))
    await store.add('a', record)
    await inner.add('sealed-b', (await inner.read('sealed-a')) as Uint8Array)
    await expect(store.read('b')).rejects.toSatisfy(code('CORRUPT_RECORD'))
  })

  test('a passphrase does not open it, and a key does not open one under a passphrase', async () => {
    const [inner, holder] = [new MemoryKeyStore(), new WebCryptoKeyHolder(fresh())]
    await SealedKeyStore.openHeld(inner, holder)
    await expect(SealedKeyStore.open(inner, 'p', { cost })).rejects.toSatisfy(code('WRONG_KEY'))
    const other = new MemoryKeyStore()
    await SealedKeyStore.open(other, 'p', { cost })
    await expect(SealedKeyStore.openHeld(other, holder)).rejects.toSatisfy(code('WRONG_KEY'))
  })

  test('of two that seal it at once both open with the one key that stands', async () => {
    const [inner, name] = [new IndexedDbKeyStore(fresh()), fresh()]
    const open = () => SealedKeyStore.openHeld(inner, new WebCryptoKeyHolder(name))
    const [one, two] = await Promise.all([open(), open()])
    await one.add('a', record)
    expect(await two.read('a')).toEqual(record)
  })

  test('once it is locked it refuses', async () => {
    const store = await SealedKeyStore.openHeld(new MemoryKeyStore(), new WebCryptoKeyHolder(fresh()))
    store.lock()
    for (const act of [() => store.names(), () => store.read('a'), () => store.add('a', record)])
      await expect(act()).rejects.toSatisfy(code('STORE_LOCKED'))
  })

  test('a page without WebCrypto (no HTTPS) or without IndexedDB is a typed error with its cause', async () => {
    const subtle = vi.spyOn(crypto, 'subtle', 'get').mockReturnValue(undefined as never)
    const opening = SealedKeyStore.openHeld(new MemoryKeyStore(), new WebCryptoKeyHolder(fresh()))
    await expect(opening).rejects.toSatisfy(code('KEY_HOLDER_UNAVAILABLE'))
    subtle.mockRestore()
    const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('blocked by the settings', 'SecurityError')
    })
    const blocked = (expected: string) => (e: unknown) =>
      code(expected)(e) && ((e as Error).cause as DOMException).name === 'SecurityError'
    await expect(new WebCryptoKeyHolder(fresh()).read('id')).rejects.toSatisfy(
      blocked('KEY_HOLDER_UNAVAILABLE'),
    )
    await expect(new IndexedDbKeyStore(fresh()).names()).rejects.toSatisfy(blocked('STORE_UNAVAILABLE'))
    open.mockRestore()
  })
})

const methods = (holder: WebCryptoKeyHolder) => ({
  create: (id: string) => holder.create(id),
  delete: (id: string) => holder.delete(id),
})

describe('IndexedDbKeyStore', () => {
  test('goes on after another connection deleted or upgraded the database', async () => {
    const name = fresh()
    const store = new IndexedDbKeyStore(name)
    await store.add('a', record)
    await new Promise<void>((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase(name)
      deleting.onsuccess = () => resolve()
      deleting.onblocked = () => reject(new Error('the store stood in its way'))
    })
    expect(await store.names()).toEqual([])
    await store.add('a', record)
    expect(await store.read('a')).toEqual(record)
  })

  test('a database of a newer version is STORE_UNAVAILABLE with its cause', async () => {
    const name = fresh()
    await new Promise<void>((resolve) => {
      const opening = indexedDB.open(name, 9)
      opening.onsuccess = () => {
        opening.result.close()
        resolve()
      }
    })
    const adding = new IndexedDbKeyStore(name).add('a', record)
    await expect(adding).rejects.toSatisfy(
      (e) => code('STORE_UNAVAILABLE')(e) && (e as Error).cause instanceof DOMException,
    )
  })

  test('in two pages of a site one wins, and a reload keeps what was added', async () => {
    const name = fresh()
    const [one, two] = await Promise.all([page(), page()])
    const add = async (from: HTMLIFrameElement, byte: number) =>
      (await storeIn(from, name)).add('a', new Uint8Array([byte]))
    const both = await Promise.allSettled([add(one, 1), add(two, 2)])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const winner = both[0]?.status === 'fulfilled' ? 1 : 2
    await loaded(one, () => one.contentWindow?.location.reload())
    const kept = await (await storeIn(one, name)).read('a')
    expect([...(kept ?? [])]).toEqual([winner])
    one.remove()
    two.remove()
  })
})

/** Another document of the same site, with modules and connections of its own. */
async function page(): Promise<HTMLIFrameElement> {
  const frame = document.createElement('iframe')
  frame.src = `/packages-page-${fresh()}`
  await loaded(frame, () => document.body.append(frame))
  return frame
}

const loaded = (frame: HTMLIFrameElement, act: () => void): Promise<void> =>
  new Promise((resolve) => {
    frame.addEventListener('load', () => resolve(), { once: true })
    act()
  })

async function storeIn(frame: HTMLIFrameElement, name: string): Promise<KeyStore> {
  const url = new URL('../../src/browser.ts', import.meta.url).href
  const { contentWindow } = frame
  const inside = contentWindow as unknown as { Function: FunctionConstructor }
  const load = new inside.Function('url', 'return import(url)') as (
    url: string,
  ) => Promise<typeof import('@vestibule/keys/browser')>
  return new (await load(url)).IndexedDbKeyStore(name)
}
