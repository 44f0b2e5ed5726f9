import { expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { textsOf, until } from '../world.ts'
import { admittedByBoth, keyOf } from './kitchen.ts'

test('who wrote under an admission that turned out void, and is a member by another, keeps that and goes on', async () => {
  // She is in by the word of the one who is removed.
  const { world, bob, eve, hers, theirs, close } = await admittedByBoth()
  await theirs.write('what nobody will count')
  await hers.removeMember(keyOf(bob))
  for (const name of ['bob', 'eve']) world.setOnline(name, true)
  const isVoid = (space: Space) => space.messages().some(({ included }) => included === false)
  await until(theirs, () => theirs.roleOf(keyOf(bob)) === undefined && isVoid(theirs))
  expect(theirs.roleOf(keyOf(eve))).toBe('EDITOR')
  const before = theirs.messages()
  await eve.manager.close()
  const again = await eve.restart(world, eve.storage)
  const [space] = again.manager.list()
  expect(space?.messages()).toEqual(before)
  expect(space && textsOf(space)).toEqual(['what nobody will count'])
  await space?.write('what all will')
  await until(hers, () => textsOf(hers).join() === 'what all will')
  await space?.rewrite()
  await until(hers, () => textsOf(hers).join() === 'what all will,what nobody will count')
  expect(space && textsOf(space)).toEqual(textsOf(hers))
  await again.manager.close()
  await close()
})
