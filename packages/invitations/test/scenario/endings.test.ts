import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  answer,
  ended,
  HOUR,
  MINUTE,
  namesOf,
  type Person,
  reached,
  statesOf,
  World,
  wrong,
} from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(() => world.close())

describe('time', () => {
  test('runs out for a guest that finds nobody', async () => {
    const { link } = await ada.invite(await ada.createSpace())
    await ada.stop()
    const begun = world.clock.now()
    const provider = bob.accept(link, { timeout: 2 * MINUTE })
    expect(await world.clock.settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
    expect(world.clock.now() - begun).toBe(2 * MINUTE)
  })

  test('runs out for a guest whose person gives no code, and the host stays for the next', async () => {
    const space = await ada.createSpace()
    const { link, code, observable } = await ada.invite(space)
    const provider = bob.accept(link)
    const states = statesOf(provider)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    const begun = world.clock.now()
    expect(await world.clock.settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
    expect(world.clock.now() - begun).toBe(3 * MINUTE)
    expect(states.at(-1)).toBe('TIMEOUT')
    await world.clock.advance(1_000)
    expect(observable.invitation.state).toBe('CONNECTING')
    await expect(provider.authenticate(code ?? '')).rejects.toMatchObject({ code: 'CODE_NOT_WANTED' })
    expect((await bob.join({ link, code })).state).toBe('SUCCESS')
  })

  test('spent waiting for the host is not taken from the person', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    ada.kill()
    const provider = bob.accept(link)
    await world.clock.advance(2 * MINUTE)
    await ada.restart()
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.advance(2 * MINUTE)
    await provider.authenticate(code)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
  })
})

describe('a host that cancels', () => {
  test('ends a guest that is being asked for the code, and turns away later ones, after a restart too', async () => {
    const { link, code = '', observable } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.settle(observable.cancel())
    expect(observable.invitation.state).toBe('CANCELLED')
    expect((await ada.record(link))?.progress.life).toBe('CANCELLED')
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    const late = bob.accept(link)
    expect(await world.clock.settle(ended(late))).toBe('CANCELLED CANCELLED')
    expect(await ada.restart()).toEqual([])
    const later = bob.accept(link)
    answer(later, code)
    expect(await world.clock.settle(ended(later))).toBe('CANCELLED CANCELLED')
    expect(namesOf(ada.space)).toEqual(['ada'])
    // Once more changes nothing.
    await observable.cancel()
  })

  test('at once, before the invitation could be found, leaves one that nobody gets in by', async () => {
    const observable = ada.handler.createInvitation(await ada.createSpace())
    await world.clock.settle(observable.cancel())
    expect(await world.clock.settle(ended(observable))).toBe('CANCELLED CANCELLED')
    expect(await ada.restart()).toEqual([])
  })

  test('while a guest’s code is being checked either has admitted it or never does', async () => {
    for (const afterMs of [0, 20, 40, 60, 80, 100]) {
      const space = await ada.createSpace()
      const { link, code = '', observable } = await ada.invite(space)
      const guest = await world.person(`guest ${afterMs}`)
      const provider = guest.accept(link)
      await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
      await provider.authenticate(code)
      await world.clock.advance(afterMs)
      await world.clock.settle(observable.cancel())
      const admitted = namesOf(space).length
      const told = await world.clock.settle(ended(provider))
      expect([told, namesOf(space).length]).toEqual([
        admitted === 2 ? 'SUCCESS' : 'CANCELLED CANCELLED',
        admitted,
      ])
    }
  })

  test('whose disk fails is told so, admits nobody meanwhile, and may try again', async () => {
    const { link, code = '', observable } = await ada.invite(await ada.createSpace())
    ada.setFate(({ what }) => (what.startsWith('invitations/host/') ? 'lost' : 'done'))
    await expect(world.clock.settle(observable.cancel())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(observable.invitation.state).toBe('CONNECTING')
    const provider = bob.accept(link)
    answer(provider, code)
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    ada.setFate(() => 'done')
    await world.clock.settle(observable.cancel())
    expect(observable.invitation.state).toBe('CANCELLED')
    expect(namesOf(ada.space)).toEqual(['ada'])
  })
})

describe('a guest that leaves', () => {
  test('while it is asked for the code keeps nothing, and the host stays for the next', async () => {
    const space = await ada.createSpace()
    const { link, code, observable } = await ada.invite(space)
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.settle(provider.cancel())
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    expect(await bob.stored('invitations/')).toEqual([])
    await world.clock.advance(1_000)
    expect(observable.invitation.state).toBe('CONNECTING')
    const cem = await world.person('cem')
    await cem.join({ link, code })
    expect(namesOf(space)).toEqual(['ada', 'cem'])
  })

  test('before it was connected is not in the swarm any more', async () => {
    const { link } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(provider.cancel())
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    await world.clock.advance(MINUTE)
    expect(world.network.channels).toBe(0)
  })

  test('and comes back at once is served anew', async () => {
    const { link, code } = await ada.invite(await ada.createSpace())
    const turns = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    for (const microtasks of turns) {
      const provider = bob.accept(link)
      for (let i = 0; i < microtasks; i++) await Promise.resolve()
      void provider.cancel()
      expect(provider.invitation.state).toBe('CANCELLED')
    }
    expect((await bob.join({ link, code })).state).toBe('SUCCESS')
  })

  test('by closing its application ends at once, also while it is still looking', async () => {
    const { link } = await ada.invite(await ada.createSpace())
    await ada.stop()
    const begun = world.clock.now()
    const provider = bob.accept(link)
    await world.clock.advance(1_000)
    await world.clock.settle(bob.handler.close())
    expect(provider.invitation.state).toBe('CANCELLED')
    expect(world.clock.now() - begun).toBeLessThan(MINUTE)
  })

  test('because its disk failed leaves the host waiting for the next', async () => {
    const space = await ada.createSpace()
    const { link, code, observable } = await ada.invite(space)
    bob.setFate(({ what }) => (what.startsWith('invitations/guest/') ? 'lost' : 'done'))
    const provider = bob.accept(link)
    answer(provider, code ?? '')
    expect(await world.clock.settle(ended(provider))).toBe('ERROR STORAGE_FAILED')
    await world.clock.advance(1_000)
    expect(observable.invitation.state).toBe('CONNECTING')
    const cem = await world.person('cem')
    await cem.join({ link, code })
    // Had its disk failed one write later, it would be a member that may ask for its credentials again.
    expect(namesOf(space)).toEqual(['ada', 'cem'])
  })

  test('because its disk failed after it was admitted gets its membership later', async () => {
    const space = await ada.createSpace()
    const { link, code } = await ada.invite(space)
    bob.setFate(({ what }) => (what.startsWith('space') ? 'lost' : 'done'))
    const provider = bob.accept(link)
    answer(provider, code ?? '')
    expect(await world.clock.settle(ended(provider))).toBe('ERROR STORAGE_FAILED')
    expect(namesOf(space)).toEqual(['ada', 'bob'])
    bob.setFate(() => 'done')
    expect(await bob.join({ link, code })).toMatchObject({ state: 'SUCCESS' })
    expect(bob.space?.roleOf(bob.identityKey)).toBe('EDITOR')
    expect(await ada.admitted()).toHaveLength(1)
  })

  test('with three wrong codes of a multi-use invitation leaves the host open for those who know it', async () => {
    const space = await ada.createSpace()
    const { link, code, observable } = await ada.invite(space, { multiUse: true })
    const cem = await world.person('cem')
    await cem.join({ link, code })
    const provider = bob.accept(link)
    answer(provider, wrong(code), wrong(code, 2), wrong(code, 3))
    expect(await world.clock.settle(ended(provider))).toBe('ERROR WRONG_CODE')
    await world.clock.advance(1_000)
    expect(observable.invitation.state).toBe('CONNECTING')
    expect((await bob.join({ link, code })).state).toBe('SUCCESS')
  })
})

describe('an invitation that has expired', () => {
  test('is over for a guest that is being asked, whatever the guest’s clock says', async () => {
    const space = await ada.createSpace()
    for (const skewMs of [-24 * HOUR, 0, 24 * HOUR]) {
      const guest = await world.person(`off by ${skewMs}`, { skewMs })
      const { link, observable } = await ada.invite(space, { lifetime: 60 })
      const provider = guest.accept(link)
      await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
      await world.clock.advance(MINUTE)
      expect(await world.clock.settle(ended(provider))).toBe('EXPIRED EXPIRED')
      expect(await world.clock.settle(ended(observable))).toBe('EXPIRED EXPIRED')
    }
    expect(namesOf(space)).toEqual(['ada'])
  })

  test('stays so after a restart, for late guests as well', async () => {
    const { link } = await ada.invite(await ada.createSpace(), { lifetime: 60 })
    await ada.stop()
    await world.clock.advance(HOUR)
    await ada.restart()
    expect((await ada.record(link))?.progress.life).toBe('EXPIRED')
    for (const skewMs of [-24 * HOUR, 24 * HOUR]) {
      const guest = await world.person(`off by ${skewMs}`, { skewMs })
      expect(await world.clock.settle(ended(guest.accept(link)))).toBe('EXPIRED EXPIRED')
    }
  })

  test('for more than two days is wiped, and refused by guests themselves', async () => {
    const { link } = await ada.invite(await ada.createSpace(), { lifetime: 60 })
    await world.clock.advance(49 * HOUR)
    await ada.restart()
    expect(await ada.record(link)).toBeUndefined()
    expect(await world.clock.settle(ended(bob.accept(link)))).toBe('EXPIRED EXPIRED')
  })
})

describe('an invitation that was used', () => {
  test('is told apart from one that never was', async () => {
    const { link, code } = await ada.invite(await ada.createSpace())
    await bob.join({ link, code })
    const cem = await world.person('cem')
    expect(await world.clock.settle(ended(cem.accept(link)))).toBe('ERROR REDEEMED')
    await ada.restart()
    expect(await world.clock.settle(ended(cem.accept(link)))).toBe('ERROR REDEEMED')
    expect(await ada.admitted()).toHaveLength(1)
  })
})
