import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Space, StorageWrite } from '../../src/index.ts'
import { storageKeys } from '../../src/record.ts'
import { bring, namesOf, Person, textsOf, until, World } from '../world.ts'
import { copyOf, LoggedStorage, opened, stateOf, storeOf } from './snapshot-stage.ts'

/** How many credentials of feeds were verified. */
let verified = 0
vi.mock('@vestibule/credentials', async (original) => {
  const actual = await original<typeof import('@vestibule/credentials')>()
  return {
    ...actual,
    verifyCredentials: (encoded: readonly Uint8Array[]) => {
      verified += encoded.length
      return actual.verifyCredentials(encoded)
    },
  }
})
beforeEach(() => {
  verified = 0
})

/** Writes so many credentials. */
async function act(space: Space, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await space.setProfile({ displayName: `Ada ${n}` })
}

/** Ada's space, in which she and Bob have said much, and its snapshot as her device left it when it was closed. */
async function kitchen() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada', new LoggedStorage()), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await act(hers, 70)
  await his.write('hello')
  await until(hers, () => textsOf(hers).length === 1)
  await ada.manager.close()
  await bob.manager.close()
  const at = storageKeys.snapshot(hers.key)
  const snapshot = (await ada.storage.get(at)) as Uint8Array
  const scratch = stateOf(
    (await opened(ada, hers, await copyOf(ada.storage, [{ key: at, value: undefined }]))) as never,
    ada,
  )
  verified = 0
  return { ada, hers, at, snapshot, scratch }
}

describe('the snapshot of a space', () => {
  test('is opened without verifying again what is in it, and then what came since is', async () => {
    const { ada, hers, scratch } = await kitchen()
    const store = await opened(ada, hers, ada.storage)
    expect([verified, stateOf(store as never, ada)]).toEqual([0, scratch])
    const again = await ada.restart(new World(), ada.storage)
    const [space] = again.manager.list() as [Space]
    await act(space, 3)
    await again.manager.close()
    verified = 0
    await opened(ada, hers, again.storage)
    expect(verified).toBe(3)
  })

  test('is kept when a space is closed and when much was folded at opening, and not at each write', async () => {
    const { ada, hers, at } = await kitchen()
    const kept = (storage: LoggedStorage) => storage.log.flat().filter(({ key }) => key === at).length
    expect(kept(ada.storage as LoggedStorage)).toBe(1)
    await ada.storage.transact([{ key: at, value: undefined }])
    const storage = new LoggedStorage()
    await storage.transact((await ada.storage.list('')).map(([key, value]) => ({ key, value })))
    const again = await ada.restart(new World(), storage)
    const [space] = again.manager.list() as [Space]
    await space.write('when this is stored it is kept, too')
    expect(kept(storage)).toBe(1)
    await act(space, 10)
    await again.manager.close()
    expect(kept(storage)).toBe(1)
    expect(namesOf(space)).toContain('Ada 9')
    expect((await opened(ada, hers, storage))?.roster.members()).toEqual(space.members())
  })

  test('is kept as a space grows that is never closed', { timeout: 60_000 }, async () => {
    const storage = new LoggedStorage()
    const ada = await Person.join(new World(), 'ada', storage)
    const space = await ada.manager.createSpace({ name: 'Kitchen' })
    const at = storageKeys.snapshot(space.key)
    await act(space, 1100)
    await space.write('behind it')
    expect(storage.log.flat().filter(({ key }) => key === at)).toHaveLength(1)
    await ada.manager.close()
  })

  test('that could not be written is no loss', async () => {
    class Full extends LoggedStorage {
      override async transact(writes: readonly StorageWrite[]): Promise<void> {
        if (writes.some(({ key }) => key.startsWith('snapshots/'))) throw new Error('disk on fire')
        await super.transact(writes)
      }
    }
    const ada = await Person.join(new World(), 'ada', new Full())
    const space = await ada.manager.createSpace({ name: 'Kitchen' })
    await act(space, 70)
    await ada.manager.close()
    const again = await ada.restart(new World(), ada.storage)
    expect(namesOf(again.manager.list()[0] as Space)).toEqual(['Ada 69'])
    await again.manager.close()
  })

  test('holds nothing that only an admission says', async () => {
    const world = new World()
    const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const candidate = await bob.candidate()
    const admission = await hers.admit(candidate, { role: 'EDITOR' })
    world.setOnline('bob', false)
    const his = await bob.manager.acceptSpace({ ...admission, controlFeeds: [] }, candidate)
    await storeOf(his).keepSnapshot(0)
    expect(await bob.storage.get(storageKeys.snapshot(his.key))).toBeUndefined()
    world.setOnline('bob', true)
    await his.ready({ signal: AbortSignal.timeout(5_000) })
    await storeOf(his).keepSnapshot(0)
    expect(await bob.storage.get(storageKeys.snapshot(his.key))).toBeDefined()
    for (const { manager } of [ada, bob]) await manager.close()
  })
})

describe('a snapshot is passed over, and nothing is lost,', () => {
  test('when it is damaged, at whatever byte, or cut off', async () => {
    const { ada, hers, at, snapshot, scratch } = await kitchen()
    const bad = (n: number) => snapshot.map((byte, index) => (index === n ? byte ^ 0x10 : byte))
    const damaged = [snapshot.subarray(0, -1), snapshot.subarray(0, 40), new Uint8Array(0)]
    for (let n = 0; n < snapshot.length; n += Math.ceil(snapshot.length / 25)) damaged.push(bad(n))
    for (const value of damaged) {
      const store = await opened(ada, hers, await copyOf(ada.storage, [{ key: at, value }]))
      expect(stateOf(store as never, ada)).toEqual(scratch)
    }
    expect(verified).toBeGreaterThanOrEqual(70 * damaged.length)
  })

  test('when it is of another version', async () => {
    const { ada, hers, at, snapshot, scratch } = await kitchen()
    const value = snapshot.slice()
    expect([...value.subarray(0, 2)]).toEqual([8, 1])
    value[1] = 2
    const store = await opened(ada, hers, await copyOf(ada.storage, [{ key: at, value }]))
    expect([verified > 70, stateOf(store as never, ada)]).toEqual([true, scratch])
  })

  test('when the feeds have less than it, or something else', async () => {
    const { ada, hers, scratch } = await kitchen()
    const feeds = await ada.storage.list(storageKeys.feed(hers.key, storeOf(hers).record.controlFeedKey))
    const last = feeds.at(-1)?.[0] as string
    const storage = await copyOf(ada.storage, [{ key: last, value: undefined }])
    const store = await opened(ada, hers, storage)
    expect(verified).toBeGreaterThan(30)
    expect(store?.roster.members()).not.toEqual((scratch as { members: unknown }).members)
    expect(store?.roster.members().length).toBeGreaterThan(0)
  })

  test('when whoever wrote it has not the keys of this device', async () => {
    const { ada, hers, at, scratch } = await kitchen()
    const theirs = await kitchen()
    const value = (await theirs.ada.storage.get(theirs.at)) as Uint8Array
    const store = await opened(ada, hers, await copyOf(ada.storage, [{ key: at, value }]))
    expect(stateOf(store as never, ada)).toEqual(scratch)
  })
})
