import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type {
  AuthenticatingInvitationProvider,
  CancellableInvitationObservable,
  Invitation,
  InvitationObservable,
} from '../../src/index.ts'
import { NewDevice } from './new-device.ts'
import { answer, ended, type Invited, invited, MINUTE, type Person, reached, World } from './world.ts'

interface Options {
  readonly signal?: AbortSignal
}

/** Both kinds behind one face. */
interface Kind {
  create(options: Options): CancellableInvitationObservable
  accept(link: string, options?: Options): AuthenticatingInvitationProvider
}

let world: World
let ada: Person
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
})
afterEach(() => world.close())

const settle = <T>(promise: Promise<T>): Promise<T> => world.clock.settle(promise)

async function until(observable: InvitationObservable, holds: (now: Invitation) => boolean): Promise<void> {
  for await (const invitation of observable) if (holds(invitation)) return
}

async function inSpaces(): Promise<Kind> {
  const bob = await world.person('bob')
  const space = await ada.createSpace()
  return {
    create: (options) => ada.handler.createInvitation(space, options),
    accept: (link, options) => bob.accept(link, options),
  }
}

let phone: NewDevice | undefined
afterEach(async () => {
  await phone?.stop()
  phone = undefined
})

async function ofDevices(): Promise<Kind> {
  const device = await NewDevice.on(world)
  phone = device
  return {
    create: (options) => ada.running.devices.createInvitation(options),
    accept: (link, options) => device.accept(link, options),
  }
}

for (const [name, open] of [
  ['a space', inSpaces],
  ['a device', ofDevices],
] as const)
  describe(`a signal, at an invitation of ${name},`, () => {
    let kind: Kind
    beforeEach(async () => {
      kind = await open()
    })

    async function invite(options: Options = {}): Promise<Invited> {
      const observable = kind.create(options)
      observable.subscribe({
        onRequests: ({ requests: [request] = [] }) => request && observable.approve(request),
      })
      return invited(observable, await settle(reached(observable, 'CONNECTING')))
    }

    test('cancels it for good', async () => {
      const controller = new AbortController()
      const { link, observable } = await invite({ signal: controller.signal })
      controller.abort()
      expect(await settle(ended(observable))).toBe('CANCELLED CANCELLED')
      expect(await settle(ended(kind.accept(link)))).toBe('CANCELLED CANCELLED')
    })

    test('cancels it while a guest is there, which is told', async () => {
      const controller = new AbortController()
      const { link, observable } = await invite({ signal: controller.signal })
      const provider = kind.accept(link)
      await settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
      controller.abort()
      expect(await settle(ended(observable))).toBe('CANCELLED CANCELLED')
      expect(await settle(ended(provider))).toBe('CANCELLED CANCELLED')
      expect(await ada.admitted()).toEqual([])
    })

    test('stops the guest, wherever it is', async () => {
      const { link, code = '' } = await invite()
      for (const afterMs of [0, 30, 70, 100]) {
        const controller = new AbortController()
        const provider = kind.accept(link, { signal: controller.signal })
        await world.clock.advance(afterMs)
        controller.abort()
        expect(await settle(ended(provider))).toBe('CANCELLED CANCELLED')
        await world.clock.advance(10_000)
      }
      const provider = kind.accept(link)
      answer(provider, code)
      expect(await settle(ended(provider))).toBe('SUCCESS')
    })

    test('that was aborted before lets nothing begin', async () => {
      const signal = AbortSignal.abort()
      expect(await settle(ended(kind.create({ signal })))).toBe('CANCELLED CANCELLED')
      const { link } = await invite()
      const opens = world.network.opens.length
      expect(await settle(ended(kind.accept(link, { signal })))).toBe('CANCELLED CANCELLED')
      await world.clock.advance(MINUTE)
      expect(world.network.opens).toHaveLength(opens)
    })

    test('that aborts after the end changes nothing', async () => {
      const controller = new AbortController()
      const { signal } = controller
      const { link, code = '', observable } = await invite({ signal })
      const provider = kind.accept(link, { signal })
      answer(provider, code)
      await settle(provider.result())
      await settle(observable.result())
      controller.abort()
      await world.clock.advance(1_000)
      expect([observable.invitation.state, provider.invitation.state]).toEqual(['SUCCESS', 'SUCCESS'])
      expect(await ada.admitted()).toHaveLength(1)
    })
  })

test('a signal stops a guest about whom a person is being asked, who is asked no longer', async () => {
  const { link, code = '', observable } = await ada.inviteDevice()
  phone = await NewDevice.on(world)
  const controller = new AbortController()
  const provider = phone.accept(link, { signal: controller.signal })
  answer(provider, code)
  await settle(until(provider, ({ waiting }) => waiting === true))
  controller.abort()
  expect(await settle(ended(provider))).toBe('CANCELLED CANCELLED')
  await world.clock.advance(1_000)
  expect(observable.invitation.requests).toEqual([])
})
