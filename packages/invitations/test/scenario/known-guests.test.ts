import { bytesToHex } from '@noble/hashes/utils.js'
import { PublicKey } from '@vestibule/keys'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  encodeInvitation,
  guestKeyHash,
  InvitationLink,
  type InvitationsOptions,
  parseInvitation,
} from '../../src/index.ts'
import { recordKeys } from '../../src/records.ts'
import { NewDevice } from './new-device.ts'
import { ended, MINUTE, type Person, statesOf, World } from './world.ts'

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
const forBob = (): InvitationsOptions => ({ guestKey: bob.identityKey })

/** A further device of somebody, which does not hold the key of the identity. */
async function secondDeviceOf(person: Person): Promise<Person> {
  const { observable, link } = await person.inviteDevice({ authMethod: 'NONE' })
  observable.subscribe({ onRequests: ({ requests: [one] = [] }) => one && observable.approve(one) })
  const phone = await NewDevice.on(world)
  await settle(phone.accept(link).result())
  return phone.asPerson(`${person.name}’s phone`)
}

describe('an invitation for a known identity', () => {
  test('needs no code: its link names the guest by a hash, and the guest joins', async () => {
    const space = await ada.createSpace()
    const invitation = await ada.invite(space, forBob())
    expect(invitation.code).toBeUndefined()
    expect(invitation.observable.invitation).toMatchObject({
      authMethod: 'KNOWN_PUBLIC_KEY',
      guestKey: String(bob.identityKey),
      multiUse: false,
    })
    const { guest } = parseInvitation(invitation.link)
    expect(guest).toEqual({ type: 'KEY_HASH', hash: guestKeyHash(bob.identityKey.toBytes()) })
    expect(bytesToHex(parseInvitation(invitation.link).toBytes())).not.toContain(bob.identityKey.toHex())
    const provider = bob.accept(invitation.link)
    const states = statesOf(provider)
    expect(await settle(provider.result())).toMatchObject({ state: 'SUCCESS', spaceKey: String(space.key) })
    expect(states).not.toContain('READY_FOR_AUTHENTICATION')
    expect((await settle(invitation.observable.result())).state).toBe('SUCCESS')
    expect(space.members().map(({ identityKey }) => identityKey)).toContain(bob.identityKey)
  })

  test('is accepted on any device of that identity, which signs for it', async () => {
    const phone = await secondDeviceOf(bob)
    expect(await phone.running.keyring.has(bob.identityKey)).toBe(false)
    const space = await ada.createSpace()
    const { link } = await ada.invite(space, forBob())
    expect(await settle(ended(phone.accept(link)))).toBe('SUCCESS')
    expect(space.members().map(({ identityKey }) => identityKey)).toContain(bob.identityKey)
  })

  test('is refused by anybody else’s application before anything is sent', async () => {
    const cem = await world.person('cem')
    const { link, observable } = await ada.invite(await ada.createSpace(), forBob())
    const opens = world.network.opens.length
    expect(await settle(ended(cem.accept(link)))).toBe('ERROR WRONG_GUEST')
    await world.clock.advance(MINUTE)
    expect(world.network.opens).toHaveLength(opens)
    expect(observable.invitation.state).toBe('CONNECTING')
    expect(await settle(ended(bob.accept(link)))).toBe('SUCCESS')
  })

  test('is kept with the guest’s key, and is for nobody else after a restart either', async () => {
    const { link } = await ada.invite(await ada.createSpace(), { ...forBob(), approve: true })
    expect((await ada.record(link))?.guestKey).toBe(bob.identityKey)
    const [restored] = await ada.restart()
    expect(restored?.invitation).toMatchObject({
      authMethod: 'KNOWN_PUBLIC_KEY',
      guestKey: String(bob.identityKey),
    })
    restored?.subscribe({ onRequests: ({ requests: [one] = [] }) => one && restored.approve(one) })
    const cem = await world.person('cem')
    expect(await settle(ended(cem.accept(link)))).toBe('ERROR WRONG_GUEST')
    expect(await settle(ended(bob.accept(link)))).toBe('SUCCESS')
  })

  test('is not served when its record has lost the key', async () => {
    const { link } = await ada.invite(await ada.createSpace(), forBob())
    const { storage } = ada.running
    const [row] = await storage.list(recordKeys.invitations)
    const [key, record] = row ?? ['', new Uint8Array(0)]
    const hex = bytesToHex(record).replace(`7220${bob.identityKey.toHex()}`, '')
    await storage.transact([{ key, value: Uint8Array.from(Buffer.from(hex, 'hex')) }])
    await expect(settle(ada.handler.restore())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(parseInvitation(link).guest?.type).toBe('KEY_HASH')
  })

  test('is for one guest, and names it: options that say otherwise make none', async () => {
    const space = await ada.createSpace()
    const wrong: readonly InvitationsOptions[] = [
      { authMethod: 'KNOWN_PUBLIC_KEY' },
      { authMethod: 'NONE', guestKey: bob.identityKey },
      { authMethod: 'SHARED_SECRET', guestKey: 'carried' },
      { ...forBob(), multiUse: true },
      { guestKey: 'carried', multiUse: true },
    ]
    for (const options of wrong) expect(() => ada.handler.createInvitation(space, options)).toThrow(TypeError)
    const ofDevice = { guestKey: bob.identityKey } as object
    expect(() => ada.running.devices.createInvitation(ofDevice)).toThrow(TypeError)
    const { link } = await ada.inviteDevice({ authMethod: 'NONE' })
    const forged = InvitationLink.create({
      ...parseInvitation(link),
      authMethod: 'KNOWN_PUBLIC_KEY',
      guest: { type: 'KEY_HASH', hash: guestKeyHash(bob.identityKey.toBytes()) },
    })
    const phone = await NewDevice.on(world)
    expect(() => phone.accept(encodeInvitation(forged))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    )
    await phone.stop()
  })
})

describe('an invitation whose link carries a key pair', () => {
  test('lets in whoever has the link, one or many', async () => {
    const space = await ada.createSpace()
    const one = await ada.invite(space, { guestKey: 'carried' })
    expect(one.observable.invitation.guestKey).toBeUndefined()
    expect(parseInvitation(one.link).guest?.type).toBe('SEED')
    expect(await settle(ended(bob.accept(one.link)))).toBe('SUCCESS')
    const many = await ada.invite(space, { guestKey: 'carried', multiUse: true, open: true })
    for (const name of ['cem', 'dan'])
      expect(await settle(ended((await world.person(name)).accept(many.link)))).toBe('SUCCESS')
    expect(space.members()).toHaveLength(4)
  })

  test('keeps the public half only beside the link, and no key in anybody’s keyring', async () => {
    const { link } = await ada.invite(await ada.createSpace(), { guestKey: 'carried' })
    const before = await bob.disk.keys.names()
    await settle(bob.accept(link).result())
    const kept = (await ada.record(link))?.guestKey
    expect(kept).toBeInstanceOf(PublicKey)
    const after = await bob.disk.keys.names()
    for (const names of [after, await ada.disk.keys.names()])
      expect(names.some((name) => name.includes(kept?.toHex() ?? ''))).toBe(false)
    expect(after.length).toBe(before.length + 2)
  })
})
