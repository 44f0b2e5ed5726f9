import { expect, test } from 'vitest'
import { PAST_TOPIC_MS } from '../../src/read-keys/topics.ts'
import { Person, storeOf, textsOf, until, World } from '../world.ts'
import { spacesOf, untilIdentity } from './stage.ts'

test('a device that was away for two weeks finds a space again by another of its identity', async () => {
  const clock = { at: 1_700_000_000_000, now: () => clock.at, after: () => () => undefined }
  const world = new World(clock)
  const ada = await Person.join(world, 'ada')
  const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
  const phone = await ada.secondDevice(world, 'phone')
  await untilIdentity(phone, () => spacesOf(phone).length === 1)
  const [there] = phone.manager.list()
  if (there === undefined) throw new Error('the phone has no space')
  await until(there, () => !storeOf(there).roster.provisional)
  await phone.manager.close()
  await kitchen.rotateReadKey()
  await kitchen.rotateReadKey()
  await kitchen.write('in the meantime')
  clock.at += 2 * PAST_TOPIC_MS
  await ada.manager.close()
  const again = await ada.restart(world, ada.storage)
  const back = await phone.restart(world, phone.storage)
  const [space] = back.manager.list()
  if (space === undefined) throw new Error('the phone has lost its space')
  await until(space, () => textsOf(space).includes('in the meantime'))
  expect([space.missingReadKeys(), storeOf(space).readKeys.size]).toEqual([[], 3])
  for (const { manager } of [again, back]) await manager.close()
})
