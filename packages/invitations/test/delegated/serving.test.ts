import { afterEach, describe, expect, test } from 'vitest'
import { parseInvitation, SpaceInvitationsHandler } from '../../src/index.ts'
import { answer, asked, ended, namesOf, reached, type World, wrong } from '../scenario/world.ts'
import { kitchen, servedBy, spaceOf } from './kitchen.ts'

let world: World | undefined
afterEach(() => world?.close())
const at = async (...args: Parameters<typeof kitchen>) => {
  const made = await kitchen(...args)
  world = made.world
  return made
}

describe('a delegated invitation', () => {
  test('is served with its code by another member while its author is away, at the role that its author gave', async () => {
    const { world, ada, bob, bobs, delegate } = await at()
    const invited = await delegate({ role: 'READER' })
    expect(parseInvitation(invited.link).type).toBe('DELEGATED')
    expect(invited.observable.invitation).toMatchObject({ type: 'DELEGATED', state: 'CONNECTING' })
    expect([servedBy(ada), servedBy(bob)]).toEqual([['CONNECTING'], ['CONNECTING']])
    await ada.stop()
    const cem = await world.person('cem')
    const provider = cem.accept(invited.link)
    answer(provider, invited.code ?? '')
    const joined = await world.clock.settle(provider.result())
    expect(joined).toMatchObject({
      state: 'SUCCESS',
      inviterName: 'ada',
      role: 'READER',
      spaceName: 'Kitchen',
    })
    expect(bobs().roleOf(cem.identityKey)).toBe('READER')
    expect(servedBy(bob)).toEqual([])
    // Its author hears of it, and serves it no more.
    await ada.start()
    await world.clock.advance(10_000)
    expect(namesOf(spaceOf(ada))).toEqual(['ada', 'bob', 'cem'])
    const [delegation] = spaceOf(ada).delegations()
    expect(delegation).toMatchObject({ ended: 'REDEEMED', redeemedBy: [cem.identityKey] })
    expect(servedBy(ada)).toEqual([])
    const late = (await world.person('dan')).accept(invited.link)
    expect(await world.clock.settle(ended(late))).toBe('ERROR REDEEMED')
  })

  test('is served by its author too, who hears of the guest', async () => {
    const { world, bob, hers, delegate } = await at()
    const { link, code, observable } = await delegate({ history: 'none' })
    await bob.stop()
    await (await world.person('cem')).join({ link, code })
    expect(await world.clock.settle(ended(observable))).toBe('SUCCESS')
    expect(namesOf(hers)).toEqual(['ada', 'bob', 'cem'])
    const grant = hers.membership.credentials().find(({ claim }) => 'delegation' in claim)
    expect(grant?.claim).toMatchObject({ type: 'SpaceMember', role: 'EDITOR', history: 'none' })
  })

  test('is served with its link alone, and for several, where its author says so', async () => {
    const { world, ada, hers, delegate } = await at()
    const { link } = await delegate({ authMethod: 'NONE', multiUse: true, uses: 2, open: true })
    await ada.stop()
    for (const name of ['cem', 'dan']) await (await world.person(name)).join({ link, code: undefined })
    const late = (await world.person('eva')).accept(link)
    expect(await world.clock.settle(ended(late))).toBe('ERROR REDEEMED')
    await ada.start()
    await world.clock.advance(10_000)
    expect(namesOf(spaceOf(ada))).toEqual(['ada', 'bob', 'cem', 'dan'])
    expect(hers.name).toBe('Kitchen')
  })

  test('for a known identity is served to nobody else, whoever serves it', async () => {
    const { world, ada, hers, delegate } = await at()
    const [cem, dan] = [await world.person('cem'), await world.person('dan')]
    expect(() => ada.handler.createInvitation(hers, { type: 'DELEGATED', persistent: false })).toThrow(
      TypeError,
    )
    const { link } = await delegate({ guestKey: cem.identityKey })
    await ada.stop()
    expect(await world.clock.settle(ended(dan.accept(link)))).toBe('ERROR WRONG_GUEST')
    await cem.join({ link, code: undefined })
  })

  test('is not to be made, nor served, by those who may not invite at its role', async () => {
    for (const role of ['READER', 'EDITOR'] as const) {
      const { world, bob, ada, bobs, delegate } = await kitchen(role)
      const made = bob.handler.createInvitation(bobs(), { type: 'DELEGATED', role: 'READER' })
      expect(await world.clock.settle(ended(made))).toBe('ERROR NOT_ALLOWED')
      const { link } = await delegate({ role: 'READER' })
      expect(servedBy(bob)).toEqual([])
      await ada.stop()
      const provider = (await world.person('cem')).accept(link, { timeout: 30_000 })
      expect(await world.clock.settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
      await world.close()
    }
    const { bob, bobs, delegate } = await at('ADMIN')
    // An admin admits admins, but leaves nobody an invitation for one.
    await delegate({ role: 'ADMIN' })
    expect(servedBy(bob)).toEqual([])
    const made = bob.handler.createInvitation(bobs(), { type: 'DELEGATED', role: 'ADMIN' })
    expect(await world?.clock.settle(ended(made))).toBe('ERROR NOT_ALLOWED')
  })

  test('has a target that leaves room for the keys of those who serve it', async () => {
    const { ada, hers, world } = await at()
    const made = ada.handler.createInvitation(hers, { type: 'DELEGATED', target: 'x'.repeat(1_024) })
    await world.clock.settle(reached(made, 'CONNECTING'))
    expect(parseInvitation(made.invitation.link ?? '').target).toHaveLength(1_024)
  })

  test('is served in spaces that are active only, and again when they are', async () => {
    const { world, ada, bob, bobs, delegate } = await at()
    const { link, code } = await delegate()
    await ada.stop()
    const { key } = bobs()
    await world.clock.settle(bob.running.spaceManager.deactivate(key))
    await world.clock.advance(1_000)
    expect(servedBy(bob)).toEqual([])
    await world.clock.settle(bob.running.spaceManager.activate(key))
    await world.clock.advance(1_000)
    await world.clock.settle(bobs().close())
    expect(servedBy(bob)).toEqual([])
    await world.clock.settle(bob.running.spaceManager.openSpace(key))
    await world.clock.advance(1_000)
    expect(servedBy(bob)).toEqual(['CONNECTING'])
    await (await world.person('cem')).join({ link, code })
  })

  test('goes on after every restart of every host', async () => {
    const { world, ada, bob, delegate } = await at()
    const { link, code } = await delegate()
    const cem = await world.person('cem')
    const provider = cem.accept(link)
    await world.clock.settle(asked(provider))
    await world.clock.settle(provider.authenticate(wrong(code)))
    await world.clock.settle(asked(provider))
    await world.clock.settle(provider.cancel())
    await world.clock.advance(5_000)
    // None of them is given back by restore: they are served without it.
    for (const one of [ada, bob]) expect(await one.restart()).toEqual([])
    await world.clock.advance(5_000)
    expect([servedBy(ada), servedBy(bob)]).toEqual([['CONNECTING'], ['CONNECTING']])
    const failed = [ada, bob].map((one) => spaceOf(one).delegations()[0]?.failedElsewhere ?? 0)
    expect(failed.toSorted()).toEqual([0, 1])
    await ada.stop()
    await cem.join({ link, code })
    expect(namesOf(spaceOf(bob))).toEqual(['ada', 'bob', 'cem'])
  })

  test('is not served by an application that serves its own invitations only', async () => {
    const { world, ada, bob, bobs, delegate } = await at()
    await world.clock.settle(bob.handler.close())
    const { networkManager, spaceManager, signingContext, keyring, clock } = bob.running
    const options = { clock, serveDelegated: false }
    const own = new SpaceInvitationsHandler(networkManager, spaceManager, signingContext, keyring, options)
    await delegate()
    expect([servedBy(ada), own.delegated()]).toEqual([['CONNECTING'], []])
    const made = own.createInvitation(bobs(), { type: 'DELEGATED' })
    await world.clock.settle(reached(made, 'CONNECTING'))
    expect(own.delegated()).toEqual([made])
    await world.clock.settle(own.close())
  })

  test('shows its link and code to those who serve it, and tells when it comes', async () => {
    const { bob, delegate } = await at()
    const told: (string | undefined)[] = []
    bob.handler.onDelegated(({ invitation }) => told.push(invitation.invitationId))
    const { link, code, observable } = await delegate()
    const [served] = bob.handler.delegated()
    expect(told).toEqual([observable.invitation.invitationId])
    expect(served?.invitation).toMatchObject({ link, authCode: code, inviterName: 'ada', role: 'EDITOR' })
    expect(() => bob.handler.rearm(observable.invitation)).toThrow()
  })
})
