import { describe, expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { type Person, textsOf, until, type World } from '../world.ts'
import { keyOf, kitchen } from './kitchen.ts'

const offline = (world: World, ...names: string[]): void => {
  for (const name of names) world.setOnline(name, false)
}
const online = (world: World, ...names: string[]): void => {
  for (const name of names) world.setOnline(name, true)
}
const has = (space: Space, ...texts: string[]) => until(space, () => textsOf(space).join() === texts.join())
const without = (space: Space, person: Person) =>
  until(space, () => space.roleOf(keyOf(person)) === undefined)

describe('what a removed member wrote', () => {
  test('stays as far as its removal knew it, and beyond that it counts for nobody', async () => {
    const { world, cem, hers, bobs, cems, dans, close } = await kitchen()
    await cems.write('known')
    for (const space of [hers, bobs, dans]) await has(space, 'known')
    offline(world, 'ada')
    await cems.write('unknown')
    await has(bobs, 'known', 'unknown')
    const resets: number[] = []
    bobs.subscribe({ onMessages: (all) => resets.push(all.length) })
    await hers.removeMember(keyOf(cem))
    online(world, 'ada')
    for (const space of [hers, bobs, dans]) {
      await without(space, cem)
      await has(space, 'known')
    }
    expect(resets).toEqual([1])
    await hers.write('after')
    for (const space of [hers, bobs, dans]) await has(space, 'known', 'after')
    await close()
  })

  test('comes back when the removal turns out to be void', async () => {
    const { world, ada, bob, cem, hers, bobs, cems, dans, close } = await kitchen()
    await cems.write('known')
    for (const space of [hers, bobs, dans]) await has(space, 'known')
    offline(world, 'bob')
    await cems.write('unknown')
    for (const space of [hers, dans]) await has(space, 'known', 'unknown')
    await bobs.removeMember(keyOf(cem))
    offline(world, 'ada')
    online(world, 'bob')
    await without(dans, cem)
    await has(dans, 'known')
    await hers.removeMember(keyOf(bob))
    online(world, 'ada')
    await without(dans, bob)
    await has(dans, 'known', 'unknown')
    expect(dans.roleOf(keyOf(cem))).toBe('EDITOR')
    // Whoever was refused meanwhile is heard again.
    offline(world, 'cem')
    online(world, 'cem')
    await until(cems, () => cems.removal === undefined)
    await cems.write('more')
    for (const space of [hers, dans, cems]) await has(space, 'known', 'unknown', 'more')
    expect([cems.removal, ada.manager.list()]).toEqual([undefined, [hers]])
    await close()
  })

  test('is passed on to nobody by those who do not count it', async () => {
    const { world, cem, hers, bobs, cems, dans, close } = await kitchen()
    offline(world, 'ada', 'dan')
    await cems.write('unknown')
    await has(bobs, 'unknown')
    offline(world, 'cem')
    await hers.removeMember(keyOf(cem))
    online(world, 'ada')
    await without(bobs, cem)
    online(world, 'dan')
    await without(dans, cem)
    await bobs.write('after')
    await has(dans, 'after')
    const feed = dans['store'].roster.membership.feeds()
    const cut = [...feed].find(([, info]) => info.member === keyOf(cem) && info.purpose === 'DATA')?.[0]
    expect(cut && dans['store'].feed(cut)?.length).toBe(0)
    expect(cut && bobs['store'].feed(cut)?.length).toBe(1)
    await close()
  })
})

describe('a member that was removed', () => {
  test('is told so at once, keeps what it has to read, and writes nothing more', async () => {
    const { bob, cem, hers, cems, world, close } = await kitchen()
    await hers.write('hello')
    await has(cems, 'hello')
    const told: unknown[] = []
    cems.subscribe({ onRemoval: (removal) => told.push(removal) })
    await hers.removeMember(keyOf(cem))
    await until(cems, () => cems.removal !== undefined && cems.peers().length === 0)
    expect(told).toEqual([cems.removal])
    expect(cems.removal).toEqual(hers.departureOf(keyOf(cem)))
    const gone = { code: 'NOT_A_MEMBER' }
    for (const act of [
      () => cems.write('no'),
      () => cems.leave(),
      () => cems.setProfile({ displayName: 'x' }),
      () => cems.removeMember(keyOf(bob)),
    ])
      await expect(act()).rejects.toMatchObject(gone)
    await expect(cems.admit(await bob.candidate(), { role: 'READER' })).rejects.toMatchObject(gone)
    expect([textsOf(cems), cems.state]).toEqual([['hello'], 'open'])
    await cem.manager.close()
    const again = await cem.restart(world, cem.storage)
    const still = again.manager.list()[0] as Space
    expect([still.removal, textsOf(still)]).toEqual([cems.removal, ['hello']])
    await again.manager.close()
    await close()
  })

  test('while it was away hears of it from whoever refuses it, and keeps what it wrote as its own', async () => {
    const { world, cem, hers, bobs, cems, close } = await kitchen()
    await cems.write('known')
    await has(hers, 'known')
    offline(world, 'cem')
    await cems.write('written meanwhile')
    await hers.removeMember(keyOf(cem))
    await without(bobs, cem)
    const refusals: string[] = []
    hers.subscribe({ onProblem: ({ code }) => refusals.push(code) })
    online(world, 'cem')
    await until(cems, () => cems.removal !== undefined)
    await until(hers, () => refusals.length > 0)
    expect([refusals, textsOf(hers), textsOf(bobs)]).toEqual([['NOT_A_MEMBER'], ['known'], ['known']])
    // It has not seen how far the others count it.
    expect(textsOf(cems)).toEqual(['known', 'written meanwhile'])
    await close()
  })
})

describe('a reader', () => {
  test('writes nothing, and does as soon as it is an editor', async () => {
    const { world, dan, hers, bobs, dans, close } = await kitchen()
    await expect(dans.write('no')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await hers.changeRole(keyOf(dan), 'EDITOR')
    await until(dans, () => dans.roleOf(keyOf(dan)) === 'EDITOR')
    await dans.write('yes')
    for (const space of [hers, bobs]) await has(space, 'yes')
    await dan.manager.close()
    const again = await dan.restart(world, dan.storage)
    const his = again.manager.list()[0] as Space
    await his.write('again')
    for (const space of [hers, bobs]) await has(space, 'yes', 'again')
    await again.manager.close()
    await close()
  })

  test('who was an editor until now writes nothing more, and what it wrote unknowingly counts for itself only', async () => {
    const { world, cem, hers, bobs, cems, close } = await kitchen()
    await cems.write('as editor')
    await has(hers, 'as editor')
    offline(world, 'cem')
    await cems.write('in good faith')
    await hers.changeRole(keyOf(cem), 'READER')
    await until(bobs, () => bobs.roleOf(keyOf(cem)) === 'READER')
    online(world, 'cem')
    await until(cems, () => cems.roleOf(keyOf(cem)) === 'READER')
    await expect(cems.write('no')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await cems.delivered({ signal: AbortSignal.timeout(5_000) })
    for (const space of [hers, bobs]) expect(textsOf(space)).toEqual(['as editor'])
    expect(cems.messages().map(({ text, included }) => [text, included])).toEqual([
      ['as editor', undefined],
      ['in good faith', false],
    ])
    // An editor again, it writes to a new feed; what was cut stays cut.
    await hers.changeRole(keyOf(cem), 'EDITOR')
    await until(cems, () => cems.roleOf(keyOf(cem)) === 'EDITOR')
    await cems.write('as editor again')
    for (const space of [hers, bobs]) await has(space, 'as editor', 'as editor again')
    await close()
  })
})
