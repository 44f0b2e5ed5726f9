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
