import { randomBytes } from '@noble/hashes/utils.js'
import { type Credential, proveFeed } from '@vestibule/credentials'
import { describe, expect, test } from 'vitest'
import { encodeAdmission, parseAdmission, type Space } from '../src/index.ts'
import { SpaceFrame } from '../src/replication/frame.ts'
import { shakeHands } from '../src/replication/handshake.ts'
import { bring, channelPair, namesOf, Person, textsOf, trusting, until, World } from './world.ts'

const never = new AbortController().signal

/** Ada's space with Bob, and a second device of Bob's. */
async function setup(role: 'READER' | 'EDITOR' = 'EDITOR', withSpaces = true) {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(space, bob, role)
  const second = await bob.secondDevice(world, 'second', { withSpaces })
  const problems: string[] = []
  space.subscribe({ onProblem: ({ code }) => problems.push(code) })
  const close = () => Promise.all([ada, bob, second].map(({ manager }) => manager.close()))
  return { world, ada, bob, second, space, his, problems, close }
}

/** Over the wire format, as another device or a backup gives it. */
const adopt = async (from: Space, device: Person): Promise<Space> => {
  const admission = await from.admissionFor(device.signingContext.identityKey)
  return device.manager.adoptSpace(await parseAdmission(encodeAdmission(admission)))
}

/** A channel on which a device has been accepted and introduces itself with this. */
async function introduced(space: Space, device: Person, credentials: readonly Uint8Array[]): Promise<string> {
  const [channel, theirs] = channelPair(device.name, 'host')
  const served = space.serve(theirs, never).catch(({ code }) => code)
  const { signingContext } = device
  const own = { spaceKey: space.key, signingContext, nonce: randomBytes(32), signal: never }
  await shakeHands(channel, { ...trusting, ...own })
  await channel.send(SpaceFrame.encode({ introduction: { credentials: [...credentials] } }))
  return served
}

describe('another device of a member', () => {
  test('takes up the space from a member, introduces itself, and writes as the same member', async () => {
    const { ada, bob, second, space, his, world, close } = await setup()
    await his.write('before')
    await until(space, () => textsOf(space).length === 1)
    // Bob's own first device is away; a member who knows him is enough.
    world.setOnline('bob', false)
    const again = await adopt(space, second)
    expect([again.name, namesOf(again)]).toEqual(['Kitchen', ['ada', 'bob']])
    await until(again, () => textsOf(again).length === 1)
    await again.write('from the second')
    await until(space, () => textsOf(space).length === 2)
    expect(textsOf(again)).toEqual(['before', 'from the second'])
    expect(space.messages()[1]).toMatchObject({
      author: bob.signingContext.identityKey,
      device: second.signingContext.deviceKey,
    })
    expect(namesOf(space)).toEqual(['ada', 'bob'])
    // Who meets only those who met it hears of it too.
    world.setOnline('second', false)
    world.setOnline('bob', true)
    await until(his, () => textsOf(his).length === 2)
    // And a host that comes back reads it all from its storage.
    await ada.manager.close()
    const later = (await ada.restart(world, ada.storage)).manager
    expect(textsOf(later.list()[0] as Space)).toEqual(['before', 'from the second'])
    await later.close()
    await close()
  })

  test('takes it up from the first device, and keeps it over a restart', async () => {
    const { second, space, his, world, close } = await setup()
    world.setOnline('ada', false)
    const again = await adopt(his, second)
    await again.write('while ada was away')
    await until(his, () => textsOf(his).length === 1)
    await second.manager.close()
    world.setOnline('ada', true)
    await until(space, () => textsOf(space).length === 1)
    const back = await second.restart(world, second.storage)
    expect(textsOf(back.manager.list()[0] as Space)).toEqual(['while ada was away'])
    await (back.manager.list()[0] as Space).write('again')
    await until(space, () => textsOf(space).length === 2)
    await back.manager.close()
    await close()
  })

  test('is taken in later by whoever has not heard of its member yet', async () => {
    const world = new World()
    const [ada, bob, cem] = [
      await Person.join(world, 'ada'),
      await Person.join(world, 'bob'),
      await Person.join(world, 'cem'),
    ]
    const second = await bob.secondDevice(world, 'second')
    const space = await ada.manager.createSpace({ name: 'Kitchen' })
    const third = await bring(space, cem)
    world.setOnline('cem', false)
    await bring(space, bob)
    const again = await adopt(space, second)
    await until(again, () => namesOf(again).length === 3)
    for (const name of ['ada', 'bob']) world.setOnline(name, false)
    await again.write('hello')
    world.setOnline('cem', true)
    await until(third, () => textsOf(third).length === 1)
    expect(namesOf(third)).toEqual(['ada', 'bob', 'cem'])
    for (const { manager } of [ada, bob, cem, second]) await manager.close()
  })

  test('has a control feed only where its member is a reader', async () => {
    const { second, space, close } = await setup('READER')
    const again = await adopt(space, second)
    await expect(again.write('hello')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await close()
  })

  test('is taken in as the tenth of its identity', async () => {
    const { world, bob, space, close } = await setup('EDITOR', false)
    for (let n = 1; n < 10; n++) {
      const device = await bob.secondDevice(world, `device ${n}`, { withSpaces: false })
      const theirs = await adopt(space, device)
      world.setOnline(device.name, true)
      await theirs.write(device.name)
      await until(space, () => textsOf(space).length === n)
      await device.manager.close()
    }
    await close()
  })

  test('stays what it is when it takes up a space twice', async () => {
    const { second, space, close } = await setup()
    expect(await adopt(space, second)).toBe(await adopt(space, second))
    expect(second.manager.list()).toHaveLength(1)
    await close()
  })

  test('refuses an admission of somebody else, or one that was changed, and keeps nothing of it', async () => {
    const { ada, bob, second, space, close } = await setup('EDITOR', false)
    const good = await space.admissionFor(bob.signingContext.identityKey)
    const keys = await second.keyring.list()
    const before = await second.storage.list('')
    for (const bad of [
      await space.admissionFor(ada.signingContext.identityKey),
      { ...good, path: good.path.slice(0, -1) },
      { ...good, path: [] },
      { ...good, readKeys: [] },
      { ...good, hostIdentity: second.signingContext.deviceKey },
      { ...good, spaceKey: second.signingContext.deviceKey },
    ])
      await expect(second.manager.adoptSpace(bad)).rejects.toMatchObject({ code: 'BAD_ADMISSION' })
    expect(await second.storage.list('')).toEqual(before)
    expect(await second.keyring.list()).toEqual(keys)
    const stranger = (await Person.join(new World(), 'eve')).signingContext.identityKey
    await expect(space.admissionFor(stranger)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await close()
  })
})

describe('an introduction', () => {
  test('of something else than the own device and its feeds ends the session, and changes nothing', async () => {
    const { ada, bob, second, space, problems, close } = await setup('EDITOR', false)
    const { identityKey: member, deviceKey: device, chain, profile } = second.signingContext
    const parents = [bob.manager.list()[0]?.genesisId ?? '', ...chain.map(({ id }) => id)]
    const feedOf = async (by: Person, binding: { member: typeof member; device: typeof device }) => {
      const feed = await by.keyring.createKey()
      const full = { ...binding, feed, purpose: 'DATA' as const }
      const proof = await proveFeed({ signer: by.keyring, ...full })
      return by.signingContext.issue({ type: 'AdmittedFeed', space: space.key, ...full, proof }, { parents })
    }
    const backdated = await feedOf(second, { member, device })
    const { identityKey, deviceKey } = ada.signingContext
    const foreign = await feedOf(ada, { member: identityKey, device: deviceKey })
    const firsts = await feedOf(bob, { member, device: bob.signingContext.deviceKey })
    const bad: readonly (readonly (Credential | Uint8Array)[])[] = [
      [randomBytes(100)],
      [foreign],
      [firsts],
      [...ada.signingContext.chain],
      [
        await second.signingContext.issue(
          { type: 'LeftSpace', space: member, heads: [] },
          { parents: parents.slice(0, 1) },
        ),
      ],
      [
        await second.signingContext.issue(
          { type: 'MemberProfile', space: space.key, member, profile },
          { parents },
        ),
      ],
      // It is well formed, but does not know of the grant of its member.
      [...chain, backdated],
    ]
    const before = [space.members(), await ada.storage.list('feeds/')]
    for (const [i, credentials] of bad.entries()) {
      const encoded = credentials.map((one) => (one instanceof Uint8Array ? one : one.encoded))
      expect(await introduced(space, second, encoded), `case ${i}`).toBe('BAD_INTRODUCTION')
    }
    expect(problems).toEqual(bad.map(() => 'BAD_INTRODUCTION'))
    expect([space.members(), await ada.storage.list('feeds/')]).toEqual(before)
    await close()
  })
})

describe('a revoked device', () => {
  test('is refused by everybody who knows of it', async () => {
    const { world, bob, second, space, close } = await setup()
    const again = second.manager.get(space.key) as Space
    await again.write('mine')
    await until(space, () => textsOf(space).length === 1)
    await bob.manager.identity.revokeDevice(second.signingContext.deviceKey)
    await until(space, () => space.peers().every(({ peer }) => peer !== 'second'))
    const refused = new Promise<string>((resolve) => {
      again.subscribe({ onProblem: ({ code }) => resolve(code) })
    })
    world.setOnline('second', false)
    world.setOnline('second', true)
    expect(await refused).toBe('REFUSED_BY_PEER')
    expect(space.peers().map(({ peer }) => peer)).toEqual(['bob'])
    expect(textsOf(space)).toEqual(['mine'])
    await close()
  })
})
