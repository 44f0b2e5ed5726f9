import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { recordKeys } from '../../src/records.ts'
import { ended, type Person, reached, World, wrong } from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(() => world.close())

const leftBy = async ({ running }: Person) => ({
  keys: (await running.keyring.list()).length,
  acceptances: (await running.storage.list(recordKeys.acceptances)).length,
})

describe('a guest that gives up', () => {
  test('before it gave a code leaves neither keys nor records', async () => {
    const before = await leftBy(bob)
    const { link } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.settle(provider.cancel())
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    expect(await leftBy(bob)).toEqual(before)
  })

  test('after a wrong code keeps the keys that its host has heard of, for the next try, and joins with them', async () => {
    const before = await leftBy(bob)
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await provider.authenticate(wrong(code))
    await world.clock.settle(reached(provider, 'AUTHENTICATING'))
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.settle(provider.cancel())
    expect(await leftBy(bob)).toEqual({ keys: before.keys + 2, acceptances: before.acceptances + 1 })
    expect((await bob.join({ link, code })).state).toBe('SUCCESS')
    expect(await leftBy(bob)).toEqual({ keys: before.keys + 2, acceptances: before.acceptances })
  })
})
