import { KeysError } from '@vestibule/keys'
import { expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { SpaceFrame } from '../../src/replication/frame.ts'
import { around } from '../wire.ts'
import { bring, channelPair, Person, storeOf, textsOf, until, untilAll, World } from '../world.ts'

const currentOf = (space: Space) => storeOf(space).roster.membership.epochs().current?.id ?? ''
/** Most devices that an `Epoch` is sealed to. */
const SEALED_TO = 96

test('a device beyond those that an epoch is sealed to is handed the read key, and reads what follows', async () => {
  const world = new World()
  const ada = await Person.join(world, 'ada')
  const hers = await ada.manager.createSpace({ name: 'Stadium' })
  const fans = await Promise.all(
    Array.from({ length: SEALED_TO }, async (_, n) => {
      const fan = await Person.join(world, `fan ${n}`)
      const candidate = await fan.candidate()
      return { fan, candidate, admission: await hers.admit(candidate, { role: 'READER' }) }
    }),
  )
  await hers.rotateReadKey()
  await hers.write('goal')
  const { claim } = storeOf(hers).roster.membership.get(currentOf(hers)) ?? {}
  const sealedTo = claim?.type === 'Epoch' ? claim.keys.map(({ device }) => device) : []
  const late = fans.filter(({ fan }) => !sealedTo.includes(fan.signingContext.deviceKey))
  expect([sealedTo.length, late.length]).toEqual([SEALED_TO, 1])
  for (const { fan, candidate, admission } of late) {
    const theirs = await fan.manager.acceptSpace(admission, { ...candidate, role: 'READER' })
    await until(theirs, () => textsOf(theirs)[0] === 'goal')
    expect(theirs.missingReadKeys()).toEqual([])
  }
  for (const { manager } of [ada, ...fans.map(({ fan }) => fan)]) await manager.close()
})

test('a thousand read keys come to a newcomer, some with the admission and the rest over the channel, and open again', async () => {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const epochs = 1_024 + 50
  for (let n = 0; n < epochs; n++) {
    if (n % 256 === 0) await hers.write(`before renewal ${n}`)
    await hers.rotateReadKey()
  }
  await hers.write('in the end')
  const his = await bring(hers, bob)
  await until(his, () => his.missingReadKeys().length === 0 && his.messages().length === 6)
  expect(textsOf(his)).toEqual(textsOf(hers))
  expect(storeOf(his).readKeys.all()).toHaveLength(epochs + 1)
  await bob.manager.close()
  const again = await bob.restart(world, bob.storage)
  const [his2] = again.manager.list()
  expect(his2 && textsOf(his2)).toEqual(textsOf(hers))
  for (const { manager } of [ada, again]) await manager.close()
}, 120_000)

test('a replica that opens nothing, between two who never meet, stores and forwards all of it', async () => {
  const world = new World()
  const people = await Promise.all(['ada', 'bob', 'cem'].map((name) => Person.join(world, name)))
  const [ada, bob, cem] = people as [Person, Person, Person]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob, 'READER')
  const theirs = await bring(hers, cem)
  await untilAll([hers, theirs], () => hers.members().length === 3 && theirs.peers().length === 2)
  world.setOnline('bob', false)
  // From here on bob's machine is a disk and a cable.
  bob.keyring.openSealed = () => Promise.reject(new KeysError('WRONG_RECIPIENT', 'no keys here'))
  await hers.rotateReadKey()
  await until(theirs, () => theirs.missingReadKeys().length === 0 && currentOf(theirs) === currentOf(hers))
  for (const name of ['ada', 'cem']) world.setOnline(name, false)
  await until(theirs, () => theirs.peers().length === 0)
  await hers.write('soup tonight')
  await theirs.write('I bring bread')

  const never = new AbortController().signal
  for (const [space, name, messages] of [
    [hers, 'ada', 1],
    [theirs, 'cem', 2],
    [hers, 'ada', 2],
  ] as const) {
    const [near, far] = channelPair(name, 'bob')
    // It does not even ask for what it could not open.
    const silent = around(far, {
      send: async (frame, options) => {
        if (SpaceFrame.parseLenient(frame).lacking === undefined) await far.send(frame, options)
      },
    })
    const served = Promise.allSettled([space.serve(near, never), his.serve(silent, never)])
    await expect.poll(() => storeOf(his).log.all().length).toBe(messages)
    await until(space, () => space.messages().length === messages)
    near.abort()
    await served
  }
  expect(textsOf(hers)).toEqual(textsOf(theirs))
  expect([his.messages(), his.missingReadKeys()]).toEqual([[], [currentOf(hers)]])
  const stored = (await bob.storage.list('')).map(([, value]) => Buffer.from(value).toString('latin1')).join()
  for (const secret of ['soup', 'bread']) expect(stored).not.toContain(secret)
  for (const { manager } of people) await manager.close()
})
