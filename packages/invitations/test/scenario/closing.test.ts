import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InvitationError } from '../../src/index.ts'
import { answer, ended, type Person, World } from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(() => world.close())

const closed = expect.toSatisfy((e) => e instanceof InvitationError && e.code === 'CLOSED')

describe('a handler', () => {
  test('that is closed neither makes nor accepts invitations', async () => {
    const space = await ada.createSpace()
    const { link } = await ada.invite(space)
    await ada.handler.close()
    await bob.handler.close()
    expect(() => ada.handler.createInvitation(space)).toThrow(closed)
    expect(() => bob.handler.acceptInvitation(link)).toThrow(closed)
  })

  test('says so when the network can’t be used, and nothing stays behind', async () => {
    const { link } = await ada.invite(await ada.createSpace())
    await bob.running.networkManager.stop()
    expect(await world.clock.settle(ended(bob.accept(link)))).toBe('ERROR NETWORK_FAILED')
    await bob.running.networkManager.start()
  })

  test('leaves no listener on a signal that outlives its invitations', async () => {
    const { signal } = new AbortController()
    const { link, code, observable } = await ada.invite(await ada.createSpace(), { signal })
    const provider = bob.accept(link, { signal })
    answer(provider, code ?? '')
    await world.clock.settle(Promise.all([provider.result(), observable.result()]))
    await world.clock.advance(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
