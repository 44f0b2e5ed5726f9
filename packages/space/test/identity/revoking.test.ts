import type { PublicKey } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { perform } from '../../src/acts/perform.ts'
import type { Space } from '../../src/index.ts'
import { bring, Person, paper, textsOf, until, untilAll } from '../world.ts'
import { adasDevices, deviceOf, labelsOf, untilIdentity } from './stage.ts'

const revokedIn = (space: Space, { identityKey }: { identityKey: PublicKey }): PublicKey[] =>
  space.membership.devicesOf(identityKey).flatMap(({ key, revoked }) => (revoked ? key : []))

/** Ada's first device, a laptop that it added, and a phone that the laptop added; and Bob, in her kitchen. */
async function chained(laptopIsOnline: boolean) {
  const stage = await adasDevices()
  const { world, phone: laptop } = stage
  if (!laptopIsOnline) world.setOnline('phone', false)
  const phone = await laptop.secondDevice(world, 'second phone', { withSpaces: false })
  return { ...stage, laptop, phone }
}

describe('a device that was added by one that is revoked later', () => {
  test('goes on as before, in spaces too that had not heard of it', async () => {
    const { world, ada, laptop, phone, kitchen, his, close } = await chained(true)
    await untilIdentity(ada, () => labelsOf(ada).includes('second phone'))
    await ada.manager.identity.revokeDevice(deviceOf(laptop))
    await until(his, () => revokedIn(his, ada.signingContext).length === 1)
    await laptop.manager.close()
    world.setOnline('second phone', true)
    await untilIdentity(phone, () => phone.manager.list().length === 1)
    const hers = phone.manager.get(kitchen.key) as Space
    world.setOnline('ada', false)
    await hers.write('still here')
    await until(his, () => textsOf(his).includes('still here'))
    expect(revokedIn(his, ada.signingContext)).toEqual([deviceOf(laptop)])
    await close(phone)
  })

  test('falls with it when it was added without the other knowing, everywhere', async () => {
    const { world, ada, laptop, phone, his, kitchen, close } = await chained(false)
    await ada.manager.identity.revokeDevice(deviceOf(laptop))
    await until(his, () => revokedIn(his, ada.signingContext).length === 1)
    for (const name of ['phone', 'second phone']) world.setOnline(name, true)
    await his.write('hello')
    await until(kitchen, () => textsOf(kitchen).length === 1)
    expect(phone.manager.list()).toEqual([])
    expect(his.peers().map(({ deviceKey }) => deviceKey)).toEqual([deviceOf(ada)])
    expect(labelsOf(ada)).toEqual(['', 'phone (revoked)'])
    await close(phone)
  })
})

test('two that revoke each other while they are apart: the phrase outranks the first device, for everybody', async () => {
  const { world, ada, kitchen, his, close } = await adasDevices()
  const cem = await Person.join(world, 'cem')
  const cems = await bring(kitchen, cem)
  const phrase = await paper()
  await ada.manager.addRecovery(phrase)
  const phone = await ada.secondDevice(world, 'new phone')
  const phones = phone.manager.get(kitchen.key) as Space
  await phones.write('here')
  await untilAll([his, cems, kitchen], () =>
    [his, cems, kitchen].every((space) => textsOf(space).length === 1),
  )
  const all = ['ada', 'bob', 'cem', 'phone', 'new phone']
  const online = (...names: string[]): void => {
    for (const name of all) if (!names.includes(name)) world.setOnline(name, false)
    for (const name of names) world.setOnline(name, true)
  }
  online()
  await phone.manager.identity.revokeDevice(deviceOf(ada), phrase)
  await ada.manager.identity.revokeDevice(deviceOf(phone))
  // Each of them tells one member first.
  online('new phone', 'bob')
  await phones.delivered()
  expect(revokedIn(his, ada.signingContext)).toEqual([deviceOf(ada)])
  online('ada', 'cem')
  await kitchen.delivered()
  expect(revokedIn(cems, ada.signingContext)).toEqual([deviceOf(phone)])
  online('bob', 'cem')
  for (const space of [his, cems]) {
    await space.synced()
    expect(revokedIn(space, ada.signingContext)).toEqual([deviceOf(ada)])
  }
  online(...all)
  await phones.ready()
  await phones.write('still here')
  for (const space of [his, cems]) await until(space, () => textsOf(space).includes('still here'))
  expect(his.peers().map(({ deviceKey }) => deviceKey)).not.toContain(deviceOf(ada))
  await close(cem, phone)
})

test('of two that one device has added the junior can revoke the other nowhere, whatever it says', async () => {
  const { world, ada, phone, kitchen, his, close } = await adasDevices()
  const tablet = await ada.secondDevice(world, 'tablet')
  const { identityKey: identity } = ada.signingContext
  await (tablet.manager.get(kitchen.key) as Space).write('here')
  await until(his, () => textsOf(his).length === 1)
  const [junior, senior] = his.membership.isSenior(identity, deviceOf(tablet), deviceOf(phone))
    ? [phone, tablet]
    : [tablet, phone]
  const theirs = junior.manager.get(kitchen.key) as Space
  await theirs.synced()
  await expect(junior.manager.identity.revokeDevice(deviceOf(senior))).rejects.toMatchObject({
    code: 'SENIOR_DEVICE',
  })
  await theirs.act((actor) => perform(actor, [{ type: 'RevokedDevice', identity, device: deviceOf(senior) }]))
  await theirs.write('after')
  await until(his, () => textsOf(his).length === 2)
  expect(revokedIn(his, ada.signingContext)).toEqual([])
  await senior.manager.identity.revokeDevice(deviceOf(junior))
  await until(his, () => revokedIn(his, ada.signingContext).includes(deviceOf(junior)))
  await close(tablet)
})
