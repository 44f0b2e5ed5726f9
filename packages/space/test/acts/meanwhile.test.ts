import { describe, expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { bring, namesOf, Person, textsOf, until, type World } from '../world.ts'
import { keyOf, kitchen } from './kitchen.ts'

const names = (space: Space, ...expected: string[]) =>
  until(space, () => namesOf(space).join() === expected.join())
/** Cut off from the others, and back. */
const apart = async (world: World, name: string, act: () => Promise<unknown>): Promise<() => void> => {
  world.setOnline(name, false)
  await act()
  return () => world.setOnline(name, true)
}

describe('members who act at the same time', () => {
  test('two owners remove each other: the senior one stays, and the other is refused before it is written', async () => {
    const { world, ada, bob, hers, bobs, cems, dans, close } = await kitchen()
    await hers.changeRole(keyOf(bob), 'OWNER')
    await until(bobs, () => bobs.roleOf(keyOf(bob)) === 'OWNER')
    const back = await apart(world, 'bob', async () => {
      await expect(bobs.removeMember(keyOf(ada))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
      await hers.removeMember(keyOf(bob))
    })
    back()
    for (const space of [hers, cems, dans]) await names(space, 'ada', 'cem', 'dan')
    await until(bobs, () => bobs.removal !== undefined)
    await close()
  })

  test('an owner that was removed removes an admin, who admits somebody: its removal is void for all', async () => {
    const { world, ada, bob, cem, hers, bobs, cems, dans, close } = await kitchen()
    await hers.changeRole(keyOf(cem), 'OWNER')
    for (const space of [bobs, cems]) await until(space, () => space.roleOf(keyOf(cem)) === 'OWNER')
    const yan = await Person.join(world, 'yan')
    for (const name of ['ada', 'bob', 'cem']) world.setOnline(name, false)
    await cems.removeMember(keyOf(bob))
    await hers.removeMember(keyOf(cem))
    const yans = await bring(bobs, yan)
    await yans.write('hello from yan')
    // Dan hears of the removal of Bob first, and that it is void then.
    world.setOnline('cem', true)
    await names(dans, 'ada', 'cem', 'dan')
    world.setOnline('ada', true)
    await until(dans, () => namesOf(dans).includes('bob'))
    world.setOnline('bob', true)
    for (const space of [hers, bobs, dans, yans]) {
      await names(space, 'ada', 'bob', 'dan', 'yan')
      await until(space, () => textsOf(space).join() === 'hello from yan')
    }
    expect(dans.history().filter(({ type, counts }) => type === 'RemovedMember' && !counts)).toHaveLength(1)
    expect([bobs.removal, hers.departureOf(keyOf(cem))?.by]).toEqual([undefined, keyOf(ada)])
    expect(bobs.roleOf(keyOf(bob))).toBe('ADMIN')
    await yan.manager.close()
    await close()
  })

  test('whom an admin admits that was removed meanwhile is a member nowhere, and what it wrote is hidden', async () => {
    const { world, bob, hers, bobs, cems, dans, close } = await kitchen()
    const yan = await Person.join(world, 'yan')
    for (const name of ['bob', 'ada']) world.setOnline(name, false)
    await hers.removeMember(keyOf(bob))
    const yans = await bring(bobs, yan)
    await yans.write('hello from yan')
    world.setOnline('bob', true)
    for (const space of [bobs, cems, dans])
      await until(space, () => textsOf(space).join() === 'hello from yan')
    const resets: unknown[] = []
    dans.subscribe({ onMessages: (messages) => resets.push(messages) })
    world.setOnline('ada', true)
    for (const space of [hers, cems, dans]) await names(space, 'ada', 'cem', 'dan')
    expect([textsOf(hers), textsOf(cems), textsOf(dans), resets]).toEqual([[], [], [], [[]]])
    await until(bobs, () => bobs.removal !== undefined)
    await yan.manager.close()
    await close()
  })

  test('the last owner leaves: the best of those who are left acts as owner, and gives nobody more than it has', async () => {
    const { ada, bob, cem, dan, hers, bobs, dans, close } = await kitchen()
    await hers.leave()
    await hers.delivered({ signal: AbortSignal.timeout(5_000) })
    for (const space of [bobs, dans]) await names(space, 'bob', 'cem', 'dan')
    expect([bobs.roleOf(keyOf(bob)), bobs.mayAdmit('ADMIN'), bobs.mayAdmit('OWNER')]).toEqual([
      'OWNER',
      true,
      false,
    ])
    await expect(bobs.handOver(keyOf(cem))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await bobs.changeRole(keyOf(dan), 'ADMIN')
    await until(dans, () => dans.roleOf(keyOf(dan)) === 'ADMIN')
    await bobs.removeMember(keyOf(dan))
    await names(bobs, 'bob', 'cem')
    expect(bobs.departureOf(keyOf(ada))?.by).toBe(keyOf(ada))
    await close()
  })
})
