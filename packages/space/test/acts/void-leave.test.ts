import { expect, test } from 'vitest'
import { until } from '../world.ts'
import { admittedByBoth, keyOf } from './kitchen.ts'

/** Eve leaves by a feed that Bob admitted, who was removed meanwhile; Ada has admitted her too, with other feeds. */
async function leftInVain() {
  const kept = await admittedByBoth()
  const { bob, eve, hers, theirs } = kept
  await theirs.leave()
  await hers.removeMember(keyOf(bob))
  expect(hers.roleOf(keyOf(eve))).toBe('EDITOR')
  return kept
}

test('everybody hears of a leave by a feed that turned out void, and who left knows that they have', async () => {
  const { world, eve, hers, cems, dans, theirs, close } = await leftInVain()
  for (const name of ['bob', 'eve']) world.setOnline(name, true)
  await theirs.delivered()
  for (const space of [hers, cems, dans]) await until(space, () => space.roleOf(keyOf(eve)) === undefined)
  const before = theirs.removal
  expect(before?.by).toBe(keyOf(eve))
  await eve.manager.close()
  const again = await eve.restart(world, eve.storage)
  const [space] = again.manager.list()
  expect(space?.removal).toEqual(before)
  expect(space?.history()).toEqual(theirs.history())
  await space?.delivered()
  await again.manager.close()
  await close()
})

test('it waits for what the leave comes after, from others than the removed host, and stays unheard over a restart', async () => {
  const { world, eve, hers, theirs, close } = await leftInVain()
  await eve.manager.close()
  const again = await eve.restart(world, eve.storage)
  const [space] = again.manager.list()
  if (space === undefined) throw new Error('the space is gone')
  expect(space.removal).toEqual(theirs.removal)
  world.setOnline('eve', true)
  await space.delivered()
  await until(hers, () => hers.roleOf(keyOf(eve)) === undefined)
  await again.manager.close()
  await close()
})
