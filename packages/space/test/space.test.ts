import { describe, expect, test } from 'vitest'
import { MemoryStorage, SpaceManager, type StorageWrite } from '../src/index.ts'
import { bring, namesOf, Person, stillClock, textsOf, until, World } from './world.ts'

const signal = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(5_000) })

describe('a space', () => {
  test('is made with its founder as owner, and its key is destroyed', async () => {
    const ada = await Person.join(new World(), 'ada')
    const before = (await ada.keyring.list()).length
    const space = await ada.manager.createSpace({ name: 'Kitchen' })
    expect([space.name, space.state, namesOf(space)]).toEqual(['Kitchen', 'open', ['ada']])
    expect(space.roleOf(ada.signingContext.identityKey)).toBe('OWNER')
    expect(space.genesis?.id).toBe(space.genesisId)
    expect(await ada.keyring.has(space.key)).toBe(false)
    expect((await ada.keyring.list()).length).toBe(before + 2)
    expect(ada.manager.get(space.key)).toBe(space)
    await ada.manager.close()
    expect(space.state).toBe('closed')
  })

  test('with a guest: both know each other at once, and write to each other', async () => {
    const world = new World()
    const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    await hers.write('before you came')
    const his = await bring(hers, bob)
    expect([namesOf(his), his.name]).toEqual([['ada', 'bob'], 'Kitchen'])
    expect(namesOf(hers)).toEqual(['ada', 'bob'])
    await his.synced(signal())
    expect(textsOf(his)).toEqual(['before you came'])
    await his.write('hello')
    await his.write(Uint8Array.of(1, 2, 3))
    await his.delivered(signal())
    expect(textsOf(hers)).toEqual(['before you came', 'hello', undefined])
    expect(hers.messages()).toEqual(his.messages())
    const last = hers.messages().at(-1)
    expect([last?.author, last?.bytes]).toEqual([bob.signingContext.identityKey, Uint8Array.of(1, 2, 3)])
    await Promise.all([ada.manager.close(), bob.manager.close()])
  })

  test('shows a third member to the second, and connects them', async () => {
    const world = new World()
    const [ada, bob, cem] = await Promise.all(['ada', 'bob', 'cem'].map((name) => Person.join(world, name)))
    const hers = await (ada as Person).manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob as Person)
    const third = await bring(hers, cem as Person)
    await until(his, () => namesOf(his).length === 3)
    world.setOnline('ada', false)
    world.reconnect('bob')
    await third.write('bob?')
    await until(his, () => textsOf(his).includes('bob?'))
    world.setOnline('ada', true)
    await until(hers, () => textsOf(hers).includes('bob?'))
    await Promise.all([ada, bob, cem].map((one) => one?.manager.close()))
  })

  test('lets in a member of whom the second has not heard, and learns of it from them', async () => {
    const world = new World()
    const people = await Promise.all(['ada', 'bob', 'cem'].map((name) => Person.join(world, name)))
    const [ada, bob, cem] = people as [Person, Person, Person]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob)
    world.setOnline('bob', false)
    const third = await bring(hers, cem)
    await third.write('bob?')
    await third.delivered(signal())
    world.setOnline('ada', false)
    expect(namesOf(his)).toEqual(['ada', 'bob'])
    world.setOnline('bob', true)
    await until(his, () => textsOf(his).includes('bob?'))
    expect(namesOf(his)).toEqual(['ada', 'bob', 'cem'])
    await Promise.all(people.map((one) => one.manager.close()))
  })

  test('lets an admin who was admitted admit others, and an editor or reader not', async () => {
    const world = new World()
    const people = await Promise.all(['ada', 'bob', 'cem', 'dan'].map((name) => Person.join(world, name)))
    const [ada, bob, cem, dan] = people as [Person, Person, Person, Person]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob, 'ADMIN')
    const third = await bring(his, cem, 'READER')
    expect(namesOf(third)).toEqual(['ada', 'bob', 'cem'])
    await until(hers, () => namesOf(hers).length === 3)
    await expect(bring(his, dan, 'OWNER')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(bring(third, dan, 'READER')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(third.write('no')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect([his.mayAdmit('ADMIN'), his.mayAdmit('OWNER'), third.mayAdmit('READER')]).toEqual([
      true,
      false,
      false,
    ])
    await Promise.all(people.map((one) => one.manager.close()))
  })

  test('is the same after a restart, and goes on from there', async () => {
    const world = new World()
    const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob)
    await hers.write('one')
    await his.write('two')
    await until(hers, () => hers.messages().length === 2)
    const before = hers.messages()
    await ada.manager.close()
    await his.write('three')
    const again = await ada.restart(world, ada.storage)
    const hersAgain = again.manager.get(hers.key)
    if (hersAgain === undefined) throw new Error('the space is gone')
    expect(hersAgain.messages().slice(0, 2)).toEqual(before)
    await until(hersAgain, () => hersAgain.messages().length === 3)
    await hersAgain.write('four')
    await hersAgain.delivered(signal())
    expect(textsOf(his)).toEqual(textsOf(hersAgain))
    expect(namesOf(hersAgain)).toEqual(['ada', 'bob'])
    await Promise.all([again.manager.close(), bob.manager.close()])
  })

  test('keeps what was written apart, in one order for all who have it', async () => {
    const world = new World()
    const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob)
    world.setOnline('bob', false)
    for (const n of [1, 2, 3]) await hers.write(`ada ${n}`)
    for (const n of [1, 2, 3]) await his.write(`bob ${n}`)
    world.setOnline('bob', true)
    await until(hers, () => hers.messages().length === 6)
    await until(his, () => his.messages().length === 6)
    expect(textsOf(hers)).toEqual(textsOf(his))
    const own = textsOf(hers).filter((text) => text?.startsWith('ada'))
    expect(own).toEqual(['ada 1', 'ada 2', 'ada 3'])
    await hers.write('after all')
    await until(his, () => his.messages().length === 7)
    expect(textsOf(his).at(-1)).toBe('after all')
    await Promise.all([ada.manager.close(), bob.manager.close()])
  })

  test('refuses what is too large, and anything after closing', async () => {
    const ada = await Person.join(new World(), 'ada')
    const space = await ada.manager.createSpace({ name: 'Kitchen' })
    await expect(space.write('x'.repeat(70_000))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    const waiting = space.delivered()
    await ada.manager.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(space.write('late')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(ada.manager.createSpace({ name: 'x' })).rejects.toMatchObject({ code: 'CLOSED' })
    await ada.manager.close()
  })

  test('that could not be stored leaves nothing behind', async () => {
    const ada = await Person.join(new World(), 'ada')
    const full = new FailingStorage()
    const manager = new SpaceManager({
      storage: full,
      keyring: ada.keyring,
      signingContext: ada.signingContext,
      networkManager: new World().networkManager('x'),
      clock: stillClock,
    })
    await manager.open()
    const keys = (await ada.keyring.list()).length
    full.failing = true
    await expect(manager.createSpace({ name: 'Kitchen' })).rejects.toThrow('disk on fire')
    expect([manager.list(), (await ada.keyring.list()).length]).toEqual([[], keys])
    full.failing = false
    const space = await manager.createSpace({ name: 'Kitchen' })
    full.failing = true
    await expect(space.write('lost')).rejects.toThrow('disk on fire')
    const bob = await Person.join(new World(), 'bob')
    const candidate = await bob.candidate()
    const members = namesOf(space)
    await expect(space.admit(candidate, { role: 'EDITOR' })).rejects.toThrow('disk on fire')
    expect([space.messages(), namesOf(space)]).toEqual([[], members])
    full.failing = false
    await space.write('kept')
    await space.admit(candidate, { role: 'EDITOR' })
    expect([textsOf(space), namesOf(space)]).toEqual([['kept'], ['ada', 'bob']])
    await manager.close()
  })
})

class FailingStorage extends MemoryStorage {
  failing = false
  override async transact(writes: readonly StorageWrite[]): Promise<void> {
    if (this.failing) throw new Error('disk on fire')
    await super.transact(writes)
  }
}
