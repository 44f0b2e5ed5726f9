import { IndexedDbStorage } from '@vestibule/space/browser'
import { storageSuite } from '@vestibule/space/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

const value = Uint8Array.of(1, 2, 3)
const fresh = () => crypto.randomUUID()

/** Chromium's Storage Buckets: databases with a quota of their own. */
const { storageBuckets: buckets } = navigator as unknown as {
  storageBuckets: { open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }> }
}

/** The database, by another way than ours. */
function database(name: string, version: number, make = (_: IDBDatabase): void => {}): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = () => make(request.result)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

describe('IndexedDbStorage', () => {
  const subject = {
    open: () => IndexedDbStorage.open(fresh()),
    reopen: async (storage: unknown) => {
      await (storage as IndexedDbStorage).close()
      return IndexedDbStorage.open((storage as IndexedDbStorage).name)
    },
  }
  for (const { name, run } of storageSuite(subject)) test(name, run)

  test('a second opening is refused, in a worker as well, until the first is closed', async () => {
    const storage = await IndexedDbStorage.open(fresh())
    const { name } = storage
    await expect(IndexedDbStorage.open(name)).rejects.toMatchObject({ name: 'StorageError', code: 'LOCKED' })
    const worker = new Worker(new URL('./opens-storage.ts', import.meta.url), { type: 'module' })
    const said = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = reject
        worker.postMessage(name)
      })
    expect(await said()).toBe('LOCKED')
    const last = storage.transact([{ key: 'a', value }])
    await storage.close()
    await last
    expect(await said()).toBe('open')
    await expect(IndexedDbStorage.open(name)).rejects.toMatchObject({ code: 'LOCKED' })
    worker.terminate()
  })

  test('a database of a later release is refused and not touched', async () => {
    const name = fresh()
    ;(await database(name, 2, (later) => later.createObjectStore('later'))).close()
    await expect(IndexedDbStorage.open(name)).rejects.toMatchObject({ code: 'STORAGE_VERSION' })
    const kept = await database(name, 2)
    expect([...kept.objectStoreNames]).toEqual(['later'])
    kept.close()
  })

  test('a database that is not ours is refused and not touched', async () => {
    const name = fresh()
    ;(await database(name, 1, (theirs) => theirs.createObjectStore('theirs'))).close()
    await expect(IndexedDbStorage.open(name)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    const kept = await database(name, 1)
    expect([...kept.objectStoreNames]).toEqual(['theirs'])
    kept.close()
  })

  test('a damaged value is refused, and one that stands under another key', async () => {
    const storage = await IndexedDbStorage.open(fresh())
    await storage.transact(['a', 'b', 'c', 'd'].map((key) => ({ key, value })))
    await storage.close()
    const raw = await database(storage.name, 1)
    await new Promise((resolve) => {
      const transaction = raw.transaction(raw.objectStoreNames, 'readwrite')
      const entries = transaction.objectStore('vestibule entries')
      entries.put('text', 'a')
      entries.put(Uint8Array.of(1), 'b')
      const of = entries.get('d')
      of.onsuccess = () => entries.put(of.result, 'c')
      transaction.oncomplete = resolve
    })
    raw.close()
    const again = await IndexedDbStorage.open(storage.name)
    for (const key of ['a', 'b', 'c']) {
      await expect(again.get(key)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
      await expect(again.list(key)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    }
    expect(await again.get('d')).toEqual(value)
    await again.close()
  })

  test('beyond the quota the transaction is refused whole, and what was there stays', async () => {
    const bucket = await buckets.open(fresh(), { quota: 1_000_000 })
    vi.stubGlobal('indexedDB', bucket.indexedDB)
    onTestFinished(() => void vi.unstubAllGlobals())
    const storage = await IndexedDbStorage.open(fresh())
    await storage.transact([{ key: 'a', value }])
    const refused = storage.transact([
      { key: 'b', value },
      { key: 'c', value: new Uint8Array(4_000_000) },
    ])
    await expect(refused).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await storage.list('')).toEqual([['a', value]])
    await storage.close()
  })

  test('a database that is deleted under it is let go, and what was asked for before is done', async () => {
    const storage = await IndexedDbStorage.open(fresh())
    const last = storage.transact([{ key: 'a', value }])
    const deleted = new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(storage.name)
      request.onsuccess = resolve
      request.onerror = reject
    })
    await last
    await deleted
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
    await storage.close()
  })
})
