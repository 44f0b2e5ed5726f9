import { afterEach, describe, expect, test } from 'vitest'
import { answer, asked, ended, HOUR, namesOf, reached, type World, wrong } from '../scenario/world.ts'
import { kitchen, servedBy, spaceOf } from './kitchen.ts'

let world: World | undefined
afterEach(() => world?.close())
const at = async (...args: Parameters<typeof kitchen>) => {
  const made = await kitchen(...args)
  world = made.world
  return made
}

/** A guest with the code in hand, whom Bob serves as Ada is away. */
async function typing({ world, ada, delegate }: Awaited<ReturnType<typeof kitchen>>) {
  const invited = await delegate()
  await ada.stop()
  const cem = await world.person('cem')
  const provider = cem.accept(invited.link)
  await world.clock.settle(asked(provider))
  return { ...invited, cem, provider }
}

describe('a delegated invitation is over for all', () => {
  test('when its author cancels it, while it is served by another, and nobody is admitted after that', async () => {
    const { world, ada, bob, bobs, delegate } = await at()
    const { link, code, observable } = await delegate()
    const [served] = bob.handler.delegated()
    await world.clock.settle(observable.cancel())
    expect(observable.invitation.state).toBe('CANCELLED')
    await world.clock.advance(5_000)
    expect([served?.invitation.state, servedBy(ada), servedBy(bob)]).toEqual(['CANCELLED', [], []])
    await ada.stop()
    const provider = (await world.person('cem')).accept(link)
    answer(provider, code ?? '')
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    expect(namesOf(bobs())).toEqual(['ada', 'bob'])
    expect(
      bobs()
        .history()
        .filter(({ type }) => type === 'CancelledInvitation'),
    ).toHaveLength(1)
  })

  test('when another cancels it who serves it', async () => {
    const { world, ada, bob, delegate } = await at()
    const { observable } = await delegate()
    const [served] = bob.handler.delegated()
    await world.clock.settle(served?.cancel() ?? Promise.reject(new Error('not served')))
    expect(await world.clock.settle(ended(observable))).toBe('CANCELLED CANCELLED')
    expect(spaceOf(ada).delegations()[0]?.ended).toBe('CANCELLED')
  })

  test('when its author may no longer invite, which a guest that types is told at once', async () => {
    const { world, ada, bob, hers } = await at('OWNER')
    const observable = bob.handler.createInvitation(spaceOf(bob), { type: 'DELEGATED' })
    const { link = '' } = await world.clock.settle(reached(observable, 'CONNECTING'))
    await world.clock.advance(5_000)
    expect(servedBy(ada)).toEqual(['CONNECTING'])
    const provider = (await world.person('cem')).accept(link)
    await world.clock.settle(asked(provider))
    await world.clock.settle(hers.changeRole(bob.identityKey, 'EDITOR'))
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    expect(await world.clock.settle(ended(observable))).toBe('CANCELLED CANCELLED')
    expect(servedBy(ada)).toEqual([])
  })

  test('when a member is removed to whom its secrets were sealed, who has them and can’t use them', async () => {
    const { world, ada, bob, hers, delegate } = await at()
    const { link, code, observable } = await delegate()
    // Bob is not there to hear of it.
    await bob.stop()
    await world.clock.settle(hers.removeMember(bob.identityKey))
    expect(await world.clock.settle(ended(observable))).toBe('CANCELLED CANCELLED')
    expect(servedBy(ada)).toEqual([])
    const provider = (await world.person('cem')).accept(link)
    answer(provider, code ?? '')
    expect(await world.clock.settle(ended(provider))).toBe('CANCELLED CANCELLED')
    await bob.start()
    await world.clock.advance(10_000)
    expect([spaceOf(bob).removal?.by, servedBy(bob)]).toEqual([ada.identityKey, []])
    expect(namesOf(spaceOf(ada))).toEqual(['ada'])
  })

  test('when it is redeemed at another host, and the guest that types here is told', async () => {
    const { world, ada, bob, hers, delegate } = await at()
    const { link, code = '' } = await delegate()
    const [cem, dan] = [await world.person('cem'), await world.person('dan')]
    const typing = cem.accept(link)
    await world.clock.settle(asked(typing))
    await dan.join({ link, code })
    expect(await world.clock.settle(ended(typing))).toBe('ERROR REDEEMED')
    await world.clock.advance(5_000)
    expect(namesOf(hers)).toEqual(['ada', 'bob', 'dan'])
    expect([servedBy(ada), servedBy(bob)]).toEqual([[], []])
  })

  test('when it expires, by the clock of each', async () => {
    const { world, ada, bob, delegate } = await at()
    const { link, observable } = await delegate({ lifetime: 3_600 })
    const [served] = bob.handler.delegated()
    await world.clock.advance(HOUR)
    expect([observable.invitation.state, served?.invitation.state]).toEqual(['EXPIRED', 'EXPIRED'])
    await ada.stop()
    const provider = (await world.person('cem')).accept(link)
    expect(await world.clock.settle(ended(provider))).toBe('EXPIRED EXPIRED')
    // Whoever hears of it afterwards serves it no more, and two days later nothing is left of it.
    await bob.restart()
    expect(servedBy(bob)).toEqual([])
    await world.clock.advance(49 * HOUR)
    await bob.restart()
    expect(await bob.stored('invitations/')).toEqual([])
  })
})

describe('the attempts at a delegated invitation', () => {
  test('are counted over all who serve it, and lock it for all', async () => {
    const kitchenNow = await at()
    const { world, ada, bob, hers } = kitchenNow
    const { provider, code, cem, link } = await typing(kitchenNow)
    await world.clock.settle(provider.authenticate(wrong(code, 1)))
    await world.clock.settle(asked(provider))
    await world.clock.settle(provider.authenticate(wrong(code, 2)))
    await world.clock.settle(asked(provider))
    expect(provider.invitation.attemptsLeft).toBe(1)
    await world.clock.settle(provider.cancel())
    await ada.stop()
    await ada.start()
    await world.clock.advance(10_000)
    expect(spaceOf(ada).delegations()[0]?.failedElsewhere).toBe(2)
    // One is left at Ada, too.
    await bob.stop()
    const second = cem.accept(link)
    answer(second, wrong(code, 3), code ?? '')
    expect(await world.clock.settle(ended(second))).toMatch(/^ERROR (LOCKED|WRONG_CODE)$/)
    await bob.start()
    await world.clock.advance(10_000)
    expect(spaceOf(bob).delegations()[0]?.ended).toBe('LOCKED')
    const third = cem.accept(link)
    answer(third, code ?? '')
    expect(await world.clock.settle(ended(third))).toBe('ERROR LOCKED')
    expect(namesOf(spaceOf(bob))).toEqual(['ada', 'bob'])
    expect(hers.name).toBe('Kitchen')
  })

  test('that were charged when a host was killed are told by it after its restart', async () => {
    const kitchenNow = await at()
    const { world, ada, bob } = kitchenNow
    const { provider, code } = await typing(kitchenNow)
    // The charge is durable, and nothing after it.
    let writes = 0
    bob.setFate(({ what }) =>
      what.startsWith('invitations/host/') && ++writes === 1 ? 'killed after' : 'done',
    )
    await world.clock.settle(provider.authenticate(wrong(code)))
    await world.clock.advance(5_000)
    expect(bob.isRunning).toBe(false)
    await world.clock.settle(provider.cancel())
    await bob.start()
    await ada.stop()
    await ada.start()
    await world.clock.advance(10_000)
    expect(spaceOf(ada).delegations()[0]?.failedElsewhere).toBe(1)
  })

  test('at hosts that are cut off from each other are three at each', async () => {
    const kitchenNow = await at()
    const { world, ada, bob, bobs } = kitchenNow
    const { provider, code, link } = await typing(kitchenNow)
    answer(provider, wrong(code, 1), wrong(code, 2), wrong(code, 3))
    await world.clock.settle(ended(provider))
    expect(bobs().delegations()[0]?.ended).toBe('LOCKED')
    await bob.stop()
    await ada.stop()
    await ada.start()
    await world.clock.advance(10_000)
    const again = (await world.person('dan')).accept(link)
    answer(again, wrong(code, 4), code ?? '')
    expect(await world.clock.settle(ended(again))).toBe('SUCCESS')
  })
})

describe('a guest of a delegated invitation', () => {
  test('whose host was killed after the admission gets its answer from that host, or from another', async () => {
    for (const from of ['the same', 'another']) {
      const kitchenNow = await kitchen()
      const { world, ada, bob } = kitchenNow
      const { provider, code, cem, link } = await typing(kitchenNow)
      bob.setFate(({ what }) => (what.includes('invitations/admitted/') ? 'killed after' : 'done'))
      await world.clock.settle(provider.authenticate(code ?? ''))
      await world.clock.advance(5_000)
      expect([bob.isRunning, provider.invitation.state], from).toEqual([false, 'AUTHENTICATING'])
      await world.clock.settle(provider.cancel())
      await bob.start()
      await ada.stop()
      await ada.start()
      await world.clock.advance(10_000)
      if (from === 'another') await bob.stop()
      await cem.join({ link, code })
      expect(namesOf(spaceOf(ada)), from).toEqual(['ada', 'bob', 'cem'])
      expect(
        spaceOf(ada)
          .history()
          .filter(({ type, about }) => type === 'SpaceMember' && about === cem.identityKey),
      ).toHaveLength(1)
      await world.close()
    }
  })
})

describe('two hosts that admit at the same time by one for a single guest', () => {
  test('agree on one of the guests, and the other is told after its success that it was superseded', async () => {
    const kitchenNow = await at()
    const { world, ada, bob, delegate } = kitchenNow
    const { link, code = '' } = await delegate()
    const [cem, dan] = [await world.person('cem'), await world.person('dan')]
    // Ada and Bob do not hear of each other; one guest finds Ada by her address, the other Bob by the relay.
    world.network.partition([ada.peer, cem.peer], [bob.peer, dan.peer, world.relay.id])
    await cem.join({ link, code })
    await dan.join({ link, code })
    const told: (string | undefined)[] = []
    for (const one of [cem, dan])
      spaceOf(one).subscribe({ onRemoval: (removal) => told.push(`${one.name} ${removal?.reason}`) })
    world.network.heal()
    await world.clock.advance(60_000)
    const [winner, loser] = spaceOf(cem).removal === undefined ? [cem, dan] : [dan, cem]
    expect(told).toEqual([`${loser.name} SUPERSEDED`])
    for (const one of [ada, bob, winner])
      expect(namesOf(spaceOf(one))).toEqual(['ada', 'bob', winner.name].sort())
    expect(spaceOf(loser).removal).toMatchObject({ identityKey: loser.identityKey, reason: 'SUPERSEDED' })
    // By the same link it is told that somebody else has used it, and by another it comes in.
    const again = loser.accept(link)
    answer(again, code)
    expect(await world.clock.settle(ended(again))).toBe('ERROR REDEEMED')
    await loser.join(await ada.invite(spaceOf(ada)))
    expect(spaceOf(loser).removal).toBeUndefined()
  })
})
