import { describe, expect, test } from 'vitest'
import { KeysError } from './errors.ts'
import type { KeyStore } from './store/key-store.ts'

/**
 * What every key store has to do. Call it in a test file of yours.
 * @param name how the suite is called
 * @param make an empty store; `reopen` gives another object over the same records, as after a restart
 */
export function keyStoreSuite(
  name: string,
  make: () => Promise<{ store: KeyStore; reopen?: () => Promise<KeyStore> }>,
): void {
  const record = new Uint8Array([1, 2, 3])

  describe(`key store: ${name}`, () => {
    test('an empty store has no names and no records', async () => {
      const { store } = await make()
      expect(await store.names()).toEqual([])
      expect(await store.read('a')).toBeUndefined()
    })

    test('what was added is read and listed', async () => {
      const { store } = await make()
      await store.add('a', record)
      await store.add('b-1', new Uint8Array(0))
      expect(await store.read('a')).toEqual(record)
      expect(await store.read('b-1')).toEqual(new Uint8Array(0))
      expect((await store.names()).sort()).toEqual(['a', 'b-1'])
    })

    test('a record is never overwritten', async () => {
      const { store } = await make()
      await store.add('a', record)
      const again = store.add('a', new Uint8Array([9]))
      await expect(again).rejects.toSatisfy((e) => e instanceof KeysError && e.code === 'KEY_EXISTS')
      expect(await store.read('a')).toEqual(record)
    })

    test('of two that add the same name at once one wins', async () => {
      const { store } = await make()
      const both = await Promise.allSettled([store.add('a', record), store.add('a', new Uint8Array([9]))])
      expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    test('a deleted record is gone, and deleting what is not there is no error', async () => {
      const { store } = await make()
      await store.add('a', record)
      await store.delete('a')
      await store.delete('a')
      expect(await store.read('a')).toBeUndefined()
      expect(await store.names()).toEqual([])
    })

    test('the store keeps and gives copies', async () => {
      const { store } = await make()
      const mine = record.slice()
      await store.add('a', mine)
      mine.fill(0)
      const read = await store.read('a')
      read?.fill(7)
      expect(await store.read('a')).toEqual(record)
    })

    test('what was added is there after a restart', async () => {
      const { store, reopen } = await make()
      await store.add('a', record)
      const reopened = (await reopen?.()) ?? store
      expect(await reopened.read('a')).toEqual(record)
    })
  })
}
