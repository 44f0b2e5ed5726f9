import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Invitation } from '../../src/index.ts'
import { answer, ended, type Invited, invited, type Person, reached, World, wrong } from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(() => world.close())

/** Gives three wrong codes. */
async function lock({ link, code, observable }: Invited): Promise<Invitation> {
  const guesser = bob.accept(link)
  answer(guesser, wrong(code), wrong(code, 2), wrong(code, 3))
  expect(await world.clock.settle(ended(guesser))).toBe('ERROR LOCKED')
  expect(await world.clock.settle(ended(observable))).toBe('ERROR LOCKED')
  return observable.invitation
}

async function rearmed(invitation: Invitation): Promise<Invited> {
  const observable = ada.handler.rearm(invitation)
  expect(observable.invitation.authCode).toBeUndefined()
  return invited(observable, await world.clock.settle(reached(observable, 'CONNECTING')))
}

describe('a locked invitation', () => {
  test('is opened again with a new code, and the same link then joins', async () => {
    const first = await ada.invite(await ada.createSpace())
    const { observable, link, code } = await rearmed(await lock(first))
    expect(link).toBe(first.link)
    expect(code).not.toBe(first.code)
    await bob.join({ link, code })
    expect(await world.clock.settle(ended(observable))).toBe('SUCCESS')
    // A terminal state is never left.
    expect(first.observable.invitation.state).toBe('ERROR')
  })

  test('takes the old code for a wrong one, and is locked again after three', async () => {
    const first = await ada.invite(await ada.createSpace())
    const again = await rearmed(await lock(first))
    const provider = bob.accept(again.link)
    answer(provider, String(first.code))
    const left = await world.clock.settle(
      new Promise<number | undefined>((resolve) => {
        provider.subscribe({ onAuthenticating: ({ attemptsLeft }) => attemptsLeft && resolve(attemptsLeft) })
      }),
    )
    expect(left).toBe(2)
    await world.clock.settle(provider.cancel())
    const next = bob.accept(again.link)
    answer(next, wrong(again.code, 11), wrong(again.code, 12))
    expect(await world.clock.settle(ended(next))).toBe('ERROR LOCKED')
    expect(await world.clock.settle(ended(again.observable))).toBe('ERROR LOCKED')
  })

  test('keeps its new code over a restart, and may be opened after one', async () => {
    const { link } = await lock(await ada.invite(await ada.createSpace()))
      .then(() => ada.restart())
      .then(async ([locked]) => {
        if (locked === undefined) throw new Error('nothing was restored')
        expect(await ended(locked)).toBe('ERROR LOCKED')
        return rearmed(locked.invitation)
      })
    const [open] = await ada.restart()
    if (open === undefined) throw new Error('nothing was restored')
    const { authCode } = await world.clock.settle(reached(open, 'CONNECTING'))
    await bob.join({ link, code: authCode })
    expect(await world.clock.settle(ended(open))).toBe('SUCCESS')
  })

  test('stays locked when the new code can’t be stored, and is opened by the next try', async () => {
    const invitation = await lock(await ada.invite(await ada.createSpace()))
    ada.setFate(() => 'lost')
    expect(await world.clock.settle(ended(ada.handler.rearm(invitation)))).toBe('ERROR STORAGE_FAILED')
    ada.setFate(() => 'done')
    await bob.join(await rearmed(invitation))
  })

  test('is cancelled like any other, before and after it was opened again', async () => {
    const space = await ada.createSpace()
    const locked = await ada.invite(space)
    await lock(locked)
    await world.clock.settle(locked.observable.cancel())
    expect(() => ada.handler.rearm(locked.observable.invitation)).toThrow(
      expect.objectContaining({ code: 'NOT_LOCKED' }),
    )
    const again = await rearmed(await lock(await ada.invite(space)))
    await world.clock.settle(again.observable.cancel())
    const cem = await world.person('cem')
    expect(await world.clock.settle(ended(cem.accept(again.link)))).toBe('CANCELLED CANCELLED')
  })

  test('is told from one that is open, ended, or of nobody here', async () => {
    const { observable, link, code } = await ada.invite(await ada.createSpace())
    const refused = () => ada.handler.rearm(observable.invitation)
    expect(refused).toThrow(expect.objectContaining({ code: 'NOT_LOCKED' }))
    expect(() => bob.handler.rearm(observable.invitation)).toThrow(
      expect.objectContaining({ code: 'NOT_LOCKED' }),
    )
    await bob.join({ link, code })
    expect(refused).toThrow(expect.objectContaining({ code: 'NOT_LOCKED' }))
  })

  test('takes a code of words, and refuses one that is too short', async () => {
    const invitation = await lock(await ada.invite(await ada.createSpace()))
    expect(() => ada.handler.rearm(invitation, { codeLength: 5 })).toThrow(TypeError)
    const observable = ada.handler.rearm(invitation, { codeLength: 5, codeAlphabet: 'abcdefghijklmnopqrst' })
    const { authCode } = await world.clock.settle(reached(observable, 'CONNECTING'))
    expect(authCode).toMatch(/^[a-t]{5}$/)
  })
})
