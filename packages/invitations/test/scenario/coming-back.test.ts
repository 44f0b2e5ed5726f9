import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answer, ended, MINUTE, namesOf, type Person, reached, statesOf, World } from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  // Only relays lead to a browser, for one.
  ada = await world.person('ada', { reachable: false })
  bob = await world.person('bob')
})
afterEach(() => world.close())

describe('a guest that has met its host', () => {
  test('tries again for as long as it waits, though the host fails one time after the other', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const begun = world.clock.now()
    ada.setFate(({ what }) =>
      what.startsWith('invitations/host/') && world.clock.now() - begun < 25_000 ? 'lost' : 'done',
    )
    const provider = bob.accept(link)
    // One that goes out twice without a verdict is asked for again.
    answer(provider, code, code, code, code, code, code)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect(world.clock.now() - begun).toBeLessThan(MINUTE)
    expect(namesOf(ada.space)).toEqual(['ada', 'bob'])
  })

  test('finds it after its restart, though the old connection still seems to be there', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    const states = statesOf(provider)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    // The machine loses its power: nothing tells the guest.
    world.network.setFaults({ delayMs: 10 * MINUTE })
    ada.kill()
    world.network.setFaults({ delayMs: 20 })
    await ada.restart()
    await world.clock.advance(MINUTE)
    await provider.authenticate(code)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect(states).toEqual([
      'INIT',
      'CONNECTING',
      'CONNECTED',
      'READY_FOR_AUTHENTICATION',
      'AUTHENTICATING',
      'SUCCESS',
    ])
    await world.clock.advance(10 * MINUTE)
  })

  test('does not look for it again while it stores what the host has said at last', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const { spaceManager } = bob.running
    const accept = spaceManager.acceptSpace.bind(spaceManager)
    let opens = 0
    const slowly = vi.spyOn(spaceManager, 'acceptSpace').mockImplementation(async (...given) => {
      opens = world.network.opens.length
      await new Promise<void>((resolve) => world.clock.after(8_000, resolve))
      return accept(...given)
    })
    const provider = bob.accept(link)
    answer(provider, code)
    await world.clock.advance(4_000)
    expect([slowly.mock.calls.length, provider.invitation.state]).toEqual([1, 'AUTHENTICATING'])
    expect(world.network.opens.slice(opens)).toEqual([])
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
  })

  test('gives up when its time is over, and leaves nothing running', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link, { timeout: 2 * MINUTE })
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    ada.kill()
    await provider.authenticate(code)
    const begun = world.clock.now()
    expect(await world.clock.settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
    expect(world.clock.now() - begun).toBe(2 * MINUTE)
  })
})
