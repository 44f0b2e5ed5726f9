import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CancellableInvitationObservable } from '../../src/index.ts'
import { NewDevice } from './new-device.ts'
import { answer, ended, HOUR, type Invited, MINUTE, namesOf, type Person, World } from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(() => world.close())

const settle = <T>(promise: Promise<T>): Promise<T> => world.clock.settle(promise)
/** What is offered to the person at the host, and again after one more restart. */
const offered = async (): Promise<string[]> => {
  const states = (all: readonly CancellableInvitationObservable[]) =>
    all.map(({ invitation }) => invitation.state)
  const first = states(await ada.restart())
  expect(states(await ada.restart())).toEqual(first)
  return first
}
const how = async ({ link, code }: Invited, name: string): Promise<string> => {
  const provider = (await world.person(name)).accept(link)
  if (code !== undefined) answer(provider, code)
  return settle(ended(provider))
}

describe('an invitation that is persistent, as they are unless told otherwise,', () => {
  test('goes on after every restart of its host, with the same link and code, until it is redeemed', async () => {
    const invitation = await ada.invite(await ada.createSpace())
    expect(invitation.observable.invitation.persistent).toBe(true)
    for (const end of ['in order', 'killed', 'killed'] as const) {
      if (end === 'killed') ada.kill()
      const [restored, second] = await ada.restart()
      expect([restored?.invitation.link, restored?.invitation.authCode]).toEqual([
        invitation.link,
        invitation.code,
      ])
      expect([restored?.invitation.persistent, second]).toEqual([true, undefined])
    }
    expect((await bob.join(invitation)).state).toBe('SUCCESS')
    expect(await offered()).toEqual([])
    expect(await how(invitation, 'cem')).toBe('ERROR REDEEMED')
  })

  test('is not offered again once it is over, however it ended and wherever its host was then', async () => {
    const space = await ada.createSpace()
    const expired = await ada.invite(space, { lifetime: 60 })
    const expiredOff = await ada.invite(space, { lifetime: 3600 })
    const cancelled = await ada.invite(space)
    const usedUp = await ada.invite(space, { multiUse: true, uses: 2 })
    await settle(cancelled.observable.cancel())
    for (const name of ['dan', 'eve']) expect(await how(usedUp, name)).toBe('SUCCESS')
    await world.clock.advance(2 * MINUTE)
    await ada.stop()
    await world.clock.advance(HOUR)
    expect(await offered()).toEqual([])
    const said = { expired, expiredOff, cancelled, usedUp }
    const told: Record<string, string> = {}
    for (const [name, invitation] of Object.entries(said)) told[name] = await how(invitation, name)
    expect(told).toEqual({
      expired: 'EXPIRED EXPIRED',
      expiredOff: 'EXPIRED EXPIRED',
      cancelled: 'CANCELLED CANCELLED',
      usedUp: 'ERROR REDEEMED',
    })
  })
})

describe('an invitation that is not persistent', () => {
  for (const end of ['closed', 'killed'] as const)
    test(`ends with the process that made it, ${end} or not, and is never offered again`, async () => {
      const invitation = await ada.invite(await ada.createSpace(), { persistent: false })
      expect(invitation.observable.invitation.persistent).toBe(false)
      if (end === 'killed') ada.kill()
      expect(await offered()).toEqual([])
      expect((await ada.record(invitation.link))?.progress.life).toBe('CANCELLED')
      expect(await how(invitation, 'cem')).toBe('CANCELLED CANCELLED')
      expect(namesOf(ada.space)).toEqual(['ada'])
    })

  test('is served while that process runs, whatever is restored meanwhile', async () => {
    const invitation = await ada.invite(await ada.createSpace(), { persistent: false })
    expect(await settle(ada.handler.restore())).toEqual([])
    expect((await bob.join(invitation)).state).toBe('SUCCESS')
  })

  test('of a device is over as well', async () => {
    const { link, code = '' } = await ada.inviteDevice({ persistent: false })
    await ada.restart()
    expect(await settle(ada.running.devices.restore())).toEqual([])
    const phone = await NewDevice.on(world)
    const provider = phone.accept(link)
    answer(provider, code)
    expect(await settle(ended(provider))).toBe('CANCELLED CANCELLED')
    await phone.stop()
  })

  test('still gives a guest whom it admitted the answer that was lost', async () => {
    const invitation = await ada.invite(await ada.createSpace(), { persistent: false, multiUse: true })
    ada.setFate(({ what }) => (what.includes('invitations/admitted/') ? 'killed after' : 'done'))
    const provider = bob.accept(invitation.link)
    answer(provider, invitation.code ?? '', invitation.code ?? '')
    await world.clock.advance(2_000)
    expect([ada.isRunning, provider.invitation.state]).toEqual([false, 'AUTHENTICATING'])
    expect(await offered()).toEqual([])
    expect(await settle(ended(provider))).toBe('SUCCESS')
    expect(await how(invitation, 'cem')).toBe('CANCELLED CANCELLED')
    expect(namesOf(ada.space)).toEqual(['ada', 'bob'])
  })

  test('is not served at all when its end can not be stored', async () => {
    const invitation = await ada.invite(await ada.createSpace(), { persistent: false })
    await ada.stop()
    await ada.start()
    ada.setFate(({ what }) => (what.startsWith('invitations/host/') ? 'lost' : 'done'))
    await expect(settle(ada.handler.restore())).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    const provider = bob.accept(invitation.link, { timeout: 5_000 })
    expect(await settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
    ada.setFate(() => 'done')
    expect(await settle(ada.handler.restore())).toEqual([])
    expect(await how(invitation, 'cem')).toBe('CANCELLED CANCELLED')
  })
})
