import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseInvitation } from '../../src/link/link.ts'
import { Attacker } from './attacker.ts'
import { answer, ended, MINUTE, namesOf, type Person, reached, statesOf, World } from './world.ts'

let world: World
let ada: Person
beforeEach(async () => {
  world = new World({ faults: { delayMs: [5, 60] } })
  ada = await world.person('ada')
})
afterEach(() => world.close())

describe('a multi-use invitation', () => {
  test('admits many guests side by side, and the host hears of each', async () => {
    const space = await ada.createSpace()
    const { link, code = '', observable } = await ada.invite(space, { multiUse: true })
    expect(code).toMatch(/^\d{8}$/)
    const told: boolean[] = []
    observable.subscribe({ onSuccess: ({ open }) => told.push(open === true) })
    const guests = await Promise.all([...'bcdefghijk'].map((name) => world.person(name)))
    const ends = guests.map((guest) => {
      const provider = guest.accept(link)
      answer(provider, code)
      return ended(provider)
    })
    expect(await world.clock.settle(Promise.all(ends))).toEqual(guests.map(() => 'SUCCESS'))
    expect(namesOf(space)).toEqual(['ada', ...guests.map(({ name }) => name)])
    expect(told).toEqual(guests.map(() => true))
    expect((await ada.record(link))?.progress).toEqual({
      life: 'OPEN',
      charged: 0,
      allowed: 3 + guests.length,
      admissions: guests.length,
    })
    await world.clock.advance(1_000)
    expect(observable.invitation).toMatchObject({ state: 'CONNECTING', open: false })
    await world.clock.advance(MINUTE)
    for (const guest of guests) expect(namesOf(guest.space)).toHaveLength(11)
  })

  test('with a number of uses admits so many, tells the others that it was used, and counts over restarts', async () => {
    const space = await ada.createSpace()
    for (const uses of [1, 2.5, 2_000_000])
      expect(() => ada.handler.createInvitation(space, { multiUse: true, uses })).toThrow(TypeError)
    expect(() => ada.handler.createInvitation(space, { uses: 2 })).toThrow(TypeError)
    const { link, code = '' } = await ada.invite(space, { multiUse: true, uses: 3 })
    await (await world.person('bob')).join({ link, code })
    const [observable] = await ada.restart()
    if (observable === undefined) throw new TypeError('nothing was restored')
    const guests = await Promise.all([...'cdefg'].map((name) => world.person(name)))
    const ends = guests.map((guest) => {
      const provider = guest.accept(link)
      answer(provider, code)
      return ended(provider)
    })
    const told = await world.clock.settle(Promise.all(ends))
    expect(told.filter((end) => end === 'SUCCESS')).toHaveLength(2)
    expect(told.filter((end) => end === 'ERROR REDEEMED')).toHaveLength(3)
    expect(await world.clock.settle(ended(observable))).toBe('SUCCESS')
    expect(observable.invitation.open).toBe(false)
    expect(ada.space?.members()).toHaveLength(4)
    expect((await ada.record(link))?.progress).toMatchObject({ life: 'REDEEMED', admissions: 3, charged: 0 })
    expect(await ada.restart()).toEqual([])
  })

  test('goes on after a restart, and knows whom it admitted', async () => {
    const { link, code } = await ada.invite(await ada.createSpace(), { multiUse: true })
    const bob = await world.person('bob')
    await bob.join({ link, code })
    const [restored] = await ada.restart()
    expect(restored?.invitation).toMatchObject({ state: 'CONNECTING', multiUse: true, link, authCode: code })
    await (await world.person('cem')).join({ link, code })
    expect(namesOf(ada.space)).toEqual(['ada', 'bob', 'cem'])
    expect(await ada.admitted()).toHaveLength(2)
  })

  test('for anybody with the link has to be said to be open, and then is', async () => {
    const space = await ada.createSpace()
    const door = { multiUse: true, authMethod: 'NONE' } as const
    expect(() => ada.handler.createInvitation(space, door)).toThrow(TypeError)
    const { link } = await ada.invite(space, { ...door, open: true })
    for (const name of ['bob', 'cem']) await (await world.person(name)).join({ link, code: undefined })
    expect(namesOf(space)).toEqual(['ada', 'bob', 'cem'])
  })

  test('lets others through while one guest stalls, whichever step it stalls at', async () => {
    const space = await ada.createSpace()
    const { link, code = '' } = await ada.invite(space, { multiUse: true })
    const stalled: Attacker[] = []
    for (const step of ['connected', 'greeted', 'shared'] as const) {
      const attacker = await Attacker.enter(world, parseInvitation(link))
      stalled.push(attacker)
      if (step !== 'connected') await world.clock.settle(attacker.greet())
      if (step === 'shared') await world.clock.settle(attacker.agree(code))
      const begun = world.clock.now()
      const guest = await world.person(step)
      expect((await guest.join({ link, code })).state).toBe('SUCCESS')
      expect(world.clock.now() - begun).toBeLessThan(2_000)
    }
    // Machines have ten seconds, the person that is to type has three minutes.
    const [connected, greeted, shared] = stalled as [Attacker, Attacker, Attacker]
    await world.clock.advance(11_000)
    expect(connected.isOpen).toBe(false)
    const silent = { type: 'refused', code: 'TIMED_OUT' }
    expect(await world.clock.settle(shared.read())).toMatchObject(silent)
    const waiting = greeted.read()
    await world.clock.advance(3 * MINUTE)
    expect(await world.clock.settle(waiting)).toMatchObject(silent)
    await world.clock.advance(100)
    expect(stalled.map(({ isOpen }) => isOpen)).toEqual([false, false, false])
    expect((await ada.record(link))?.progress).toMatchObject({ charged: 0, admissions: 3 })
    for (const attacker of stalled) await world.clock.settle(attacker.leave())
  })
})

describe('a single-use invitation', () => {
  test('with many guests admits exactly one, and tells the others that it was used', async () => {
    for (const authMethod of ['SHARED_SECRET', 'NONE'] as const) {
      const space = await ada.createSpace(authMethod)
      const { link, code, observable } = await ada.invite(space, { authMethod })
      const guests = await Promise.all([...'bcdef'].map((name) => world.person(name + authMethod)))
      const ends = guests.map((guest) => {
        const provider = guest.accept(link)
        if (code !== undefined) answer(provider, code)
        return ended(provider)
      })
      const told = (await world.clock.settle(Promise.all(ends))).sort()
      expect(told).toEqual([...Array<string>(4).fill('ERROR REDEEMED'), 'SUCCESS'])
      expect(await world.clock.settle(ended(observable))).toBe('SUCCESS')
      expect(namesOf(space)).toHaveLength(2)
      expect((await ada.record(link))?.progress).toMatchObject({
        life: 'REDEEMED',
        admissions: 1,
        charged: 0,
      })
    }
  })

  test('is released by a guest that gave the right code and then left', async () => {
    const space = await ada.createSpace()
    const { link, code = '' } = await ada.invite(space)
    const bob = await world.person('bob')
    const cem = await world.person('cem')
    const first = bob.accept(link)
    await world.clock.settle(reached(first, 'READY_FOR_AUTHENTICATION'))
    // Its message 5 is the third frame from now on; the connection breaks behind it.
    await first.authenticate(code)
    world.network.disconnect(bob.peer)
    bob.kill()
    expect((await cem.join({ link, code })).state).toBe('SUCCESS')
    expect(namesOf(space)).toEqual(['ada', 'cem'])
  })

  test('shows at the host how far the furthest guest is', async () => {
    const { link, code = '', observable } = await ada.invite(await ada.createSpace())
    const states = statesOf(observable)
    const bob = await world.person('bob')
    const cem = await world.person('cem')
    const slow = bob.accept(link)
    await world.clock.settle(reached(slow, 'READY_FOR_AUTHENTICATION'))
    const quick = cem.accept(link)
    answer(quick, code)
    expect(await world.clock.settle(ended(quick))).toBe('SUCCESS')
    expect(await world.clock.settle(ended(slow))).toBe('ERROR REDEEMED')
    expect(states).toEqual([
      'CONNECTING',
      'CONNECTED',
      'READY_FOR_AUTHENTICATION',
      'AUTHENTICATING',
      'SUCCESS',
    ])
  })
})

describe('two connections of one guest', () => {
  test('a newer one takes over from a silent one, and what the older says then changes nothing', async () => {
    const space = await ada.createSpace()
    const { link, code = '' } = await ada.invite(space)
    const older = await Attacker.enter(world, parseInvitation(link))
    await world.clock.settle(older.greet())
    await world.clock.settle(older.agree(code))
    // The same peer again: its first connection is superseded by the swarm.
    const newer = await older.again()
    await world.clock.settle(newer.greet())
    await world.clock.settle(newer.agree(code))
    await older.prove().catch(() => undefined)
    await world.clock.advance(100)
    await world.clock.settle(newer.prove())
    expect(await world.clock.settle(newer.read())).toMatchObject({ type: 'admitted' })
    expect(space.members()).toHaveLength(2)
    expect((await ada.record(link))?.progress).toMatchObject({ life: 'REDEEMED', charged: 0 })
    for (const one of [older, newer]) await world.clock.settle(one.leave())
  })
})
