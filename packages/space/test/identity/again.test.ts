import { describe, expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { bring, Person, textsOf, until, World } from '../world.ts'
import { spacesOf, untilIdentity } from './stage.ts'

/** Bob with a phone, both in Ada's kitchen. */
async function bobsDevices() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(kitchen, bob)
  const phone = await bob.secondDevice(world, 'phone')
  const phones = phone.manager.get(kitchen.key) as Space
  await until(kitchen, () => kitchen.peers().length === 2)
  const close = (...others: Person[]) =>
    Promise.all([ada, bob, phone, ...others].map(({ manager }) => manager.close()))
  return { world, ada, bob, phone, kitchen, his, phones, close }
}

const has = (space: Space, ...texts: string[]) => until(space, () => textsOf(space).join() === texts.join())

describe('an identity that is admitted again by one of its devices', () => {
  test('is back with the other as well, which hears of it in the space of their own', async () => {
    const { bob, kitchen, his, phones, close } = await bobsDevices()
    await phones.write('before')
    for (const space of [kitchen, his]) await has(space, 'before')
    await kitchen.removeMember(bob.signingContext.identityKey)
    for (const space of [his, phones]) await until(space, () => space.removal !== undefined)
    expect(await bring(kitchen, bob)).toBe(his)
    await until(phones, () => phones.removal === undefined)
    await until(kitchen, () => kitchen.peers().length === 2)
    await phones.ready()
    await phones.write('after')
    for (const space of [kitchen, his, phones]) await has(space, 'before', 'after')
    await close()
  })

  test('after leaving, with one that was off meanwhile, and after a restart', async () => {
    const { world, bob, phone, kitchen, his, close } = await bobsDevices()
    await phone.manager.close()
    await his.leave()
    await until(kitchen, () => kitchen.roleOf(bob.signingContext.identityKey) === undefined)
    await bring(kitchen, bob)
    const back = await phone.restart(world, phone.storage)
    const again = back.manager.get(kitchen.key) as Space
    await untilIdentity(back, () => again.peers().length === 2)
    await again.synced()
    expect(again.removal).toBeUndefined()
    await again.ready()
    await again.write('hello')
    await has(kitchen, 'hello')
    await back.manager.close()
    const later = await phone.restart(world, phone.storage)
    expect(spacesOf(later)).toEqual(['Kitchen'])
    await (later.manager.get(kitchen.key) as Space).write('hello again')
    await has(kitchen, 'hello', 'hello again')
    await close(later)
  })

  test('with one that meets nobody in that space, until it does', async () => {
    const { bob, phone, kitchen, his, phones, close } = await bobsDevices()
    await kitchen.removeMember(bob.signingContext.identityKey)
    for (const space of [his, phones]) await until(space, () => space.removal !== undefined)
    await phone.manager.deactivate(kitchen.key)
    await bring(kitchen, bob)
    await until(phones, () => phones.removal === undefined)
    expect(phones.peers()).toEqual([])
    expect(await phone.manager.activate(kitchen.key)).toBe(phones)
    await phones.ready()
    await phones.write('here')
    for (const space of [kitchen, his]) await has(space, 'here')
    await close()
  })

  test('after the one left and the other, which heard of it, is let in', async () => {
    const { bob, phone, kitchen, his, phones, close } = await bobsDevices()
    await his.leave()
    await until(phones, () => phones.removal !== undefined)
    expect(await bring(kitchen, phone)).toBe(phones)
    await until(his, () => his.removal === undefined)
    await his.ready()
    await his.write('both are back')
    await has(kitchen, 'both are back')
    expect([spacesOf(bob), spacesOf(phone)]).toEqual([['Kitchen'], ['Kitchen']])
    await close()
  })
})
