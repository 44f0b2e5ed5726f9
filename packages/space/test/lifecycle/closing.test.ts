import { describe, expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { bring, Person, textsOf, until, World } from '../world.ts'

/** Ada's space with Bob, both connected. */
async function setup() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await until(hers, () => hers.peers().length === 1)
  const close = () => Promise.all([ada, bob].map(({ manager }) => manager.close()))
  return { world, ada, bob, hers, his, close }
}

describe('a space that is closed', () => {
  test('leaves the others, refuses what is asked of it, and is open again when it is asked for', async () => {
    const { bob, hers, his, close } = await setup()
    const written = his.write('the last before')
    const closing = [his.close(), his.close()]
    await expect(his.write('too late')).rejects.toMatchObject({ code: 'CLOSED' })
    await Promise.all(closing)
    await his.close()
    await written
    await until(hers, () => hers.peers().length === 0)
    expect([his.state, bob.manager.get(his.key), bob.manager.list()]).toEqual(['closed', undefined, []])
    expect(bob.manager.spaces()).toEqual([{ key: his.key, name: 'Kitchen', members: 2, state: 'CLOSED' }])
    await hers.write('while he is away')
    const again = await bob.manager.openSpace(his.key)
    expect([again.state, bob.manager.get(his.key)]).toEqual(['open', again])
    expect(await bob.manager.openSpace(his.key)).toBe(again)
    await until(again, () => again.messages().length === 2)
    await again.write('and on')
    await until(hers, () => hers.messages().length === 3)
    expect(textsOf(hers).sort()).toEqual(['and on', 'the last before', 'while he is away'])
    expect(bob.manager.spaces()).toMatchObject([{ state: 'ACTIVE' }])
    await close()
  })

  test('closes with its block, and is active at the next start', async () => {
    const { world, bob, hers, his, close } = await setup()
    {
      await using space = his
      await space.write('in the block')
    }
    expect([his.state, bob.manager.spaces()[0]?.state]).toEqual(['closed', 'CLOSED'])
    await close()
    const again = await bob.restart(world, bob.storage)
    expect(again.manager.spaces()).toMatchObject([{ key: hers.key, state: 'ACTIVE' }])
    expect(textsOf(again.manager.list()[0] as Space)).toContain('in the block')
    await again.manager.close()
  })

  test('is opened only when nothing of it runs any more, however often that is asked', async () => {
    const { bob, his, close } = await setup()
    const written = Promise.all(['one', 'two', 'three'].map((text) => his.write(text)))
    const closing = his.close()
    const opened = await Promise.all([bob.manager.openSpace(his.key), bob.manager.openSpace(his.key)])
    await Promise.all([written, closing])
    expect(opened[0]).toBe(opened[1])
    expect(textsOf(opened[0] as Space)).toEqual(['one', 'two', 'three'])
    await opened[0]?.write('four')
    expect(textsOf(opened[0] as Space)).toEqual(['one', 'two', 'three', 'four'])
    await close()
  })

  test('can be deactivated, activated, and taken up again by an admission', async () => {
    const { world, bob, hers, his, close } = await setup()
    await his.close()
    await bob.manager.deactivate(his.key)
    expect(bob.manager.spaces()).toMatchObject([{ name: 'Kitchen', members: 2, state: 'INACTIVE' }])
    const asleep = await bob.manager.openSpace(his.key)
    expect([asleep.peers(), asleep.state]).toEqual([[], 'open'])
    await asleep.close()
    expect(bob.manager.spaces()).toMatchObject([{ state: 'INACTIVE' }])
    const active = await bob.manager.activate(his.key)
    await until(hers, () => hers.peers().length === 1)
    await active.close()
    await hers.removeMember(bob.signingContext.identityKey)
    world.setOnline('bob', false)
    const back = await bob.manager.openSpace(his.key)
    world.setOnline('bob', true)
    await until(back, () => back.removal !== undefined)
    await back.close()
    expect((await bring(hers, bob)).removal).toBeUndefined()
    await close()
  })

  test('is no other’s business: its manager closes, and the rest goes on', async () => {
    const { ada, hers, close } = await setup()
    const cellar = await ada.manager.createSpace({ name: 'Cellar' })
    await cellar.close()
    await hers.write('still here')
    expect(ada.manager.list()).toEqual([hers])
    await close()
    await cellar.close()
    expect(ada.manager.spaces()).toEqual([])
  })
})
