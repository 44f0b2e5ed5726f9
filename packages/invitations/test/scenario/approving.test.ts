import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CancellableInvitationObservable, GuestRequest, InvitationsOptions } from '../../src/index.ts'
import {
  answer,
  ended,
  type Invited,
  MINUTE,
  namesOf,
  type Person,
  reached,
  statesOf,
  World,
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

const inviting = async (options: InvitationsOptions = {}) =>
  ada.invite(await ada.createSpace(), { approve: true, ...options })

/** Resolves once so many guests ask. */
async function asking(
  observable: CancellableInvitationObservable,
  count = 1,
): Promise<readonly GuestRequest[]> {
  for await (const { requests = [] } of observable) if (requests.length === count) return requests
  throw new Error('it ended')
}

function asks(guest: Person, { link, code }: Invited) {
  const provider = guest.accept(link)
  if (code !== undefined) answer(provider, code)
  return provider
}

describe('a host that approves', () => {
  test('is shown who asks, verified, and lets it in; the guest sees that it waits', async () => {
    const invitation = await inviting()
    const { observable } = invitation
    const states = statesOf(observable)
    const provider = asks(bob, invitation)
    const waits: string[] = []
    provider.subscribe({ onWaiting: ({ state, waiting }) => waits.push(`${state} ${waiting}`) })
    const [request] = await world.clock.settle(asking(observable))
    const { identityKey, deviceKey } = bob.running.signingContext
    expect(request).toMatchObject({ identityKey, deviceKey, displayName: 'bob' })
    await world.clock.advance(2 * MINUTE)
    expect([provider.invitation.waiting, waits]).toEqual([true, ['AUTHENTICATING true']])
    expect(await ada.admitted()).toEqual([])
    expect((await ada.record(invitation.link))?.progress).toMatchObject({ life: 'OPEN', charged: 0 })
    expect(observable.approve(request as GuestRequest)).toBe(true)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect(await world.clock.settle(ended(observable))).toBe('SUCCESS')
    expect([provider.invitation.waiting, observable.invitation.requests]).toEqual([false, []])
    expect(states.at(-1)).toBe('SUCCESS')
    expect(namesOf(bob.space)).toEqual(['ada', 'bob'])
    expect(observable.approve(request as GuestRequest)).toBe(false)
  })

  test('says no: the guest is told, nothing is charged, and others may still come', async () => {
    const invitation = await inviting()
    const { observable } = invitation
    const provider = asks(bob, invitation)
    const [request] = await world.clock.settle(asking(observable))
    expect(observable.decline(request as GuestRequest)).toBe(true)
    expect(await world.clock.settle(ended(provider))).toBe('ERROR DECLINED')
    expect((await ada.record(invitation.link))?.progress).toMatchObject({ life: 'OPEN', charged: 0 })
    // Asked again, the answer is the same without a person.
    let times = 0
    observable.subscribe({ onRequests: () => times++ })
    expect(await world.clock.settle(ended(asks(bob, invitation)))).toBe('ERROR DECLINED')
    expect(times).toBe(0)
    const cem = await world.person('cem')
    const second = asks(cem, invitation)
    observable.approve((await world.clock.settle(asking(observable)))[0] as GuestRequest)
    expect(await world.clock.settle(ended(second))).toBe('SUCCESS')
    expect(namesOf(ada.space)).toEqual(['ada', 'cem'])
  })

  test('that does not decide in time keeps its invitation, and the guest is told', async () => {
    const invitation = await inviting({ timeout: MINUTE })
    const provider = asks(bob, invitation)
    await world.clock.settle(asking(invitation.observable))
    await world.clock.advance(MINUTE + 1_000)
    expect(await world.clock.settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
    expect(invitation.observable.invitation).toMatchObject({ state: 'CONNECTING', requests: [] })
  })

  test('decides about each by itself; of two for a single use the first that it lets in is in', async () => {
    const invitation = await inviting({ authMethod: 'NONE' })
    const { observable } = invitation
    const [first, second] = [asks(bob, invitation), asks(await world.person('cem'), invitation)]
    const requests = await world.clock.settle(asking(observable, 2))
    expect(requests.map(({ displayName }) => displayName).sort()).toEqual(['bob', 'cem'])
    for (const request of requests) observable.approve(request)
    const ends = await world.clock.settle(Promise.all([ended(first), ended(second)]))
    expect(ends.sort()).toEqual(['ERROR REDEEMED', 'SUCCESS'])
    expect(await ada.admitted()).toHaveLength(1)
  })

  test('is asked by everybody with a link for many, once each, whatever comes after', async () => {
    expect(() =>
      ada.handler.createInvitation(ada.space as never, { multiUse: true, authMethod: 'NONE' }),
    ).toThrow(TypeError)
    const invitation = await inviting({ multiUse: true, authMethod: 'NONE' })
    const { observable } = invitation
    const provider = asks(bob, invitation)
    await world.clock.settle(asking(observable))
    const others = await Promise.all([...'cdefghij'].map((name) => world.person(name)))
    const providers = others.map((other) => asks(other, invitation))
    const requests = await world.clock.settle(asking(observable, 9))
    expect(requests[0]?.displayName).toBe('bob')
    observable.approve(requests[0] as GuestRequest)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    for (const request of observable.invitation.requests ?? []) observable.decline(request)
    for (const declined of providers) expect(await world.clock.settle(ended(declined))).toBe('ERROR DECLINED')
    expect(namesOf(ada.space)).toEqual(['ada', 'bob'])
    await world.clock.settle(observable.cancel())
  })

  test('is asked again after a lost connection and after a restart, and the guest types no code again', async () => {
    const invitation = await inviting()
    const provider = asks(bob, invitation)
    const states = statesOf(provider)
    await world.clock.settle(asking(invitation.observable))
    world.network.disconnect(bob.peer)
    await world.clock.settle(asking(invitation.observable, 0))
    await world.clock.settle(asking(invitation.observable))
    const [restored] = await ada.restart()
    if (restored === undefined) throw new TypeError('nothing was restored')
    const [request] = await world.clock.settle(asking(restored))
    restored.approve(request as GuestRequest)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect(states.filter((state) => state === 'READY_FOR_AUTHENTICATION')).toHaveLength(1)
  })

  test('whose guest gives up is no longer asked, and a cancelled invitation asks nobody', async () => {
    const invitation = await inviting({ multiUse: true })
    const { observable } = invitation
    const provider = asks(bob, invitation)
    await world.clock.settle(asking(observable))
    await world.clock.settle(provider.cancel())
    await world.clock.settle(asking(observable, 0))
    const again = asks(bob, invitation)
    await world.clock.settle(asking(observable))
    await world.clock.settle(observable.cancel())
    expect(await world.clock.settle(ended(again))).toBe('CANCELLED CANCELLED')
    expect(observable.invitation.requests).toEqual([])
  })

  test('may say yes a moment before the connection is lost: the guest is in when it comes back', async () => {
    const invitation = await inviting()
    const provider = asks(bob, invitation)
    const [request] = await world.clock.settle(asking(invitation.observable))
    ada.setFate(({ what }) => {
      if (what.includes('invitations/admitted/')) world.network.disconnect(bob.peer)
      return 'done'
    })
    invitation.observable.approve(request as GuestRequest)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect(await ada.admitted()).toHaveLength(1)
    await world.clock.settle(reached(invitation.observable, 'SUCCESS'))
  })
})
