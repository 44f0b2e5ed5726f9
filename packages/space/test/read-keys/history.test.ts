import { randomBytes } from '@noble/hashes/utils.js'
import { pae } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { encodeAdmission } from '../../src/admission/admission.ts'
import type { Space } from '../../src/index.ts'
import { parseHanded } from '../../src/read-keys/hand-over.ts'
import { openFor } from '../../src/read-keys/open-epoch.ts'
import { epochToWire, type ReadKey } from '../../src/read-keys/read-key.ts'
import { SpaceFrame } from '../../src/replication/frame.ts'
import { shakeHands } from '../../src/replication/handshake.ts'
import { bring, channelPair, Person, paper, storeOf, textsOf, trusting, until, World } from '../world.ts'

const keyOf = ({ signingContext }: Person) => signingContext.identityKey
const heldBy = (space: Space): string[] =>
  storeOf(space)
    .readKeys.all()
    .map(({ epoch }) => epoch)
const currentOf = (space: Space) => storeOf(space).roster.membership.epochs().current?.id ?? ''

/** Ada's space with bob, an admin, where something was written under two read keys before cem comes, without the history. */
async function kitchen() {
  const world = new World()
  const people = await Promise.all(['ada', 'bob', 'cem'].map((name) => Person.join(world, name)))
  const [ada, bob, cem] = people as [Person, Person, Person]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob, 'ADMIN')
  await hers.write('one')
  await hers.rotateReadKey()
  await hers.write('two')
  await until(his, () => textsOf(his).length === 2)
  const before = heldBy(hers)
  const theirs = await bring(hers, cem, 'EDITOR', [], 'none')
  await until(his, () => his.members().length === 3 && heldBy(his).length === 3)
  const close = () => Promise.all(people.map(({ manager }) => manager.close()))
  return { world, ada, bob, cem, hers, his, theirs, before, close }
}

/** What a space gives to somebody who asks for read keys by hand, everything that it sends until the last answer. */
async function asked(space: Space, person: Person, epochs: readonly string[]) {
  const never = new AbortController().signal
  const [channel, far] = channelPair(`${person.name} by hand`, 'host')
  const served = space.serve(far, never).catch((error: Error) => error.name)
  const { signingContext, keyring } = person
  await shakeHands(channel, {
    ...{ ...trusting, spaceKey: space.key, signingContext, nonce: randomBytes(32), signal: never },
    isAdmittedBy: async () => true,
  })
  await channel.send(SpaceFrame.encode({ lacking: { epochs: epochs.map(epochToWire) } }))
  const received: Uint8Array[] = []
  for (;;) {
    const encoded = await channel.receive()
    received.push(encoded)
    const frame = SpaceFrame.parseLenient(encoded)
    if (frame.readKeys === undefined) continue
    const purpose = pae(
      'vestibule handed read keys v1',
      space.key.toBytes(),
      signingContext.deviceKey.toBytes(),
    )
    const opened = await openFor({ keyring, signingContext }, frame.readKeys, purpose)
    await channel.close()
    await served
    return { keys: parseHanded(opened ?? new Uint8Array()), received }
  }
}

const holds = (bytes: Uint8Array, { key }: ReadKey): boolean =>
  Buffer.from(bytes).includes(Buffer.from(key.unwrap()))

describe('who comes without the history', () => {
  test('reads what is written from then on by everybody, and is read by all', async () => {
    const { hers, his, theirs, close } = await kitchen()
    await hers.write('three')
    await until(theirs, () => textsOf(theirs).includes('three'))
    await theirs.write('four')
    await until(his, () => textsOf(his).includes('four'))
    await his.write('five')
    await until(theirs, () => textsOf(theirs).includes('five'))
    expect(textsOf(theirs)).toEqual(['three', 'four', 'five'])
    await until(hers, () => textsOf(hers).length === 5)
    expect(textsOf(hers)).toEqual(['one', 'two', 'three', 'four', 'five'])
    await close()
  })

  test('holds no read key of before, misses none, and is ready', async () => {
    const { hers, theirs, before, close } = await kitchen()
    await theirs.ready()
    expect(heldBy(theirs)).toEqual([currentOf(hers)])
    expect(before).not.toContain(currentOf(hers))
    expect([theirs.missing(), theirs.missingReadKeys()]).toEqual([[], []])
    await close()
  })

  test('stores what it can’t read, and gives it to others', async () => {
    const { world, ada, bob, hers, theirs, close } = await kitchen()
    await theirs.synced()
    const late = await Person.join(world, 'late')
    const space = await bring(hers, late)
    await until(theirs, () => theirs.members().length === 4)
    await late.manager.deactivate(space.key)
    for (const { name } of [ada, bob]) world.setOnline(name, false)
    await late.manager.activate(space.key)
    await until(space, () => textsOf(space).length === 2)
    expect(textsOf(space)).toEqual(['one', 'two'])
    await late.manager.close()
    await close()
  })

  test('finds no read key of before in anything that it gets, whatever it asks for and whomever', async () => {
    const { cem, hers, his, before, close } = await kitchen()
    const old = before.map((epoch) => storeOf(hers).readKeys.get(epoch) as ReadKey)
    const resumed = await hers.admissionFor(keyOf(cem))
    expect(resumed.readKeys.map(({ epoch }) => epoch)).toEqual([currentOf(hers)])
    const everything = [encodeAdmission(resumed), encodeAdmission(await his.admissionFor(keyOf(cem)))]
    for (const space of [hers, his]) {
      const { keys, received } = await asked(space, cem, [...before, currentOf(hers)])
      expect(keys.map(({ epoch }) => epoch)).toEqual([currentOf(hers)])
      everything.push(...received, ...keys.map(({ key }) => key.unwrap()))
    }
    for (const [, value] of await cem.storage.list('')) everything.push(value)
    expect(old).toHaveLength(2)
    for (const key of old) expect(everything.filter((bytes) => holds(bytes, key))).toEqual([])
    await close()
  })

  test('is given the same when it comes again, after a restart of its host too', async () => {
    const { world, ada, cem, hers, close } = await kitchen()
    const dan = await Person.join(world, 'dan')
    const candidate = await dan.candidate()
    const first = await hers.admit(candidate, { role: 'EDITOR', history: 'none' })
    await ada.manager.close()
    const again = await ada.restart(world, ada.storage)
    const [space] = again.manager.list() as [Space]
    const second = await space.admit(candidate, { role: 'EDITOR', history: 'none' })
    // With other feeds, as after the loss of its storage: the credential says what it may have, not the invitation.
    const lost = await space.admit(await dan.candidate(), { role: 'EDITOR', history: 'all' })
    const named = [first, second, lost].map(({ readKeys }) => readKeys.map(({ epoch }) => epoch))
    expect(named).toEqual([[currentOf(space)], [currentOf(space)], [currentOf(space)]])
    expect(storeOf(space).roster.membership.mayRead(keyOf(cem))).toBe(false)
    await again.manager.close()
    await dan.manager.close()
    await close()
  })

  test('has the same on a further device, and by its recovery phrase', async () => {
    const { world, cem, hers, his, theirs, close } = await kitchen()
    await hers.write('three')
    await until(theirs, () => textsOf(theirs).length === 1)
    const phone = await cem.secondDevice(world, 'phone')
    await until(hers, () => hers.peers().length >= 3)
    const [onPhone] = phone.manager.list() as [Space]
    await onPhone.synced()
    expect(textsOf(onPhone)).toEqual(['three'])
    const phrase = await paper()
    await cem.manager.addRecovery(phrase)
    await theirs.delivered()
    const host = [hers, his].find((space) => space.recoveries().length > 0) as Space
    const [recovery] = host.recoveries()
    const spaces = [await host.admissionFor(keyOf(cem))]
    const backup = { recovery: recovery as never, profile: { displayName: 'cem' }, spaces }
    const again = await Person.recover(world, 'cem again', backup, phrase)
    const [recovered] = again.manager.list() as [Space]
    await recovered.synced()
    expect(textsOf(recovered)).toEqual(['three'])
    for (const { manager } of [phone, again]) await manager.close()
    await close()
  })

  test('gives nobody the history, though it is an admin later', async () => {
    const { world, cem, hers, his, theirs, close } = await kitchen()
    await hers.changeRole(keyOf(cem), 'ADMIN')
    await until(theirs, () => theirs.roleOf(keyOf(cem)) === 'ADMIN')
    const dan = await Person.join(world, 'dan')
    const dans = await bring(theirs, dan)
    await until(his, () => his.members().length === 4)
    await hers.write('three')
    await until(dans, () => textsOf(dans).includes('three'))
    expect(textsOf(dans)).toEqual(['three'])
    const given = await his.admissionFor(keyOf(dan))
    expect(given.readKeys.map(({ epoch }) => epoch)).toEqual([currentOf(hers)])
    await dan.manager.close()
    await close()
  })

  test('does not come at all when nothing can be stored', async () => {
    const { world, ada, hers, close } = await kitchen()
    const dan = await Person.join(world, 'dan')
    const epoch = currentOf(hers)
    const { transact } = ada.storage
    ada.storage.transact = () => Promise.reject(new Error('the disk is full'))
    await expect(hers.admit(await dan.candidate(), { role: 'EDITOR', history: 'none' })).rejects.toThrow(
      'the disk is full',
    )
    ada.storage.transact = transact
    expect([hers.members().length, currentOf(hers), heldBy(hers).length]).toEqual([3, epoch, 3])
    await dan.manager.close()
    await close()
  })
})
