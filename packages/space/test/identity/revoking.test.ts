import type { PublicKey } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { textsOf, until } from '../world.ts'
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
