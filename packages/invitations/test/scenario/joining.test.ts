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

describe('a space', () => {
  test('has one member after its genesis, who may invite', async () => {
    const space = await ada.createSpace('Garden')
    expect(namesOf(space)).toEqual(['ada'])
    expect(space.mayAdmit('OWNER')).toBe(true)
    expect(space.genesis?.claim.type).toBe('SpaceGenesis')
    const { observable } = await ada.invite(space)
    expect(observable.invitation).toMatchObject({
      kind: 'SPACE',
      type: 'INTERACTIVE',
      authMethod: 'SHARED_SECRET',
      multiUse: false,
      role: 'EDITOR',
      spaceName: 'Garden',
      inviterName: 'ada',
      spaceKey: String(space.key),
      lifetime: 24 * 60 * 60,
    })
    expect(observable.invitation.authCode).toMatch(/^\d{6}$/)
    expect(JSON.stringify(observable.invitation)).not.toContain(observable.invitation.authCode)
  })

  test('with data in it gives all of it to a new member, who writes on', async () => {
    const space = await ada.createSpace()
    for (const text of ['one', 'two', 'three']) await space.write(text)
    await bob.join(await ada.invite(space))
    await world.clock.advance(MINUTE)
    expect(bob.space?.messages().map(({ text }) => text)).toEqual(['one', 'two', 'three'])
    await bob.space?.write('four')
    await world.clock.advance(MINUTE)
    expect(space.messages().map(({ text }) => text)).toEqual(['one', 'two', 'three', 'four'])
  })
})

describe('an invitation without the history', () => {
  test('lets each guest read what is written once it is in, after a restart of the host too', async () => {
    const space = await ada.createSpace()
    await space.write('before')
    const invited = await ada.invite(space, { history: 'none', multiUse: true })
    await bob.join(invited)
    await ada.restart()
    const cem = await world.person('cem')
    await cem.join(invited)
    await ada.space?.write('after')
    await world.clock.advance(MINUTE)
    for (const guest of [bob, cem]) expect(guest.space?.messages().map(({ text }) => text)).toEqual(['after'])
    expect(ada.space?.messages().map(({ text }) => text)).toEqual(['before', 'after'])
  })
})

describe('a guest', () => {
  test('joins with link and code, and both sides go through their states in order', async () => {
    const space = await ada.createSpace()
    const hosted = ada.handler.createInvitation(space)
    const hostStates = statesOf(hosted)
    const { link = '', authCode = '' } = await world.clock.settle(reached(hosted, 'CONNECTING'))
    const provider = bob.accept(link)
    const guestStates = statesOf(provider)
    answer(provider, authCode)
    const joined = await world.clock.settle(provider.result())
    const told = await world.clock.settle(hosted.result())
    const inOrder = ['CONNECTING', 'CONNECTED', 'READY_FOR_AUTHENTICATION', 'AUTHENTICATING', 'SUCCESS']
    expect(guestStates).toEqual(['INIT', ...inOrder])
    expect(hostStates).toEqual(['INIT', ...inOrder])
    expect(joined).toMatchObject({ spaceKey: String(space.key), spaceName: 'Kitchen', role: 'EDITOR' })
    expect(joined.alreadyMember).toBeUndefined()
    expect(told.state).toBe('SUCCESS')
    await world.clock.advance(MINUTE)
    expect(namesOf(space)).toEqual(['ada', 'bob'])
    expect(namesOf(bob.space)).toEqual(['ada', 'bob'])
    expect(await bob.stored('invitations/')).toEqual([])
    expect(await ada.admitted()).toEqual([bob.identityKey.toHex()])
  })

  test('has a space that is open, with both members, and writes into it in the moment of its success', async () => {
    const space = await ada.createSpace()
    await space.write('before')
    const { link, code = '' } = await ada.invite(space)
    const provider = bob.accept(link)
    answer(provider, code)
    const used = Promise.withResolvers<{ members: string[]; written: Promise<unknown> }>()
    provider.subscribe({
      onSuccess: ({ spaceKey }) => {
        const his = bob.space
        if (his === undefined || String(his.key) !== spaceKey) return used.reject(new Error('no space'))
        used.resolve({ members: namesOf(his), written: his.write('at once') })
      },
    })
    const { members, written } = await world.clock.settle(used.promise)
    expect(members).toEqual(['ada', 'bob'])
    await world.clock.settle(written)
    await world.clock.settle(bob.space?.ready() ?? Promise.reject())
    await world.clock.advance(MINUTE)
    // It had not seen what was written before: the two stand in one order for everybody, whichever that is.
    const [hers, his] = [ada.space, bob.space].map((one) => one?.messages().map(({ text }) => text))
    expect(his).toEqual(hers)
    expect(hers?.toSorted()).toEqual(['at once', 'before'])
  })

  test('joins without a code where none is wanted, and is never asked for one', async () => {
    const space = await ada.createSpace()
    const invitation = await ada.invite(space, { authMethod: 'NONE' })
    expect(invitation.code).toBeUndefined()
    const hostStates = statesOf(invitation.observable)
    const provider = bob.accept(invitation.link)
    const guestStates = statesOf(provider)
    await world.clock.settle(provider.result())
    await world.clock.settle(invitation.observable.result())
    expect(guestStates).toEqual(['INIT', 'CONNECTING', 'CONNECTED', 'SUCCESS'])
    expect(hostStates).toEqual(['CONNECTING', 'CONNECTED', 'SUCCESS'])
    await expect(provider.authenticate('123456')).rejects.toMatchObject({ code: 'CODE_NOT_WANTED' })
    expect(namesOf(space)).toEqual(['ada', 'bob'])
  })

  test('sees who invites, where to and as what before it is asked for the code', async () => {
    const space = await ada.createSpace('Allotment')
    const { link } = await ada.invite(space, { role: 'READER', target: 'page/7' })
    const provider = bob.accept(link)
    expect(provider.invitation).toMatchObject({ state: 'INIT', target: 'page/7' })
    expect(provider.invitation.spaceName).toBeUndefined()
    const shown = await world.clock.settle(reached(provider, 'CONNECTED'))
    expect(shown).toMatchObject({ spaceName: 'Allotment', inviterName: 'ada', role: 'READER' })
    // Which space it is stays hidden until the guest is in it.
    expect(shown.spaceKey).toBeUndefined()
    await world.clock.settle(provider.cancel())
  })

  test('gets the role of the host’s record', async () => {
    const space = await ada.createSpace()
    const joined = await bob.join(await ada.invite(space, { role: 'READER' }))
    expect(joined.role).toBe('READER')
    expect(space.roleOf(bob.identityKey)).toBe('READER')
    expect(bob.space?.roleOf(bob.identityKey)).toBe('READER')
  })

  test('that is a member already ends with SUCCESS at once, and nothing is asked of the host', async () => {
    const space = await ada.createSpace()
    await bob.join(await ada.invite(space))
    const second = await ada.invite(space)
    const opens = world.network.opens.length
    const joined = await bob.join(second)
    expect(joined).toMatchObject({ state: 'SUCCESS', alreadyMember: true, spaceKey: String(space.key) })
    expect(world.network.opens.length).toBe(opens)
    expect(second.observable.invitation.state).toBe('CONNECTING')
    // The host itself is one as well.
    expect(await ada.join(second)).toMatchObject({ state: 'SUCCESS', alreadyMember: true })
  })

  test('that accepts twice gets the same provider, and again after its end another', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const first = bob.accept(link)
    expect(bob.accept(link)).toBe(first)
    expect(bob.accept(`https://vestibule.example/join#${link}`)).toBe(first)
    await world.clock.settle(reached(first, 'READY_FOR_AUTHENTICATION'))
    await world.clock.settle(first.cancel())
    const second = bob.accept(link)
    expect(second).not.toBe(first)
    answer(second, code)
    expect(await world.clock.settle(ended(second))).toBe('SUCCESS')
  })

  test('finds the host by the address in the link while the relay is down', async () => {
    const space = await ada.createSpace()
    const invitation = await ada.invite(space)
    world.relay.stop()
    const provider = bob.accept(invitation.link)
    answer(provider, invitation.code ?? '')
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    world.relay.start()
    await world.clock.advance(MINUTE)
  })

  test('that becomes an admin may invite others, and an editor may not', async () => {
    const space = await ada.createSpace()
    const cem = await world.person('cem')
    const dan = await world.person('dan')
    await bob.join(await ada.invite(space, { role: 'ADMIN' }))
    await cem.join(await ada.invite(space))
    const bobs = bob.space
    const cems = cem.space
    if (bobs === undefined || cems === undefined) throw new TypeError('somebody has no space')
    await dan.join(await bob.invite(bobs))
    await world.clock.advance(MINUTE)
    for (const { space: seen } of [ada, bob, cem, dan])
      expect(namesOf(seen)).toEqual(['ada', 'bob', 'cem', 'dan'])
    const refused = cem.handler.createInvitation(cems)
    expect(await world.clock.settle(ended(refused))).toBe('ERROR NOT_ALLOWED')
    expect(refused.invitation.link).toBeUndefined()
    expect(await cem.stored('invitations/')).toEqual([])
    expect(await world.clock.settle(ended(bob.handler.createInvitation(bobs, { role: 'OWNER' })))).toBe(
      'ERROR NOT_ALLOWED',
    )
  })

  test('with two links to one space may use either', async () => {
    const space = await ada.createSpace()
    const [one, other] = [await ada.invite(space), await ada.invite(space)]
    const first = bob.accept(one.link)
    const second = bob.accept(other.link)
    answer(second, wrong(other.code), other.code ?? '')
    expect(await world.clock.settle(ended(second))).toBe('SUCCESS')
    answer(first, one.code ?? '')
    await world.clock.settle(ended(first))
    expect(namesOf(space)).toEqual(['ada', 'bob'])
    expect(await bob.join(one)).toMatchObject({ alreadyMember: true })
  })
})

describe('hosts and guests in numbers', () => {
  test('one host serves many single-use invitations at once, each to its own guest', async () => {
    const space = await ada.createSpace()
    const guests = [bob, await world.person('cem'), await world.person('dan')]
    const joins = []
    for (const guest of guests) {
      const { link, code = '' } = await ada.invite(space)
      const provider = guest.accept(link)
      answer(provider, code)
      joins.push(ended(provider))
    }
    expect(await world.clock.settle(Promise.all(joins))).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS'])
    expect(namesOf(space)).toEqual(['ada', 'bob', 'cem', 'dan'])
  })

  test('one guest joins the spaces of many hosts at once', async () => {
    const hosts = [ada, await world.person('cem'), await world.person('dan')]
    const joins = []
    for (const host of hosts) {
      const { link, code = '' } = await host.invite(await host.createSpace(`${host.name}’s`))
      const provider = bob.accept(link)
      answer(provider, code)
      joins.push(ended(provider))
    }
    expect(await world.clock.settle(Promise.all(joins))).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS'])
    expect(bob.running.spaceManager.list().map(({ name }) => name)).toEqual(['ada’s', 'cem’s', 'dan’s'])
  })

  test('another host helps where the first one failed', async () => {
    const space = await ada.createSpace()
    const cem = await world.person('cem')
    await cem.join(await ada.invite(space, { role: 'ADMIN' }))
    const first = await ada.invite(space)
    ada.kill()
    expect(await world.clock.settle(ended(bob.accept(first.link, { timeout: MINUTE })))).toBe(
      'TIMEOUT TIMED_OUT',
    )
    if (cem.space === undefined) throw new TypeError('no space')
    expect(await bob.join(await cem.invite(cem.space))).toMatchObject({ state: 'SUCCESS' })
    expect(bob.space?.key).toBe(space.key)
  })

  test('a guest whose clock is a day off, either way, joins all the same', async () => {
    const space = await ada.createSpace()
    for (const skewMs of [-24 * HOUR, 24 * HOUR]) {
      const guest = await world.person(`off by ${skewMs}`, { skewMs })
      expect((await guest.join(await ada.invite(space, { lifetime: 600 }))).state).toBe('SUCCESS')
    }
  })
})
