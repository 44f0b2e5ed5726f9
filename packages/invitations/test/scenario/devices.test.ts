import { bytesToHex } from '@noble/hashes/utils.js'
import { Redacted } from '@vestibule/keys'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HostDriver } from '../../src/driver/host-driver.ts'
import { HostSession } from '../../src/driver/host-session.ts'
import {
  type AuthenticatingInvitationProvider,
  CancellableInvitationObservable,
  commitment,
  deriveLinkKeys,
  encodeInvitation,
  Invitation,
  InvitationLink,
  parseInvitation,
} from '../../src/index.ts'
import { DeviceHost } from '../../src/kind/device-host.ts'
import { hostConfig, newHostRecord } from '../../src/machine/host-state.ts'
import { NewDevice } from './new-device.ts'
import {
  answer,
  ended,
  HOUR,
  type Invited,
  MINUTE,
  type Person,
  reached,
  statesOf,
  World,
  wrong,
} from './world.ts'

let world: World
let ada: Person
let phone: NewDevice
beforeEach(async () => {
  world = new World()
  ada = await world.person('ada')
  phone = await NewDevice.on(world)
})
afterEach(async () => {
  await phone.stop()
  await world.close()
})

/** The person at the host says yes to every device that asks. */
function confirming(observable: CancellableInvitationObservable): string[] {
  const names: string[] = []
  observable.subscribe({
    onRequests: ({ requests = [] }) => {
      for (const request of requests) {
        names.push(request.displayName)
        expect(request.identityKey).toBeUndefined()
        observable.approve(request)
      }
    },
  })
  return names
}

function asks({ link, code = '' }: Invited): AuthenticatingInvitationProvider {
  const provider = phone.accept(link)
  answer(provider, code, code)
  return provider
}

const labels = ({ running }: Person): string[] =>
  running.spaceManager.identity.devices().map(({ label }) => label)
const spaces = ({ running }: Person): string[] =>
  running.spaceManager
    .list()
    .map(({ name }) => name)
    .sort()

describe('an identity', () => {
  test('that was created may invite devices, for ten minutes and with a code; a device without one may not', async () => {
    const { observable } = await ada.inviteDevice()
    expect(observable.invitation).toMatchObject({
      kind: 'DEVICE',
      type: 'INTERACTIVE',
      authMethod: 'SHARED_SECRET',
      multiUse: false,
      lifetime: 600,
      inviterName: 'ada',
      identityKey: String(ada.identityKey),
    })
    expect(observable.invitation.authCode).toMatch(/^\d{6}$/)
    expect(() => phone.handler.createInvitation()).toThrow(expect.objectContaining({ code: 'NO_IDENTITY' }))
    expect(() => ada.running.devices.createInvitation({ lifetime: 601 })).toThrow(TypeError)
    expect(() => phone.accept(observable.invitation.link ?? '', { label: 'ü'.repeat(33) })).toThrow(TypeError)
    await world.clock.advance(10 * MINUTE)
    expect(await world.clock.settle(ended(observable))).toBe('EXPIRED EXPIRED')
  })
})

describe('a device', () => {
  test('joins with link, code and a yes, and has all the spaces of its identity; both see their states', async () => {
    const kitchen = await ada.createSpace('Kitchen')
    await ada.createSpace('Garden')
    await kitchen.write('before')
    const hosted = ada.running.devices.createInvitation()
    const hostStates = statesOf(hosted)
    const { link = '', authCode = '' } = await world.clock.settle(reached(hosted, 'CONNECTING'))
    const names = confirming(hosted)
    const provider = phone.accept(link)
    const guestStates = statesOf(provider)
    answer(provider, authCode)
    let waited = false
    provider.subscribe({ onWaiting: () => (waited = true) })
    const joined = await world.clock.settle(provider.result())
    expect((await world.clock.settle(hosted.result())).state).toBe('SUCCESS')
    expect(joined).toMatchObject({ identityKey: String(ada.identityKey), inviterName: 'ada' })
    expect([names, waited]).toEqual([['phone'], true])
    const inOrder = ['CONNECTING', 'CONNECTED', 'READY_FOR_AUTHENTICATION', 'AUTHENTICATING', 'SUCCESS']
    expect([...new Set(guestStates)]).toEqual(['INIT', ...inOrder])
    expect([...new Set(hostStates)]).toEqual(['INIT', ...inOrder])

    const second = await phone.asPerson('ada’s phone')
    await world.clock.advance(MINUTE)
    expect(second.identityKey).toBe(ada.identityKey)
    expect(second.running.signingContext.profile.displayName).toBe('ada')
    expect(spaces(second)).toEqual(['Garden', 'Kitchen'])
    for (const one of [ada, second]) expect(labels(one)).toEqual(['', 'phone'])
    const there = second.running.spaceManager.get(kitchen.key)
    await there?.write('from the phone')
    await world.clock.advance(MINUTE)
    expect(kitchen.messages().map(({ text }) => text)).toEqual(['before', 'from the phone'])
    expect(await second.stored('invitations/')).toEqual([])
  })

  test('gets no private key of the identity', async () => {
    const invitation = await ada.inviteDevice()
    confirming(invitation.observable)
    const answers = vi.spyOn(HostSession.prototype, 'answer')
    expect(await world.clock.settle(ended(asks(invitation)))).toBe('SUCCESS')
    const given = bytesToHex(answers.mock.calls[0]?.[0] ?? new Uint8Array(0))
    answers.mockRestore()
    expect(given.length).toBeGreaterThan(1_000)
    const { keyring } = phone.process
    expect(await keyring.has(ada.identityKey)).toBe(false)
    const { keys } = ada.disk
    let looked = 0
    for (const name of await keys.names()) {
      const record = bytesToHex((await keys.read(name)) ?? new Uint8Array(0))
      const publicKey = name.slice(name.lastIndexOf('-') + 1)
      for (const part of record.split(publicKey))
        for (let at = 0; at + 64 <= part.length; at += 2, looked++)
          expect(given.includes(part.slice(at, at + 64))).toBe(false)
    }
    expect(looked).toBeGreaterThan(10)
  })

  test('that is one already ends with SUCCESS at once; one of another identity is told so', async () => {
    const first = await ada.inviteDevice()
    confirming(first.observable)
    await world.clock.settle(asks(first).result())
    const second = await ada.inviteDevice()
    const opens = world.network.opens.length
    expect(await world.clock.settle(asks(second).result())).toMatchObject({
      state: 'SUCCESS',
      alreadyMember: true,
      identityKey: String(ada.identityKey),
    })
    expect(
      await world.clock.settle(ada.running.devices.acceptInvitation(second.link).result()),
    ).toMatchObject({
      alreadyMember: true,
    })
    const bob = await world.person('bob')
    expect(await world.clock.settle(ended(bob.running.devices.acceptInvitation(second.link)))).toBe(
      'ERROR IDENTITY_EXISTS',
    )
    expect(world.network.opens.length).toBe(opens)
    expect(second.observable.invitation.state).toBe('CONNECTING')
  })

  test('that gets a no, or no answer, is no device and keeps nothing', async () => {
    const invitation = await ada.inviteDevice({ timeout: MINUTE })
    const { observable } = invitation
    const undecided = asks(invitation)
    await world.clock.advance(MINUTE + 10_000)
    expect(await world.clock.settle(ended(undecided))).toBe('TIMEOUT TIMED_OUT')
    observable.subscribe({ onRequests: ({ requests: [one] = [] }) => one && observable.decline(one) })
    expect(await world.clock.settle(ended(asks(invitation)))).toBe('ERROR DECLINED')
    expect(labels(ada)).toEqual([''])
    const stored = await phone.process.storage.list('')
    expect(stored.filter(([key]) => !key.startsWith('invitations/guest/'))).toEqual([])
    expect((await ada.record(invitation.link))?.progress).toMatchObject({ life: 'OPEN', charged: 0 })
  })

  test('that gives up before it has shown its keys leaves none behind', async () => {
    const { link } = await ada.inviteDevice()
    const provider = phone.accept(link)
    await world.clock.settle(reached(provider, 'READY_FOR_AUTHENTICATION'))
    await world.clock.settle(provider.cancel())
    expect([await phone.process.storage.list(''), await phone.disk.keys.names()]).toEqual([[], []])
  })

  test('may mistype the code three times, and no more', async () => {
    const invitation = await ada.inviteDevice()
    confirming(invitation.observable)
    const provider = phone.accept(invitation.link)
    answer(provider, wrong(invitation.code), wrong(invitation.code, 2), wrong(invitation.code, 3))
    expect(await world.clock.settle(ended(provider))).toBe('ERROR LOCKED')
    expect(await world.clock.settle(ended(invitation.observable))).toBe('ERROR LOCKED')
  })

  test('joins the identity that the link promised, and no other that its host would rather have', async () => {
    const mallory = await world.person('mallory')
    const { networkManager, storage, clock, keyring, spaceManager } = mallory.running
    const secret = new Redacted(world.random(16))
    const link = InvitationLink.create({
      ...({ kind: 'DEVICE', type: 'INTERACTIVE', authMethod: 'NONE', multiUse: false, secret } as const),
      hostKey: await keyring.createKey(),
      commitment: commitment(deriveLinkKeys(secret), 'DEVICE', ada.identityKey.toBytes()),
      expiresAtMs: world.clock.now() + MINUTE,
      ...{ relays: [world.relay.address], hosts: [] },
    })
    const approve = false
    const progress = newHostRecord(hostConfig({ multiUse: false, hasCode: false, approve }))
    const observable = new CancellableInvitationObservable(
      new Invitation({
        ...({ invitationId: '', kind: 'DEVICE', type: 'INTERACTIVE', authMethod: 'NONE' } as const),
        ...({ multiUse: false, state: 'INIT', timeout: MINUTE, expires: new Date(0) } as const),
      }),
      async () => undefined,
      () => false,
    )
    const host = new HostDriver(
      { networkManager, storage, clock, keyring, random: world.random },
      new DeviceHost(spaceManager.identity),
      { link, createdAtMs: clock.now(), timeoutMs: MINUTE, approve, persistent: true, progress },
      [],
      observable,
    )
    await host.start()
    const provider = phone.accept(encodeInvitation(link))
    expect(await world.clock.settle(ended(provider))).toBe('ERROR ANSWER_INVALID')
    const stored = await phone.process.storage.list('')
    expect(stored.filter(([key]) => !key.startsWith('invitations/guest/'))).toEqual([])
    await world.clock.settle(host.close())
  })

  test('has to hold the key that it shows', async () => {
    const { link } = await ada.inviteDevice({ authMethod: 'NONE' })
    const { keyring } = phone.process
    const other = await keyring.createKey()
    const sign = keyring.sign.bind(keyring)
    vi.spyOn(keyring, 'sign').mockImplementation((_, statement) => sign(other, statement))
    expect(await world.clock.settle(ended(phone.accept(link)))).toBe('ERROR PROOF_INVALID')
    expect(labels(ada)).toEqual([''])
  })

  test('and links of spaces are not taken for each other', async () => {
    const { link } = await ada.inviteDevice()
    const space = await ada.invite(await ada.createSpace())
    const unsupported = expect.objectContaining({ code: 'UNSUPPORTED' })
    expect(() => ada.accept(link)).toThrow(unsupported)
    expect(() => phone.accept(space.link)).toThrow(unsupported)
    expect(parseInvitation(link).kind).toBe('DEVICE')
    await ada.restart()
    expect(await world.clock.settle(ada.running.devices.restore())).toHaveLength(1)
  })
})

describe('an answer that is lost', () => {
  test('is given again a day later, to the same device and without asking anybody', async () => {
    const invitation = await ada.inviteDevice()
    confirming(invitation.observable)
    ada.setFate(({ what }) => {
      if (what.includes('invitations/admitted/')) phone.process.life.kill()
      return 'done'
    })
    asks(invitation)
    await world.clock.advance(1_000)
    expect(phone.isRunning).toBe(false)
    expect(labels(ada)).toEqual(['', 'phone'])
    await ada.stop()
    await world.clock.advance(24 * HOUR)
    await ada.start()
    expect(await world.clock.settle(ada.running.devices.restore())).toEqual([])
    await phone.start()
    expect(await world.clock.settle(ended(asks(invitation)))).toBe('SUCCESS')
    expect(labels(ada)).toEqual(['', 'phone'])
  })

  test('is not given to a device that was revoked meanwhile', async () => {
    const invitation = await ada.inviteDevice()
    confirming(invitation.observable)
    ada.setFate(({ what }) => {
      if (what.includes('invitations/admitted/')) phone.process.life.kill()
      return 'done'
    })
    asks(invitation)
    await world.clock.advance(1_000)
    const { identity } = ada.running.spaceManager
    const [, added] = identity.devices()
    if (added === undefined) throw new TypeError('no device')
    ada.setFate(() => 'done')
    await world.clock.settle(identity.revokeDevice(added.key))
    await phone.start()
    expect(await world.clock.settle(ended(asks(invitation)))).toBe('ERROR NOT_ALLOWED')
  })
})

describe('there is exactly one device more, and both agree,', () => {
  for (const victim of ['host', 'device'] as const)
    test(`though the ${victim} is killed at any durable write`, async () => {
      const killed: string[] = []
      for (const when of ['killed before', 'killed after'] as const)
        for (let at = 0; ; at++) {
          const what = await play(victim, at, when)
          if (what === undefined) break
          killed.push(what)
        }
      const last = victim === 'host' ? 'invitations/admitted/' : 'identity'
      expect(killed.filter((what) => what.includes(last)).length).toBeGreaterThanOrEqual(2)
    })

  /** @returns what was being written when it was killed, `undefined` when it was not */
  async function play(
    victim: 'host' | 'device',
    at: number,
    when: 'killed before' | 'killed after',
  ): Promise<string | undefined> {
    const host = await world.person(`host ${victim} ${when} ${at}`)
    await phone.stop()
    phone = await NewDevice.on(world)
    const { link, code = '', observable } = await host.inviteDevice()
    confirming(observable)
    let count = 0
    let happened: string | undefined
    const life = victim === 'host' ? host.running.life : phone.process.life
    life.fate = ({ what }) => {
      if (count++ !== at) return 'done'
      happened = what
      return when
    }
    const accept = (): AuthenticatingInvitationProvider => {
      const provider = phone.accept(link)
      answer(provider, code, code, code)
      return provider
    }
    let provider = accept()
    for (let i = 0; i < 600 && provider.invitation.state !== 'SUCCESS'; i++) {
      await world.clock.advance(100)
      if (!host.isRunning) {
        await host.start()
        for (const restored of await world.clock.settle(host.running.devices.restore())) confirming(restored)
      }
      if (phone.isRunning) continue
      await phone.start()
      provider = accept()
    }
    const told = `${victim} ${when} write ${at}: ${happened}`
    expect(await world.clock.settle(ended(provider)), told).toBe('SUCCESS')
    await world.clock.advance(1_000)
    const { identity } = host.running.spaceManager
    expect(identity.devices(), told).toHaveLength(2)
    expect(await host.admitted(), told).toEqual([identity.devices()[1]?.key.toHex()])
    const second = await phone.asPerson('second')
    await world.clock.advance(MINUTE)
    expect(second.identityKey, told).toBe(host.identityKey)
    expect(second.running.spaceManager.identity.devices(), told).toHaveLength(2)
    expect(await second.stored('invitations/'), told).toEqual([])
    await second.stop()
    await host.stop()
    return happened
  }
})
