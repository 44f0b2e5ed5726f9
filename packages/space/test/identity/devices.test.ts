import { Keyring } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import {
  acceptIdentity,
  encodeDeviceAdmission,
  MemoryStorage,
  parseDeviceAdmission,
  SigningContext,
  type Space,
} from '../../src/index.ts'
import { bring, namesOf, Person, stillClock, textsOf, until, World } from '../world.ts'
import { adasDevices, deviceOf, labelsOf, spacesOf, untilIdentity } from './stage.ts'

describe('an identity', () => {
  test('has a space of its own from the beginning, which nobody sees, and keeps it over a restart', async () => {
    const world = new World()
    const ada = await Person.join(world, 'ada')
    const { deviceKey } = ada.signingContext
    expect(ada.manager.list()).toEqual([])
    expect(ada.manager.identity.devices()).toEqual([
      { key: deviceKey, label: '', current: true, addedMs: stillClock.now(), revoked: false },
    ])
    await ada.manager.identity.setDeviceLabel('laptop')
    expect((await ada.storage.list('spaces/')).length).toBe(1)
    await ada.manager.close()
    const again = await ada.restart(world, ada.storage)
    expect([spacesOf(again), labelsOf(again)]).toEqual([[], ['laptop']])
    expect((await ada.storage.list('spaces/')).length).toBe(1)
    await again.manager.close()
  })

  test('refuses names that do not fit, and of devices that it has not', async () => {
    const { ada, bob, close } = await adasDevices()
    const { identity } = ada.manager
    await expect(identity.setDeviceLabel('ü'.repeat(33))).rejects.toThrow(TypeError)
    await expect(identity.setProfile({ displayName: 'ü'.repeat(33) })).rejects.toThrow(TypeError)
    await expect(identity.setDeviceLabel('x', deviceOf(bob))).rejects.toMatchObject({
      code: 'UNKNOWN_DEVICE',
    })
    await close()
    await expect(identity.setDeviceLabel('late')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('a second device', () => {
  test('is the same identity, with all its spaces, and both hear of each other’s names', async () => {
    const { ada, phone, his, kitchen, close } = await adasDevices()
    expect(phone.signingContext.identityKey).toBe(ada.signingContext.identityKey)
    expect(phone.signingContext.profile).toEqual({ displayName: 'ada' })
    expect(spacesOf(phone)).toEqual(['Kitchen'])
    const hers = phone.manager.get(kitchen.key) as Space
    await hers.write('from the phone')
    await until(his, () => textsOf(his).length === 1)
    expect(his.messages()[0]?.author).toBe(ada.signingContext.identityKey)
    expect(namesOf(his)).toEqual(['ada', 'bob'])

    await ada.manager.identity.setDeviceLabel('laptop')
    await phone.manager.identity.setDeviceLabel('my phone')
    for (const device of [ada, phone])
      await untilIdentity(device, () => labelsOf(device).join() === 'laptop,my phone')
    expect(phone.manager.identity.devices().map(({ current }) => current)).toEqual([false, true])
    await close()
  })

  test('takes up what the other joins, and what joined while it was off, also after a restart', async () => {
    const { world, ada, bob, phone, close } = await adasDevices()
    await ada.manager.createSpace({ name: 'Cellar' })
    await untilIdentity(phone, () => spacesOf(phone).includes('Cellar'))
    await phone.manager.close()
    const garden = await bob.manager.createSpace({ name: 'Garden' })
    const hers = await bring(garden, ada)
    await hers.write('hello')
    const back = await phone.restart(world, phone.storage)
    await untilIdentity(back, () => spacesOf(back).length === 3)
    expect(spacesOf(back)).toEqual(['Cellar', 'Garden', 'Kitchen'])
    const there = back.manager.get(garden.key) as Space
    await until(there, () => textsOf(there).join() === 'hello')
    await there.write('hello from the phone')
    await until(garden, () => textsOf(garden).length === 2)
    await close(back)
  })

  test('leaves what the other left, even when nobody else is there to say so', async () => {
    const { world, ada, bob, phone, close } = await adasDevices()
    const garden = await bob.manager.createSpace({ name: 'Garden' })
    const hers = await bring(garden, ada)
    await untilIdentity(phone, () => spacesOf(phone).includes('Garden'))
    const { identityKey } = ada.signingContext
    const phones = phone.manager.get(garden.key) as Space
    await phones.synced()
    // Bob is away, so the phone hears of it from the laptop alone.
    world.setOnline('bob', false)
    await hers.leave()
    await until(phones, () => phones.removal !== undefined)
    world.setOnline('bob', true)
    await until(garden, () => garden.roleOf(identityKey) === undefined)
    await close()
  })

  test('shows the name that the other has given the identity, as do its spaces, and after a restart', async () => {
    const { world, ada, phone, his, close } = await adasDevices()
    await phone.manager.identity.setProfile({ displayName: 'Countess' })
    await until(his, () => namesOf(his).includes('Countess'))
    await untilIdentity(ada, () => ada.manager.identity.profile.displayName === 'Countess')
    await ada.manager.close()
    const again = await ada.restart(world, ada.storage)
    expect(again.signingContext.profile).toEqual({ displayName: 'Countess' })
    await close(again)
  })
})

describe('admitting a device', () => {
  const candidate = async (keyring = new Keyring()) => ({
    keyring,
    storage: new MemoryStorage(),
    clock: stillClock,
    deviceKey: await keyring.createKey(),
    agreementKey: await keyring.createAgreementKey(),
  })

  test('again gives the same admission, and accepting again the same device', async () => {
    const { ada, close } = await adasDevices()
    const { identity } = ada.manager
    const tablet = await candidate()
    const record = { key: 'invitations/1', value: Uint8Array.of(1) }
    const one = await identity.admitDevice({ ...tablet, label: 'tablet' }, { alsoWrite: [record] })
    const two = await identity.admitDevice({ ...tablet, label: 'tablet' })
    expect(two.device.id).toBe(one.device.id)
    expect(await ada.storage.get(record.key)).toEqual(record.value)
    // Which of the two is senior their ids decide, as one device has named both.
    expect(labelsOf(ada).sort()).toEqual(['', 'phone', 'tablet'])
    const received = await parseDeviceAdmission(encodeDeviceAdmission(two))
    const made = await acceptIdentity(received, tablet)
    const keys = await tablet.keyring.list()
    const again = await acceptIdentity(one, { ...tablet, alsoWrite: [record] })
    expect([again.identityKey, again.deviceKey]).toEqual([made.identityKey, made.deviceKey])
    expect(await tablet.keyring.list()).toEqual(keys)
    expect(await tablet.storage.get(record.key)).toEqual(record.value)
    await close()
  })

  test('gives away no private key, and nothing that does not say who it is', async () => {
    const { ada, close } = await adasDevices()
    const tablet = await candidate()
    const admission = await ada.manager.identity.admitDevice({ ...tablet, label: '' })
    await acceptIdentity(admission, tablet)
    const held = await tablet.keyring.list()
    expect(held).toContain(tablet.deviceKey)
    expect(held).not.toContain(ada.signingContext.identityKey)
    await close()
  })

  test('refuses a device that was revoked, one with another agreement key, and the identity itself', async () => {
    const { ada, close } = await adasDevices()
    const { identity } = ada.manager
    const tablet = await candidate()
    await identity.admitDevice({ ...tablet, label: '' })
    const refused = { code: 'BAD_CANDIDATE' }
    const { agreementKey } = await candidate()
    await expect(identity.admitDevice({ ...tablet, agreementKey, label: '' })).rejects.toMatchObject(refused)
    const { identityKey: deviceKey } = ada.signingContext
    await expect(identity.admitDevice({ ...tablet, deviceKey, label: '' })).rejects.toMatchObject(refused)
    await identity.revokeDevice(tablet.deviceKey)
    await expect(identity.admitDevice({ ...tablet, label: '' })).rejects.toMatchObject(refused)
    const short = { ...tablet, agreementKey: new Uint8Array(31), label: '' }
    await expect(identity.admitDevice(short)).rejects.toThrow(TypeError)
    await close()
  })

  test('is accepted only as it was promised, and then nothing is written', async () => {
    const { ada, bob, close } = await adasDevices()
    const tablet = await candidate()
    const other = await candidate()
    const good = await ada.manager.identity.admitDevice({ ...tablet, label: '' })
    const bobs = await bob.manager.identity.admitDevice({ ...other, label: '' })
    const keys = await tablet.keyring.list()
    const bad: readonly [object, object][] = [
      [{}, { identityKey: bob.signingContext.identityKey }],
      [{}, { deviceKey: other.deviceKey }],
      [{}, { agreementKey: other.agreementKey }],
      [{}, { keyring: new Keyring() }],
      [{ device: bobs.device }, {}],
      [{ identityKey: bobs.identityKey }, {}],
      [{ own: [] }, {}],
      [{ own: bobs.own }, {}],
      [{ own: good.spaces }, {}],
    ]
    for (const [i, [change, options]] of bad.entries())
      await expect(
        acceptIdentity({ ...good, ...change }, { ...tablet, ...options }),
        `case ${i}`,
      ).rejects.toMatchObject({ code: 'BAD_ADMISSION' })
    expect([await tablet.storage.list(''), await tablet.keyring.list()]).toEqual([[], keys])
    await SigningContext.create({ ...other, displayName: 'Eve' })
    await expect(acceptIdentity(bobs, other)).rejects.toMatchObject({ code: 'IDENTITY_EXISTS' })
    await close()
  })

  test('whoever is invited to somebody’s own space stays out', async () => {
    const { ada, bob, close } = await adasDevices()
    const { own } = await ada.manager.identity.admitDevice({ ...(await candidate()), label: '' })
    const [space] = own
    if (space === undefined) throw new Error('no own space')
    const feeds = await bob.candidate()
    await expect(bob.manager.acceptSpace(space, feeds)).rejects.toMatchObject({ code: 'BAD_ADMISSION' })
    await expect(bob.manager.adoptSpace(space)).rejects.toMatchObject({ code: 'BAD_ADMISSION' })
    await close()
  })

  test('of an identity with many spaces brings them all, those that do not fit by its own space', {
    timeout: 60_000,
  }, async () => {
    const world = new World()
    const ada = await Person.join(world, 'ada')
    for (let i = 0; i < 120; i++) await ada.manager.createSpace({ name: `Space ${i}` })
    const phone = await ada.secondDevice(world, 'phone')
    await untilIdentity(phone, () => spacesOf(phone).length === 120)
    expect(spacesOf(phone)).toEqual(spacesOf(ada))
    await Promise.all([ada, phone].map(({ manager }) => manager.close()))
  })
})
