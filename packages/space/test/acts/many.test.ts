import { expect, test } from 'vitest'
import { perform } from '../../src/acts/perform.ts'
import { MemoryStorage, type Space, type StorageWrite } from '../../src/index.ts'
import type { SpaceStore } from '../../src/space-store.ts'
import { bring, namesOf, Person, until, World } from '../world.ts'

class CountingStorage extends MemoryStorage {
  transactions = 0
  override async transact(writes: readonly StorageWrite[]): Promise<void> {
    this.transactions++
    await super.transact(writes)
  }
}

test('more acts than one signature covers are one transaction, and come to others all the same', async () => {
  const world = new World()
  const storage = new CountingStorage()
  const [ada, bob] = [await Person.join(world, 'ada', storage), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  const { store } = hers as unknown as { readonly store: SpaceStore }
  const { keyring, signingContext } = ada
  const member = signingContext.identityKey
  const claims = Array.from({ length: 1100 }, (_, n) => ({
    ...({ type: 'MemberProfile', space: hers.key, member } as const),
    profile: { displayName: `ada ${n}` },
  }))
  const before = storage.transactions
  await store.serial.run(() => perform({ store, keyring, signingContext }, claims))
  expect(storage.transactions - before).toBe(1)
  const shown = (space: Space): boolean => namesOf(space).includes('ada 1099')
  expect(shown(hers)).toBe(true)
  await until(his, () => shown(his))
  for (const { manager } of [ada, bob]) await manager.close()
})
