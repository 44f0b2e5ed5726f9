import { describe, expect, test } from 'vitest'
import { MemoryStorage, type Space } from '../../src/index.ts'
import { bring, Person, paper, storeOf, textsOf, until, World } from '../world.ts'

const currentOf = (space: Space): string | undefined => storeOf(space).roster.membership.epochs().current?.id
const epochOfLast = (space: Space): string | undefined => storeOf(space).log.all().at(-1)?.epoch
const keyOf = ({ signingContext }: Person) => signingContext.identityKey

/** Ada's space with bob, an admin, and cem, an editor, all connected. */
async function kitchen() {
  const world = new World()
  const people = await Promise.all(['ada', 'bob', 'cem'].map((name) => Person.join(world, name)))
  const [ada, bob, cem] = people as [Person, Person, Person]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob, 'ADMIN')
  const theirs = await bring(hers, cem)
  await until(his, () => his.members().length === 3)
  const close = () => Promise.all(people.map(({ manager }) => manager.close()))
  return { world, ada, bob, cem, hers, his, theirs, close }
}

describe('the read key', () => {
  test('is the founding one until it is renewed, and then what is written opens by the new one for all members', async () => {
    const { hers, his, theirs, close } = await kitchen()
    await hers.write('one')
    expect(epochOfLast(hers)).toBe('')
    await hers.rotateReadKey()
    await hers.write('two')
    expect(epochOfLast(hers)).toBe(currentOf(hers))
    expect(currentOf(hers)).toMatch(/^[0-9a-f]{64}$/)
    for (const space of [his, theirs]) await until(space, () => space.messages().length === 2)
    await theirs.write('three')
    expect(epochOfLast(theirs)).toBe(currentOf(hers))
    await until(hers, () => hers.messages().length === 3)
    expect(textsOf(hers)).toEqual(['one', 'two', 'three'])
    expect([hers, his, theirs].map((space) => space.missingReadKeys())).toEqual([[], [], []])
    await close()
  })

  test('is renewed by whoever may, and by nobody else', async () => {
    const { his, theirs, hers, close } = await kitchen()
    await expect(theirs.rotateReadKey()).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await his.rotateReadKey()
    await until(hers, () => currentOf(hers) === currentOf(his) && hers.missingReadKeys().length === 0)
    await close()
  })

  test('is renewed with the removal of a member, in the same transaction', async () => {
    const { ada, cem, hers, his, theirs, close } = await kitchen()
    await hers.write('before')
    await until(theirs, () => theirs.messages().length === 1)
    const before = await ada.storage.list('')
    await hers.removeMember(keyOf(cem))
    const [removal, epoch] = hers.history().slice(-2)
    expect([removal?.type, epoch?.type, epoch?.counts]).toEqual(['RemovedMember', 'Epoch', true])
    expect(before.length).toBeGreaterThan(0)
    await hers.write('after')
    await until(his, () => his.messages().length === 2)
    expect(storeOf(theirs).readKeys.has(currentOf(hers) ?? '')).toBe(false)
    await close()
  })

  test('is renewed with the revocation of the devices that are gone, by any member', async () => {
    const { world, hers, cem, his, theirs, close } = await kitchen()
    const phrase = await paper()
    await cem.manager.addRecovery(phrase)
    await theirs.delivered()
    await hers.synced()
    const again = await Person.recover(
      world,
      'cem again',
      {
        recovery: hers.recoveries()[0] as never,
        profile: { displayName: 'cem' },
        spaces: [await hers.admissionFor(keyOf(cem))],
      },
      phrase,
    )
    const [space] = again.manager.list() as [Space]
    await space.synced()
    await again.manager.identity.revokeOtherDevices(phrase)
    const { claim } = storeOf(space).roster.membership.epochs().current ?? {}
    expect(claim?.type === 'Epoch' && claim.keys.map(({ device }) => device)).not.toContain(
      cem.signingContext.deviceKey,
    )
    await space.write('from the new device')
    await until(his, () => his.messages().length === 1)
    await again.manager.close()
    await close()
  })

  test('is renewed by the most senior who hears that somebody has left', async () => {
    const { hers, his, theirs, cem, close } = await kitchen()
    await theirs.leave()
    await until(hers, () => currentOf(hers) !== undefined)
    await until(his, () => currentOf(his) === currentOf(hers))
    const { claim, issuer } = storeOf(hers).roster.membership.epochs().current ?? {}
    expect(issuer).toBe(hers.members()[0]?.identityKey)
    expect(claim?.type === 'Epoch' && claim.keys.map(({ device }) => device)).not.toContain(
      cem.signingContext.deviceKey,
    )
    await close()
  })

  test('of concurrent epochs is the same for all, and what was written by another stays readable', async () => {
    const { world, hers, his, theirs, close } = await kitchen()
    for (const name of ['ada', 'bob', 'cem']) world.setOnline(name, false)
    await hers.rotateReadKey()
    await hers.write('under hers')
    await his.rotateReadKey()
    await his.write('under his')
    for (const name of ['ada', 'bob', 'cem']) world.setOnline(name, true)
    for (const space of [hers, his, theirs]) await until(space, () => space.messages().length === 2)
    expect(new Set([hers, his, theirs].map(currentOf)).size).toBe(1)
    await close()
  })

  test('that everybody who may renew it is away from is waited for, unless nobody was removed', async () => {
    const { world, ada, bob, hers, theirs, close } = await kitchen()
    const dan = await Person.join(world, 'dan')
    const dans = await bring(hers, dan)
    await until(theirs, () => theirs.members().length === 4)
    for (const { name } of [ada, bob]) world.setOnline(name, false)
    await dans.leave()
    await until(theirs, () => theirs.members().length === 3)
    await theirs.write('goes on under the key of before')
    expect(epochOfLast(theirs)).toBe('')
    world.setOnline('ada', true)
    await until(theirs, () => currentOf(theirs) !== undefined && theirs.missingReadKeys().length === 0)
    await theirs.write('and under the new one')
    expect(epochOfLast(theirs)).toBe(currentOf(hers))
    await dan.manager.close()
    await close()
  })

  test('that leaves out one of two who were removed apart is not written under by those who may not renew it', async () => {
    const { world, ada, bob, hers, his, theirs, close } = await kitchen()
    const [dan, eve] = [await Person.join(world, 'dan'), await Person.join(world, 'eve')]
    for (const one of [dan, eve]) await bring(hers, one)
    for (const space of [his, theirs]) await until(space, () => space.members().length === 5)
    const blocked: string[] = []
    theirs.subscribe({
      onMembers: (members) => {
        if (members.length === 3) theirs.write('no').catch(({ code }) => blocked.push(code))
      },
    })
    for (const { name } of [ada, bob]) world.setOnline(name, false)
    await hers.removeMember(keyOf(dan))
    await his.removeMember(keyOf(eve))
    for (const { name } of [ada, bob]) world.setOnline(name, true)
    await until(theirs, () => theirs.members().length === 3)
    await until(theirs, () => !storeOf(theirs).roster.membership.epochs().isBlocked)
    await until(theirs, () => theirs.missingReadKeys().length === 0)
    expect(blocked).toEqual(['READ_KEY_OUTDATED'])
    await theirs.write('yes')
    await Promise.all([dan, eve].map(({ manager }) => manager.close()))
    await close()
  })

  test('stays with the device: a restart opens it from the storage, which alone reads nothing', async () => {
    const { world, ada, hers, close } = await kitchen()
    await hers.rotateReadKey()
    await hers.write('secret')
    const storage = ada.storage as MemoryStorage
    const held = storeOf(hers).readKeys.all()
    const stored = (await storage.list('')).map(([, value]) => Buffer.from(value))
    for (const { key } of held)
      expect(stored.some((value) => value.includes(Buffer.from(key.unwrap())))).toBe(false)
    const copy = new MemoryStorage()
    await copy.transact((await storage.list('')).map(([key, value]) => ({ key, value })))
    await close()
    const again = await ada.restart(world, copy)
    expect(textsOf(again.manager.list()[0] as Space)).toEqual(['secret'])
    await again.manager.close()
  })
})

test('what was written under an epoch that turns out to be void is read by all, by whom it left out as well', async () => {
  const { world, bob, cem, hers, his, theirs, close } = await kitchen()
  world.setOnline('bob', false)
  await hers.changeRole(keyOf(bob), 'EDITOR')
  await his.removeMember(keyOf(cem))
  await his.write('without Cem')
  world.setOnline('bob', true)
  for (const space of [hers, theirs]) await until(space, () => textsOf(space).join() === 'without Cem')
  expect(hers.roleOf(keyOf(cem))).toBe('EDITOR')
  await close()
})
