import { expect, test, vi } from 'vitest'
import type { MemoryStorage, Space } from '../../src/index.ts'
import { heldInOrder } from '../../src/read-keys/current.ts'
import type { ReadKey } from '../../src/read-keys/read-key.ts'
import { topicOf } from '../../src/read-keys/topic.ts'
import { PAST_TOPIC_MS, SpaceTopics } from '../../src/read-keys/topics.ts'
import { storageKeys } from '../../src/record.ts'
import { kitchen } from '../acts/kitchen.ts'
import { Person, storeOf, World } from '../world.ts'

/** A space that nobody else is in, with a clock that is set by hand. */
async function alone() {
  const ada = await Person.join(new World(), 'ada')
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const storage = ada.storage as MemoryStorage
  const clock = { at: 1_700_000_000_000, now: () => clock.at, after: () => () => undefined }
  const open = () => SpaceTopics.open(storeOf(space), storage, clock)
  return { ada, space, storage, clock, open }
}

test('past topics end at the time that was stored, whatever is opened in between', async () => {
  const { ada, space, clock, open } = await alone()
  const first = await open()
  const [old] = first.look()
  await first.keep()
  await space.rotateReadKey()
  expect((await open()).look()).toEqual([expect.anything(), old])
  const second = await open()
  second.look()
  await second.keep()
  clock.at += PAST_TOPIC_MS - 1
  const third = await open()
  expect([third.look().length, third.nextMs]).toEqual([2, 1])
  clock.at += 1
  expect([third.look().length, third.nextMs]).toEqual([1, undefined])
  await ada.manager.close()
})

test('a clock that was ahead when the read key was renewed keeps no topic longer than seven days', async () => {
  const { ada, space, clock, open } = await alone()
  const topics = await open()
  topics.look()
  clock.at += 100 * PAST_TOPIC_MS
  await space.rotateReadKey()
  topics.look()
  await topics.keep()
  clock.at -= 100 * PAST_TOPIC_MS
  const again = await open()
  again.look()
  expect(again.nextMs).toBe(PAST_TOPIC_MS)
  await ada.manager.close()
})

test('of many renewals in a week the newest topics are kept, 32 besides the current one', async () => {
  const { ada, space, open } = await alone()
  const topics = await open()
  const seen = [topics.look()[0]]
  for (let n = 0; n < 34; n++) {
    await space.rotateReadKey()
    seen.push(topics.look()[0])
  }
  await topics.keep()
  expect(topics.look()).toEqual(seen.slice(-33).reverse())
  expect((await open()).look()).toEqual(seen.slice(-33).reverse())
  await ada.manager.close()
})

test('of two renewals at once each topic is kept by both, though but one was ever current for all', async () => {
  const { world, ada, bob, hers, bobs, close } = await kitchen()
  const held = (space: Space) => heldInOrder(storeOf(space))
  world.setOnline('bob', false)
  await Promise.all([hers.rotateReadKey(), bobs.rotateReadKey()])
  const both = [hers, bobs].map((space) => topicOf(held(space).at(-1) as ReadKey, space.key))
  world.setOnline('bob', true)
  for (const space of [hers, bobs]) await vi.waitFor(() => expect(held(space)).toHaveLength(3))
  for (const topic of both)
    await vi.waitFor(() => expect(world.under(topic)).toEqual(expect.arrayContaining([ada.name, bob.name])))
  await close()
})

test('a damaged record damages its space, and keeps no other from opening', async () => {
  const { ada, space, storage, open } = await alone()
  const other = await ada.manager.createSpace({ name: 'Garden' })
  await storage.transact([{ key: storageKeys.topics(space.key), value: new Uint8Array([8, 1, 18, 1, 7]) }])
  await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await ada.manager.close()
  const again = await ada.restart(new World(), storage)
  expect(again.manager.list().map(({ key }) => key)).toEqual([other.key])
  expect(again.manager.spaces()).toContainEqual(expect.objectContaining({ key: space.key, state: 'DAMAGED' }))
  await again.manager.close()
})
