import { distinctUntilChanged, filter, firstValueFrom, from, lastValueFrom, map, toArray } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Invitation, InvitationObservable } from '../../src/index.ts'
import { answer, ended, type Person, reached, statesOf, World } from './world.ts'

let world: World
let ada: Person
let bob: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  bob = await world.person('bob')
})
afterEach(() => world.close())

/** The name of each callback that was called. */
function callsOf(observable: InvitationObservable): string[] {
  const calls: string[] = []
  observable.subscribe({
    onConnecting: () => calls.push('connecting'),
    onConnected: () => calls.push('connected'),
    onAuthenticating: () => calls.push('authenticating'),
    onSuccess: () => calls.push('success'),
    onCancelled: () => calls.push('cancelled'),
    onTimeout: ({ code }) => calls.push(`timeout ${code}`),
    onError: ({ code }) => calls.push(`error ${code}`),
  })
  return calls
}

/** What was thrown and caught by nobody while `during` ran. */
async function uncaught(during: () => Promise<void>): Promise<unknown[]> {
  const before = process.listeners('uncaughtException')
  const thrown: unknown[] = []
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error))
  try {
    await during()
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  return thrown
}

describe('callbacks', () => {
  test('tell each step once, on both sides', async () => {
    const observable = ada.handler.createInvitation(await ada.createSpace())
    const hostCalls = callsOf(observable)
    const { link = '', authCode = '' } = await world.clock.settle(reached(observable, 'CONNECTING'))
    const provider = bob.accept(link)
    const guestCalls = callsOf(provider)
    answer(provider, authCode)
    await world.clock.settle(provider.result())
    await world.clock.settle(observable.result())
    const steps = ['connecting', 'connected', 'authenticating', 'success']
    expect(hostCalls).toEqual(steps)
    expect(guestCalls).toEqual(steps)
  })

  test('tell a timeout, a cancellation, an expiry and an error as what they are', async () => {
    const space = await ada.createSpace()
    const { link, observable } = await ada.invite(space, { lifetime: 300 })
    const hostCalls = callsOf(observable)
    const late = bob.accept(link)
    const timeout = callsOf(late)
    await world.clock.settle(ended(late))
    expect(timeout.at(-1)).toBe('timeout TIMED_OUT')
    const left = bob.accept(link)
    const cancelled = callsOf(left)
    await world.clock.settle(left.cancel())
    expect(cancelled.at(-1)).toBe('cancelled')
    const asked = bob.accept(link)
    const expired = callsOf(asked)
    await world.clock.settle(ended(asked))
    expect(expired.at(-1)).toBe('error EXPIRED')
    await world.clock.advance(1)
    expect(hostCalls.at(-1)).toBe('error EXPIRED')
    const used = await ada.invite(space, { authMethod: 'NONE' })
    await bob.join(used)
    const cem = await world.person('cem')
    const redeemed = callsOf(cem.accept(used.link))
    await world.clock.advance(1_000)
    expect(redeemed.at(-1)).toBe('error REDEEMED')
  })

  test('that are there late hear of the state that it is in, and of no earlier one', async () => {
    const { link, code = '', observable } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    const calls = callsOf(provider)
    expect(calls).toEqual([])
    await Promise.resolve()
    expect(calls).toEqual(['authenticating'])
    await provider.authenticate(code)
    await world.clock.settle(ended(provider))
    const after = [callsOf(provider), callsOf(observable)]
    const states = [statesOf(provider), statesOf(observable)]
    await world.clock.advance(1_000)
    expect(after).toEqual([['success'], ['success']])
    expect(states).toEqual([['SUCCESS'], ['SUCCESS']])
    expect((await provider.result()).state).toBe('SUCCESS')
  })

  test('that have ended their subscription hear nothing any more', async () => {
    const { link } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    const calls: string[] = []
    const stop = provider.subscribe({ onConnecting: () => calls.push('connecting') })
    stop()
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    expect(calls).toEqual([])
    await world.clock.settle(provider.cancel())
  })

  test('that throw stop neither the others nor the invitation, and are not hidden', async () => {
    const space = await ada.createSpace()
    const thrown = await uncaught(async () => {
      const { link, code = '', observable } = await ada.invite(space)
      const fail = (): void => {
        throw new Error('a fault of the application')
      }
      observable.subscribe({ onConnected: fail, onAuthenticating: fail, onSuccess: fail })
      const provider = bob.accept(link)
      provider.subscribe({ onConnected: fail, onAuthenticating: fail, onSuccess: fail })
      const calls = callsOf(provider)
      answer(provider, code)
      expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
      expect(await world.clock.settle(ended(observable))).toBe('SUCCESS')
      expect(calls).toEqual(['connecting', 'connected', 'authenticating', 'success'])
      await world.clock.advance(1)
    })
    expect(thrown).toHaveLength(6)
  })
})

describe('an observable', () => {
  test('is iterated from the state that it is in to its end, by several at once', async () => {
    const { link, code = '' } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    answer(provider, code)
    const [one, other] = [statesOf(provider), statesOf(provider)]
    const shown: Invitation[] = []
    for await (const invitation of provider) {
      shown.push(invitation)
      if (shown.length === 1) break
    }
    await world.clock.settle(ended(provider))
    expect(one).toEqual(other)
    expect(one.at(-1)).toBe('SUCCESS')
    for (const invitation of shown) expect(Object.isFrozen(invitation)).toBe(true)
  })

  test('is an observable of RxJS, of several at once, to its end', async () => {
    const { link, code = '', observable } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    const stateOf = map(({ state }: Invitation) => state)
    const guest = lastValueFrom(from(provider).pipe(stateOf, distinctUntilChanged(), toArray()))
    const host = lastValueFrom(from(observable).pipe(stateOf, toArray()))
    const wanted = firstValueFrom(
      from(provider).pipe(filter(({ state }) => state === 'READY_FOR_AUTHENTICATION')),
    )
    expect((await world.clock.settle(wanted)).inviterName).toBe('ada')
    await provider.authenticate(code)
    const steps = ['CONNECTING', 'CONNECTED', 'READY_FOR_AUTHENTICATION', 'AUTHENTICATING', 'SUCCESS']
    expect(await world.clock.settle(guest)).toEqual(['INIT', ...steps])
    expect(await world.clock.settle(host)).toEqual(steps)
  })

  test('completes in RxJS with the state that says how it ended', async () => {
    const { observable } = await ada.invite(await ada.createSpace())
    const last = lastValueFrom(from(observable))
    await world.clock.settle(observable.cancel())
    expect((await world.clock.settle(last)).state).toBe('CANCELLED')
  })

  test('gives its result as a promise that says why not', async () => {
    const { observable, link } = await ada.invite(await ada.createSpace())
    const provider = bob.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    const results = [observable.result(), provider.result(), provider.result()].map((result) =>
      result.then(
        () => 'success',
        ({ name, code }: { name: string; code: string }) => `${name} ${code}`,
      ),
    )
    await world.clock.settle(observable.cancel())
    expect(await world.clock.settle(Promise.all(results))).toEqual([
      'InvitationError CANCELLED',
      'InvitationError CANCELLED',
      'InvitationError CANCELLED',
    ])
    expect(provider.error).toMatchObject({ code: 'CANCELLED' })
  })

  test('never shows a secret of the invitation when it is printed', async () => {
    const { observable, link, code = '' } = await ada.invite(await ada.createSpace())
    const { inspect } = await import('node:util')
    for (const text of [JSON.stringify(observable.invitation), inspect(observable, { depth: 9 })]) {
      expect(text).not.toContain(link)
      expect(text).not.toContain(code)
    }
    expect(JSON.stringify({ ...observable.invitation })).not.toContain(link)
  })
})
