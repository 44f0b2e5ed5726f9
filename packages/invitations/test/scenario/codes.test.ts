import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryKeyStore } from '@vestibule/keys'
import { FileStorage } from '@vestibule/space/node'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { HostSession } from '../../src/driver/host-session.ts'
import { CODE_WORDS } from '../../src/index.ts'
import {
  answer,
  asked,
  ended,
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
let compares: MockInstance<() => boolean>
const wrongCompares = () => compares.mock.results.filter(({ value }) => value === false).length

beforeEach(async () => {
  compares = vi.spyOn(HostSession.prototype, 'compare')
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(async () => {
  compares.mockRestore()
  await world.close()
})

describe('a code', () => {
  test('that is wrong is asked for again, with how many are left, and the right one then joins', async () => {
    const space = await ada.createSpace()
    const { link, code = '', observable } = await ada.invite(space)
    const hostStates = statesOf(observable)
    const provider = bob.accept(link)
    const guestStates = statesOf(provider)
    answer(provider, wrong(code), wrong(code, 2), code)
    const left: (number | undefined)[] = []
    provider.subscribe({ onAuthenticating: ({ attemptsLeft }) => left.push(attemptsLeft) })
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    await world.clock.settle(observable.result())
    const asking = ['READY_FOR_AUTHENTICATION', 'AUTHENTICATING']
    const inOrder = ['CONNECTING', 'CONNECTED', ...asking, ...asking, ...asking, 'SUCCESS']
    expect(guestStates).toEqual(['INIT', ...inOrder])
    expect(hostStates).toEqual(inOrder)
    expect(left).toEqual([undefined, 2, 1])
    expect(wrongCompares()).toBe(2)
  })

  test('may be typed with spaces and hyphens', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await expect(provider.authenticate(' - ')).rejects.toMatchObject({ code: 'WRONG_CODE' })
    await provider.authenticate(` ${code.slice(0, 3)} - ${code.slice(3)} `)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
  })

  test('of words is said as words, and typed in any case', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace(), { codeAlphabet: CODE_WORDS })
    expect(code).toMatch(/^[a-z]+-[a-z]+$/)
    const provider = bob.accept(link)
    answer(provider, ` ${code.replace('-', ' ').toUpperCase()}`)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
  })

  test('that is wrong three times locks the invitation for everybody', async () => {
    const { link, code = '', observable } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    answer(provider, wrong(code), wrong(code, 2), wrong(code, 3), code)
    expect(await world.clock.settle(ended(provider))).toBe('ERROR LOCKED')
    expect(await world.clock.settle(ended(observable))).toBe('ERROR LOCKED')
    const cem = await world.person('cem')
    const late = cem.accept(link)
    answer(late, code)
    expect(await world.clock.settle(ended(late))).toBe('ERROR LOCKED')
    expect(compares).toHaveBeenCalledTimes(3)
    expect(namesOf(ada.space)).toEqual(['ada'])
  })

  test('guessed once a connection locks all the same, though the host restarts in between', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    for (const nth of [1, 2, 3]) {
      const provider = bob.accept(link)
      answer(provider, wrong(code, nth))
      await world.clock.settle(asked(provider, 2))
      await world.clock.settle(provider.cancel())
      // In order, by a crash, and not at all.
      if (nth === 1) await ada.restart()
      if (nth === 2) {
        ada.kill()
        await ada.restart()
      }
    }
    const [locked] = await ada.restart()
    expect(locked?.invitation.state).toBe('ERROR')
    const provider = bob.accept(link)
    answer(provider, code)
    expect(await world.clock.settle(ended(provider))).toBe('ERROR LOCKED')
    expect(compares).toHaveBeenCalledTimes(3)
    expect(namesOf(ada.space)).toEqual(['ada'])
  })

  test('is refused as LOCKED after a restart from files, though it is right', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vestibule-'))
    const disk = { openStorage: () => FileStorage.open(directory), keys: new MemoryKeyStore() }
    const cem = await world.person('cem', { disk })
    const { link, code = '' } = await cem.invite(await cem.createSpace())
    const guesser = bob.accept(link)
    answer(guesser, wrong(code), wrong(code, 2), wrong(code, 3))
    await world.clock.settle(ended(guesser))
    cem.kill()
    await cem.restart()
    const provider = ada.accept(link)
    answer(provider, code)
    expect(await world.clock.settle(ended(provider))).toBe('ERROR LOCKED')
    expect((await cem.record(link))?.progress).toMatchObject({ life: 'LOCKED', charged: 3, admissions: 0 })
    await cem.stop()
    await rm(directory, { recursive: true })
  })

  test('guessed by many at once is compared three times, never more', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace(), { multiUse: true })
    const guessers = await Promise.all([...'abcdefghij'].map((name) => world.person(name)))
    const ends = guessers.map((guesser, nth) => {
      const provider = guesser.accept(link)
      answer(provider, wrong(code, nth + 1), wrong(code, nth + 101))
      return ended(provider)
    })
    const told = await world.clock.settle(Promise.all(ends))
    expect(new Set(told)).toEqual(new Set(['ERROR LOCKED']))
    expect(compares).toHaveBeenCalledTimes(3)
    expect((await ada.record(link))?.progress).toMatchObject({ life: 'LOCKED', charged: 3 })
  })

  test('that was wrong twice leaves one more for each guest admitted by a multi-use invitation', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace(), { multiUse: true })
    const guesser = bob.accept(link)
    answer(guesser, wrong(code), wrong(code, 2))
    await world.clock.settle(asked(guesser, 3))
    const cem = await world.person('cem')
    await cem.join({ link, code })
    expect((await ada.record(link))?.progress).toEqual({
      life: 'OPEN',
      charged: 2,
      allowed: 4,
      admissions: 1,
    })
    await guesser.authenticate(wrong(code, 3))
    await world.clock.settle(ended(guesser))
    expect(guesser.error?.code).toBe('WRONG_CODE')
    expect((await ada.record(link))?.progress).toMatchObject({ life: 'OPEN', charged: 3, allowed: 4 })
    await world.clock.settle(bob.accept(link).cancel())
    const dan = await world.person('dan')
    expect(await dan.join({ link, code })).toMatchObject({ state: 'SUCCESS' })
  })

  test('that is right gives its charge back when the host could not admit', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    let failures = 0
    ada.setFate(({ what }) => (what.includes('invitations/admitted/') && failures++ === 0 ? 'lost' : 'done'))
    // The guest comes back by itself, with the same code.
    const provider = bob.accept(link)
    const states = statesOf(provider)
    answer(provider, code)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect(failures).toBe(2)
    expect(states.filter((state) => state === 'READY_FOR_AUTHENTICATION')).toHaveLength(1)
    expect((await ada.record(link))?.progress).toMatchObject({ charged: 0, admissions: 1 })
  })

  test('given late, after the host has turned the silent guest away, still joins', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace(), { timeout: MINUTE })
    const provider = bob.accept(link, { timeout: 10 * MINUTE })
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.advance(2 * MINUTE)
    await provider.authenticate(code)
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
  })
})
