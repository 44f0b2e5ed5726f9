import { describe, expect, test } from 'vitest'
import { MemoryStorage, type Space, type Storage } from '../../src/index.ts'
import { bring, namesOf, textsOf, until } from '../world.ts'
import { keyOf, kitchen } from './kitchen.ts'

const has = (space: Space, ...texts: string[]) => until(space, () => textsOf(space).join() === texts.join())

describe('a member that is admitted again', () => {
  test('after being removed goes on in the space that it had, with what it had', async () => {
    const { cem, hers, bobs, cems, dans, close } = await kitchen()
    await cems.write('before')
    for (const space of [hers, bobs, dans]) await has(space, 'before')
    await hers.removeMember(keyOf(cem))
    await until(cems, () => cems.removal !== undefined)
    const told: unknown[] = []
    cems.subscribe({ onRemoval: (removal) => told.push(removal) })
    expect(await bring(hers, cem, 'EDITOR')).toBe(cems)
    expect([told, cems.removal, textsOf(cems)]).toEqual([[undefined], undefined, ['before']])
    await until(cems, () => cems.peers().length === 3)
    await cems.write('after')
    for (const space of [hers, bobs, dans, cems]) {
      await has(space, 'before', 'after')
      expect(namesOf(space)).toEqual(['ada', 'bob', 'cem', 'dan'])
    }
    await close()
  })

  test('after leaving, as a reader, and is the same after a restart', async () => {
    const { world, cem, hers, bobs, cems, close } = await kitchen()
    await cems.write('before')
    await cems.leave()
    await cems.delivered({ signal: AbortSignal.timeout(5_000) })
    await until(bobs, () => bobs.roleOf(keyOf(cem)) === undefined)
    expect(cems.removal?.by).toBe(keyOf(cem))
    await bring(bobs, cem, 'READER')
    await expect(cems.write('no')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await cem.manager.close()
    const again = await cem.restart(world, cem.storage)
    const his = again.manager.list()[0] as Space
    expect([his.removal, his.roleOf(keyOf(cem))]).toEqual([undefined, 'READER'])
    await hers.write('welcome')
    await has(his, 'before', 'welcome')
    await again.manager.close()
    await close()
  })

  test('by whoever was away when it was removed writes to feeds that everybody takes', async () => {
    const { world, cem, dan, hers, bobs, cems, dans, close } = await kitchen()
    await hers.removeMember(keyOf(cem))
    await until(bobs, () => bobs.roleOf(keyOf(cem)) === undefined)
    world.setOnline('dan', false)
    await bring(bobs, cem)
    await cems.write('back')
    for (const space of [hers, bobs]) await has(space, 'back')
    world.setOnline('dan', true)
    await has(dans, 'back')
    expect(dans.roleOf(keyOf(dan))).toBe('READER')
    await close()
  })

  test('writes again what nobody counted, once, in its order', async () => {
    const { world, cem, hers, bobs, cems, close } = await kitchen()
    await cems.write('counted')
    await has(hers, 'counted')
    world.setOnline('cem', false)
    await cems.write('first')
    await cems.write(Uint8Array.of(2))
    await hers.removeMember(keyOf(cem))
    world.setOnline('cem', true)
    await until(cems, () => cems.removal !== undefined)
    await expect(cems.rewrite()).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await bring(hers, cem)
    await until(cems, () => cems.messages().filter(({ included }) => included === false).length === 2)
    expect((await cems.rewrite()).map(({ text, bytes }) => text ?? bytes)).toEqual([
      'first',
      Uint8Array.of(2),
    ])
    expect(textsOf(cems)).toEqual(['counted', 'first', undefined])
    expect(cems.messages().every(({ included }) => included !== false)).toBe(true)
    expect(await cems.rewrite()).toEqual([])
    await until(bobs, () => bobs.messages().length === 3)
    expect(textsOf(bobs)).toEqual(['counted', 'first', undefined])
    await cem.manager.close()
    const again = await cem.restart(world, cem.storage)
    expect(textsOf(again.manager.list()[0] as Space)).toEqual(['counted', 'first', undefined])
    await again.manager.close()
    await close()
  })

  test('reads what was written meanwhile, wherever its process dies while it takes the admission up', async () => {
    for (const [transactions, repeats] of [
      [0, true],
      [1, false],
      [1, true],
    ] as const) {
      const { world, ada, bob, cem, dan, hers, missed } = await meanwhile()
      const candidate = await cem.candidate()
      const admission = await hers.admit(candidate, { role: 'EDITOR' })
      const { left } = dying(cem.storage, transactions)
      void cem.manager.acceptSpace(admission, candidate)
      const again = await cem.restart(world, await left)
      if (repeats) await again.manager.acceptSpace(admission, candidate)
      const his = again.manager.list()[0] as Space
      await has(his, ...missed)
      await his.write('back')
      await has(hers, ...missed, 'back')
      for (const { manager } of [ada, bob, dan, again]) await manager.close()
    }
  })

  test('reads what was written meanwhile when others told it of the admission before the answer came', async () => {
    const { world, cem, hers, cems, close, missed } = await meanwhile()
    const candidate = await cem.candidate()
    const admission = await hers.admit(candidate, { role: 'EDITOR' })
    world.reconnect('cem')
    await until(cems, () => cems.removal === undefined)
    await cem.manager.acceptSpace(admission, candidate)
    await has(cems, ...missed)
    await cems.write('back')
    await has(hers, ...missed, 'back')
    await close()
  })

  test('reads what was written meanwhile when it never heard that it was removed', async () => {
    const { world, cem, hers, bobs, cems, close } = await kitchen()
    world.setOnline('cem', false)
    await hers.removeMember(keyOf(cem))
    await hers.write('meanwhile')
    await hers.rotateReadKey()
    await bring(hers, cem)
    expect(textsOf(cems)).toEqual([])
    world.setOnline('cem', true)
    await has(cems, 'meanwhile')
    await cems.write('back')
    await has(bobs, 'meanwhile', 'back')
    await close()
  })
})

/** Cem left, and two read keys were current since, one of them no more. */
async function meanwhile() {
  const all = await kitchen()
  const { cem, dan, hers, cems } = all
  await cems.leave()
  await until(hers, () => hers.roleOf(keyOf(cem)) === undefined)
  await until(cems, () => cems.peers().length === 0)
  await hers.write('one')
  await hers.removeMember(keyOf(dan))
  await hers.write('two')
  return { ...all, missed: ['one', 'two'] }
}

/** A storage whose process dies before it makes more transactions than that. */
function dying(storage: Storage, transactions: number): { readonly left: Promise<Storage> } {
  const transact = storage.transact.bind(storage)
  const { promise: left, resolve } = Promise.withResolvers<Storage>()
  let more = transactions
  storage.transact = async (writes) => {
    if (more-- > 0) return transact(writes)
    const copy = new MemoryStorage()
    await copy.transact((await storage.list('')).map(([key, value]) => ({ key, value })))
    resolve(copy)
    return new Promise(() => undefined)
  }
  return { left }
}
