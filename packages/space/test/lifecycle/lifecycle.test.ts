import { describe, expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { storageKeys } from '../../src/record.ts'
import { bring, namesOf, Person, textsOf, until, World } from '../world.ts'

/** Ada's space with Bob, both connected. */
async function setup() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await until(his, () => his.peers().length === 1)
  return { world, ada, bob, hers, his }
}

describe('a space', () => {
  test('is active until it is deactivated, and then meets nobody, after a restart either', async () => {
    const { world, ada, bob, hers, his } = await setup()
    await bob.manager.deactivate(his.key)
    await bob.manager.deactivate(his.key)
    await until(hers, () => hers.peers().length === 0)
    await his.write('written on the train')
    await hers.write('hello?')
    expect(bob.manager.spaces()).toEqual([{ key: his.key, name: 'Kitchen', members: 2, state: 'INACTIVE' }])
    await bob.manager.close()
    const again = await bob.restart(world, bob.storage)
    expect([again.manager.list(), again.manager.get(hers.key), hers.peers()]).toEqual([[], undefined, []])
    expect(again.manager.spaces()).toEqual([
      { key: hers.key, name: 'Kitchen', members: 2, state: 'INACTIVE' },
    ])
    await again.manager.close()
    await ada.manager.close()
  })

  test('that is deactivated is loaded when it is asked for, and connected when it is activated', async () => {
    const { world, ada, bob, hers, his } = await setup()
    await bob.manager.deactivate(his.key)
    await his.write('written on the train')
    await hers.write('hello?')
    await bob.manager.close()
    const { manager } = await bob.restart(world, bob.storage)
    const loaded = await manager.openSpace(hers.key)
    expect([textsOf(loaded), loaded.peers(), manager.list()]).toEqual([
      ['written on the train'],
      [],
      [loaded],
    ])
    expect(await manager.openSpace(hers.key)).toBe(loaded)
    expect(await manager.activate(hers.key)).toBe(loaded)
    await until(hers, () => textsOf(hers).length === 2)
    await until(loaded, () => textsOf(loaded).length === 2)
    expect(manager.spaces()).toEqual([{ key: hers.key, name: 'Kitchen', members: 2, state: 'ACTIVE' }])
    await manager.close()
    const later = await bob.restart(world, bob.storage)
    await until(hers, () => hers.peers().length === 1)
    expect(later.manager.list()).toHaveLength(1)
    await later.manager.close()
    await ada.manager.close()
  })

  test('that is unknown, or asked for when the manager is closed, is refused', async () => {
    const { ada, bob, hers, his } = await setup()
    const stranger = await Person.join(new World(), 'eve')
    await expect(stranger.manager.openSpace(hers.key)).rejects.toMatchObject({ code: 'NO_SPACE' })
    await expect(stranger.manager.activate(hers.key)).rejects.toMatchObject({ code: 'NO_SPACE' })
    await expect(stranger.manager.deactivate(hers.key)).rejects.toMatchObject({ code: 'NO_SPACE' })
    await bob.manager.close()
    await expect(bob.manager.activate(his.key)).rejects.toMatchObject({ code: 'CLOSED' })
    for (const { manager } of [ada, stranger]) await manager.close()
  })

  test('that is damaged is listed with what is wrong, left as it is, and keeps no other from opening', async () => {
    const world = new World()
    const ada = await Person.join(world, 'ada')
    const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
    const cellar = await ada.manager.createSpace({ name: 'Cellar' })
    await ada.manager.close()
    const [entry] = await ada.storage.list(`feeds/${cellar.key.toHex()}/`)
    await ada.storage.transact([{ key: entry?.[0] ?? '', value: entry?.[1].map((byte) => byte ^ 1) }])
    const before = await ada.storage.list('')
    const damaged = async (code: string): Promise<void> => {
      const { manager } = await ada.restart(world, ada.storage)
      expect(manager.list().map(({ name }) => name)).toEqual(['Kitchen'])
      const error = expect.objectContaining({ code })
      const expected = [
        { key: kitchen.key, name: 'Kitchen', members: 1, state: 'ACTIVE' },
        { key: cellar.key, name: '', members: 0, state: 'DAMAGED', error },
      ]
      expect(manager.spaces()).toEqual(expected)
      await expect(manager.openSpace(cellar.key)).rejects.toMatchObject({ code })
      await manager.close()
    }
    await damaged('STORAGE_CORRUPT')
    expect(await ada.storage.list('')).toEqual(before)
    const record = (await ada.storage.get(storageKeys.record(cellar.key))) as Uint8Array
    record[1] = 9
    await ada.storage.transact([{ key: storageKeys.record(cellar.key), value: record }])
    await damaged('UNSUPPORTED_VERSION')
  })
})

describe('what a space lacks', () => {
  test('is nothing for its founder, and for a guest whose admission has it all', async () => {
    const { ada, bob, hers, his } = await setup()
    expect([hers.missing(), his.missing(), namesOf(his)]).toEqual([[], [], ['ada', 'bob']])
    await his.ready()
    for (const { manager } of [ada, bob]) await manager.close()
  })

  test('is said by kind while the history is on its way, and waited for', async () => {
    const world = new World()
    const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const candidate = await bob.candidate()
    const admission = await hers.admit(candidate, { role: 'EDITOR' })
    world.setOnline('ada', false)
    // As in a space that is too large for an admission.
    const his: Space = await bob.manager.acceptSpace({ ...admission, controlFeeds: [] }, candidate)
    const [head] = admission.heads
    expect(his.missing()).toEqual([
      { what: 'OWN_GRANT' },
      { what: 'ACTS', count: expect.any(Number) },
      { what: 'CONTROL_FEED', feed: head?.feed, have: 0, length: head?.length },
    ])
    await expect(his.ready({ signal: AbortSignal.abort(new Error('too long')) })).rejects.toThrow('too long')
    const ready = his.ready({ signal: AbortSignal.timeout(5_000) })
    world.setOnline('ada', true)
    await ready
    expect(his.missing()).toEqual([])
    for (const { manager } of [ada, bob]) await manager.close()
  })
})
