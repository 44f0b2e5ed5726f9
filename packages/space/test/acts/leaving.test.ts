import { expect, test } from 'vitest'
import { textsOf, until } from '../world.ts'
import { keyOf, kitchen } from './kitchen.ts'

test('what one wrote before leaving is with the others when they hear of the leave', async () => {
  const { world, cem, hers, bobs, cems, close } = await kitchen()
  world.setOnline('cem', false)
  await cems.write('one')
  await cems.write('two')
  await cems.leave()
  world.setOnline('cem', true)
  for (const space of [hers, bobs]) {
    await until(space, () => space.roleOf(keyOf(cem)) === undefined)
    expect(textsOf(space)).toEqual(['one', 'two'])
  }
  await close()
})

test('so is what it wrote to a feed that nobody knew of', async () => {
  const { world, dan, hers, bobs, dans, close } = await kitchen()
  await hers.changeRole(keyOf(dan), 'EDITOR')
  await until(dans, () => dans.roleOf(keyOf(dan)) === 'EDITOR')
  world.setOnline('dan', false)
  await dans.write('the first of an editor of late')
  await dans.leave()
  world.setOnline('dan', true)
  for (const space of [hers, bobs]) {
    await until(space, () => space.roleOf(keyOf(dan)) === undefined)
    expect(textsOf(space)).toEqual(['the first of an editor of late'])
  }
  await close()
})
