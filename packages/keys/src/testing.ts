import { describe, expect, test } from 'vitest'
import { KeysError } from './errors.ts'
import type { DataKeyHolder } from './sealing/data-key-holder.ts'
import type { KeyStore } from './store/key-store.ts'

const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected

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
      await expect(again).rejects.toSatisfy(code('KEY_EXISTS'))
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

/**
 * What everything that keeps data keys has to do. Call it in a test file of yours.
 * @param name how the suite is called
 * @param make an empty holder; `reopen` gives another object over the same keys, as after a restart
 */
export function dataKeyHolderSuite(
  name: string,
  make: () => Promise<{ holder: DataKeyHolder; reopen?: () => Promise<DataKeyHolder> }>,
): void {
  const [one, two] = ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(2)] as const
  const [nonce, about, secret] = [new Uint8Array(24).fill(1), Uint8Array.of(2), Uint8Array.of(3, 4, 5)]

  describe(`data key holder: ${name}`, () => {
    test('a key that was not made is not there, and deleting it is no error', async () => {
      const { holder } = await make()
      expect(await holder.read(one)).toBeUndefined()
      await holder.delete(one)
    })

    test('a key is the same after a restart, by what it opens and by its commitment', async () => {
      const { holder, reopen } = await make()
      const made = await holder.create(one)
      const sealed = await made.seal(nonce, about, secret)
      const read = await ((await reopen?.()) ?? holder).read(one)
      expect(await read?.open(nonce, about, sealed, 'record')).toEqual(secret)
      expect(await read?.commitment()).toEqual(await made.commitment())
      expect(await read?.commitment()).toHaveLength(32)
    })

    test('every key is another one, and is never overwritten', async () => {
      const { holder } = await make()
      const [first, second] = [await holder.create(one), await holder.create(two)]
      expect(await first.commitment()).not.toEqual(await second.commitment())
      const sealed = await first.seal(nonce, about, secret)
      await expect(second.open(nonce, about, sealed, 'record')).rejects.toSatisfy(code('CORRUPT_RECORD'))
      await expect(holder.create(one)).rejects.toSatisfy(code('KEY_EXISTS'))
      expect(await (await holder.read(one))?.open(nonce, about, sealed, 'record')).toEqual(secret)
    })

    test('what is sealed is bound to its nonce and to what it is about, and damage is told', async () => {
      const { holder } = await make()
      const cipher = await holder.create(one)
      const sealed = await cipher.seal(nonce, about, secret)
      const others: readonly (readonly [Uint8Array, Uint8Array, Uint8Array])[] = [
        [nonce.with(23, 0), about, sealed],
        [nonce, about.with(0, 0), sealed],
        [nonce, new Uint8Array(0), sealed],
        ...Array.from(sealed, (byte, at) => [nonce, about, sealed.with(at, byte ^ 1)] as const),
        ...Array.from(sealed, (_, at) => [nonce, about, sealed.slice(0, at)] as const),
      ]
      for (const other of others)
        await expect(cipher.open(...other, 'record')).rejects.toSatisfy(code('CORRUPT_RECORD'))
    })

    test('what is being sealed may be overwritten meanwhile', async () => {
      const { holder } = await make()
      const cipher = await holder.create(one)
      const mine = secret.slice()
      const sealing = cipher.seal(nonce, about, mine)
      mine.fill(0)
      expect(await cipher.open(nonce, about, await sealing, 'record')).toEqual(secret)
    })

    test('a cipher that was wiped refuses, and the key is held on', async () => {
      const { holder } = await make()
      const cipher = await holder.create(one)
      const sealed = await cipher.seal(nonce, about, secret)
      cipher.wipe()
      cipher.wipe()
      for (const act of [
        () => cipher.seal(nonce, about, secret),
        () => cipher.open(nonce, about, sealed, 'record'),
        () => cipher.commitment(),
      ])
        await expect(act()).rejects.toSatisfy(code('STORE_LOCKED'))
      expect(await (await holder.read(one))?.open(nonce, about, sealed, 'record')).toEqual(secret)
    })

    test('what was aborted before it began does nothing, and rejects with the reason', async () => {
      const { holder } = await make()
      const aborted = { signal: AbortSignal.abort('enough') }
      await expect(holder.create(one, aborted)).rejects.toBe('enough')
      expect(await holder.read(one)).toBeUndefined()
      await holder.create(one)
      await expect(holder.read(one, aborted)).rejects.toBe('enough')
      await expect(holder.delete(one, aborted)).rejects.toBe('enough')
      expect(await holder.read(one)).toBeDefined()
    })

    test('a deleted key is gone', async () => {
      const { holder } = await make()
      await holder.create(one)
      await holder.delete(one)
      expect(await holder.read(one)).toBeUndefined()
    })
  })
}
