import type { Space } from '@vestibule/space'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, ended, namesOf, type Person, reached, World } from './scenario/world.ts'

let world: World
let ada: Person
let bob: Person
let cem: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
  cem = await world.person('cem')
})
afterEach(() => world.close())

const spaceOf = ({ space }: Person): Space => {
  if (space === undefined) throw new Error('there is no space')
  return space
}

const remove = (person: Person) =>
  world.clock.settle(spaceOf(ada).removeMember(person.running.signingContext.identityKey))

describe('a link for many', () => {
  test('is cancelled as soon as somebody who came by it is removed', async () => {
    const invited = await ada.invite(await ada.createSpace(), { multiUse: true })
    await bob.join(invited)
    await cem.join(invited)
    const over = reached(invited.observable, 'CANCELLED')
    await remove(bob)
    await world.clock.settle(over)
    expect(namesOf(ada.space)).toEqual(['ada', 'cem'])
    expect((await ada.record(invited.link))?.progress.life).toBe('CANCELLED')
  })

  test('is cancelled when its host hears of the removal only while it does not serve', async () => {
    const invited = await ada.invite(await ada.createSpace(), { multiUse: true })
    await bob.join(invited)
    await world.clock.settle(ada.handler.close())
    await remove(bob)
    expect(await ada.restart()).toHaveLength(1)
    await world.clock.advance(1_000)
    expect((await ada.record(invited.link))?.progress.life).toBe('CANCELLED')
  })

  test('stays when somebody who came by it leaves', async () => {
    const invited = await ada.invite(await ada.createSpace(), { multiUse: true })
    await bob.join(invited)
    await world.clock.settle(spaceOf(bob).leave())
    await world.clock.settle(spaceOf(bob).delivered())
    await cem.join(invited)
    expect(namesOf(ada.space)).toEqual(['ada', 'cem'])
    expect(spaceOf(bob).removal).toBeDefined()
  })
})

describe('somebody who was removed', () => {
  test('is not admitted by a link that is older than that, whoever made it', async () => {
    const space = await ada.createSpace()
    await bob.join(await ada.invite(space))
    const older = await ada.invite(space)
    await remove(bob)
    await world.clock.advance(1_000)
    const provider = bob.accept(older.link)
    answer(provider, older.code ?? '')
    expect(await world.clock.settle(ended(provider))).toBe('ERROR NOT_ALLOWED')
    expect(namesOf(space)).toEqual(['ada'])
  })

  test('is a member again by a link that was made for it since, in the space that it had', async () => {
    const space = await ada.createSpace()
    await bob.join(await ada.invite(space))
    const before = spaceOf(bob)
    await remove(bob)
    await world.clock.advance(1_000)
    expect(before.removal).toBeDefined()
    const result = await bob.join(await ada.invite(space))
    expect(result).toMatchObject({ state: 'SUCCESS', spaceName: 'Kitchen' })
    expect([bob.space, before.removal]).toEqual([before, undefined])
    expect(namesOf(space)).toEqual(['ada', 'bob'])
    await world.clock.settle(before.write('back'))
    await world.clock.settle(before.delivered())
    expect(space.messages().map(({ text }) => text)).toEqual(['back'])
  })
})
