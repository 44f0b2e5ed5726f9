import { randomBytes } from '@noble/hashes/utils.js'
import type { Credential } from '@vestibule/credentials'
import { sealToAgreementKey } from '@vestibule/keys'
import type { Channel, Clock, SwarmOptions } from '@vestibule/network'
import { typedChannel } from '@vestibule/network'
import { describe, expect, test } from 'vitest'
import { findIdentity, type IdentityBackup, type RecoveryAuthority, type Space } from '../src/index.ts'
import { encodeContent } from '../src/recovery/content.ts'
import {
  answerPurpose,
  RECOVERY_TIMEOUT_MS,
  RecoveryAnswer,
  RecoveryProof,
  recoveryTopic,
} from '../src/recovery/protocol.ts'
import { bring, namesOf, Person, paper, publish, textsOf, until, World } from './world.ts'

const never = new AbortController().signal
/** Further ends are not waited for, and deadlines do not pass. */
const soon: Clock = {
  now: () => 0,
  after: (ms, fn) => {
    if (ms < RECOVERY_TIMEOUT_MS) queueMicrotask(fn)
    return () => undefined
  },
}

const find = (world: World, authority: RecoveryAuthority, signal = never): Promise<IdentityBackup> =>
  findIdentity({ authority, networkManager: world.networkManager('bare'), signal, clock: soon })

/** Ada's kitchen with Bob, and Cem's cellar with Ada; her phrase is on paper and both spaces know its key. */
async function setup() {
  const world = new World()
  const [ada, bob, cem] = [
    await Person.join(world, 'ada'),
    await Person.join(world, 'bob'),
    await Person.join(world, 'cem'),
  ]
  const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(kitchen, bob)
  const cellar = await cem.manager.createSpace({ name: 'Cellar' })
  const hers = await bring(cellar, ada, 'ADMIN')
  const phrase = await paper()
  const recovery = await ada.manager.addRecovery(phrase)
  for (const space of [kitchen, hers]) await space.delivered()
  const close = () => Promise.all([ada, bob, cem].map(({ manager }) => manager.close()))
  return { world, ada, bob, cem, kitchen, his, cellar, phrase, recovery, close }
}

/** Stands where a member would, and says something else. */
function impostor(world: World, authority: RecoveryAuthority, say: (channel: Channel) => Promise<void>) {
  const options: SwarmOptions = {
    topic: recoveryTopic(authority.keys.recoveryKey),
    topology: 'host',
    protocolProvider: (channel) => say(channel),
  }
  return world.networkManager('impostor').joinSwarm(options)
}

/** Answers as the protocol has it, with this. */
const answering =
  ({ keys }: RecoveryAuthority, answers: readonly IdentityBackup[]) =>
  async (channel: Channel): Promise<void> => {
    const rpc = typedChannel(channel, { send: RecoveryAnswer, receive: RecoveryProof })
    const nonce = randomBytes(32)
    await rpc.request({ version: 1, nonce })
    const info = answerPurpose(keys.recoveryKey, nonce)
    for (const answer of answers)
      await rpc.send({
        version: 1,
        found: await sealToAgreementKey(keys.agreementKey, encodeContent(answer), { info }),
      })
    await rpc.send({ version: 1, done: true })
  }

describe('an identity is found by its phrase alone', () => {
  test('at the members of its spaces, who together bring all of it back', async () => {
    const { world, ada, kitchen, his, phrase, recovery, close } = await setup()
    await kitchen.write('before')
    await until(his, () => textsOf(his).length === 1)
    world.setOnline('ada', false)
    const found = await find(world, phrase)
    expect([found.recovery.id, found.profile.displayName, found.spaces.length]).toEqual([
      recovery.id,
      'ada',
      2,
    ])
    const again = await Person.recover(world, 'again', found, phrase)
    expect(again.signingContext.identityKey).toBe(ada.signingContext.identityKey)
    expect(
      again.manager
        .list()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Cellar', 'Kitchen'])
    const space = again.manager.get(kitchen.key) as Space
    await until(space, () => textsOf(space).length === 1)
    await space.write('after')
    await until(his, () => textsOf(his).length === 2)
    expect(namesOf(his)).toEqual(['ada', 'bob'])
    await again.manager.close()
    await close()
  })

  test('at another device of its own, with spaces or none', async () => {
    const { world, ada, bob, cem, phrase, close } = await setup()
    for (const { name } of [bob, cem]) world.setOnline(name, false)
    // Both, and the one that the identity's devices share.
    expect((await find(world, phrase)).spaces).toHaveLength(3)
    const [alone, other] = [await Person.join(world, 'alone'), await paper()]
    await alone.manager.addRecovery(other)
    const found = await find(world, other)
    expect([found.recovery.issuer, found.spaces.length]).toEqual([alone.signingContext.identityKey, 1])
    expect(found.recovery.issuer).not.toBe(ada.signingContext.identityKey)
    await alone.manager.close()
    await close()
  })

  test('after a restart of whoever answers, too', async () => {
    const { world, bob, phrase, close } = await setup()
    await bob.manager.close()
    const back = await bob.restart(world, bob.storage)
    for (const name of ['ada', 'cem']) world.setOnline(name, false)
    expect((await find(world, phrase)).spaces).toHaveLength(1)
    await back.manager.close()
    await close()
  })

  test('at nobody when nobody is there, until the search is given up', async () => {
    const { world, phrase, close } = await setup()
    for (const name of ['ada', 'bob', 'cem']) world.setOnline(name, false)
    const reason = new Error('long enough')
    const giving = new AbortController()
    const searching = find(world, phrase, giving.signal)
    giving.abort(reason)
    await expect(searching).rejects.toBe(reason)
    await expect(find(world, phrase, giving.signal)).rejects.toBe(reason)
    await close()
  })

  test('no longer at the members of a space that it has left', async () => {
    for (const leaves of [false, true]) {
      const world = new World()
      const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
      const kitchen = await bob.manager.createSpace({ name: 'Kitchen' })
      const candidate = await ada.candidate()
      const admission = await kitchen.admit(candidate, { role: 'EDITOR' })
      const phrase = await paper()
      const recovery = await ada.signingContext.addRecovery(phrase)
      const parents = [admission.path.at(-1)?.id ?? '', recovery.id]
      const left = await ada.signingContext.issue(
        { type: 'LeftSpace', space: kitchen.key, heads: [] },
        { parents },
      )
      const news = [recovery, ...(leaves ? [left] : [])].map(({ encoded }) => encoded)
      await publish(kitchen, ada, candidate.controlFeedKey, news)
      // What follows from the news is done before this is.
      await bob.manager.createSpace({ name: 'Cellar' })
      const met: string[] = []
      const swarm = await world.networkManager('bare').joinSwarm({
        topic: recoveryTopic(phrase.keys.recoveryKey),
        topology: 'guest',
        protocolProvider: (channel) => void met.push(channel.remotePeer),
      })
      expect(met).toEqual(leaves ? [] : ['bob'])
      await swarm.close()
      if (!leaves) expect((await find(world, phrase)).recovery).toEqual(recovery)
      for (const { manager } of [ada, bob]) await manager.close()
    }
  })
})

describe('whoever answers', () => {
  test('says nothing to somebody who knows the recovery key and does not hold it', async () => {
    const { world, phrase, close } = await setup()
    const heard: unknown[] = []
    const swarm = await world.networkManager('curious').joinSwarm({
      topic: recoveryTopic(phrase.keys.recoveryKey),
      topology: 'guest',
      protocolProvider: async (channel) => {
        const rpc = typedChannel(channel, { send: RecoveryProof, receive: RecoveryAnswer })
        await rpc.receive()
        await rpc.send({ version: 1, signature: randomBytes(64) })
        heard.push(await rpc.receive().catch(({ code }: { code: string }) => code))
      },
    })
    await expect.poll(() => heard.length).toBe(3)
    expect(heard).toEqual(['ABORTED', 'ABORTED', 'ABORTED'])
    await swarm.close()
    await close()
  })

  test('can not slip in a space that the identity never wrote in', async () => {
    const { world, ada, phrase, recovery, close } = await setup()
    const eve = await Person.join(world, 'eve')
    // Ada once asked Eve to let her in, and never came: Eve has what her devices agreed to.
    const trap = await eve.manager.createSpace({ name: 'Kitchen' })
    await trap.admit(await ada.candidate(), { role: 'EDITOR' })
    const admission = await trap.admissionFor(ada.signingContext.identityKey)
    const { profile } = ada.signingContext
    for (const name of ['ada', 'bob', 'cem']) world.setOnline(name, false)
    const swarm = await impostor(
      world,
      phrase,
      answering(phrase, [{ recovery, profile, spaces: [admission] }]),
    )
    expect((await find(world, phrase)).spaces).toEqual([])
    await swarm.close()
    await eve.manager.close()
    await close()
  })

  test('can not pass off another identity, nor stop the search by nonsense', async () => {
    const { world, phrase, bob, close } = await setup()
    const profile = { displayName: 'ada' }
    const foreign = (await bob.signingContext.addRecovery(await paper())) as Credential
    const lies = [
      answering(phrase, [{ recovery: foreign, profile, spaces: [] }]),
      async (channel: Channel) => channel.send(randomBytes(300)),
      async (channel: Channel) => channel.send(RecoveryAnswer.encode({ version: 9 })),
      async (channel: Channel) => channel.close(),
    ]
    for (const lie of lies) {
      const swarm = await impostor(world, phrase, lie)
      expect((await find(world, phrase)).spaces).toHaveLength(3)
      await swarm.close()
    }
    await close()
  })

  test('is one of eight members in a large space, and every device of the own', async () => {
    const { world, ada, kitchen, phrase, close } = await setup()
    const crowd: Person[] = []
    for (let i = 0; i < 12; i++) {
      crowd.push(await Person.join(world, `guest ${i}`))
      await bring(kitchen, crowd.at(-1) as Person, 'READER')
    }
    await until(
      crowd[0]?.manager.list()[0] as Space,
      () => crowd[0]?.manager.list()[0]?.members().length === 14,
    )
    world.setOnline('ada', true)
    const answered = new Set<string>()
    const swarm = await world.networkManager('bare').joinSwarm({
      topic: recoveryTopic(phrase.keys.recoveryKey),
      topology: 'guest',
      protocolProvider: async (channel) => void answered.add(channel.remotePeer),
    })
    // Cem answers for the cellar.
    expect(answered.has('ada') && answered.has('cem')).toBe(true)
    expect([...answered].filter((name) => name !== 'ada' && name !== 'cem')).toHaveLength(8)
    await swarm.close()
    for (const { manager } of crowd) await manager.close()
    expect(ada.manager.list()).toHaveLength(2)
    await close()
  })
})

describe('the other devices', () => {
  test('are revoked by the recovery key, in every space, and refused from then on', async () => {
    const { world, ada, kitchen, his, phrase, close } = await setup()
    await kitchen.write('before')
    await until(his, () => textsOf(his).length === 1)
    // The laptop is stolen, and stays online.
    const again = await Person.recover(world, 'again', await find(world, phrase), phrase)
    const stolen = ada.signingContext
    for (const attempt of ['once', 'again']) {
      const { keys, missed } = await again.manager.identity.revokeOtherDevices(phrase)
      expect(new Set(keys), attempt).toEqual(new Set([stolen.identityKey, stolen.deviceKey]))
      expect(missed).toEqual([])
    }
    const space = again.manager.get(kitchen.key) as Space
    const refused = new Promise<string>((resolve) => {
      kitchen.subscribe({ onProblem: ({ code }) => resolve(code) })
    })
    // Written in the knowledge of what was there, it stands behind that.
    await until(space, () => textsOf(space).length === 1)
    await space.write('it was stolen')
    await until(his, () => textsOf(his).length === 2)
    // Bob ends the session that he had with it; that takes a few steps.
    await until(his, () => his.peers().length === 1)
    expect(his.peers().map(({ deviceKey }) => deviceKey)).toEqual([again.signingContext.deviceKey])
    world.setOnline('ada', false)
    world.setOnline('ada', true)
    expect(await refused).toBe('REFUSED_BY_PEER')
    // What it wrote before stays.
    expect(textsOf(his)).toEqual(['before', 'it was stolen'])
    await expect(again.manager.identity.revokeOtherDevices(await paper())).rejects.toMatchObject({
      code: 'NO_RECOVERY',
    })
    await again.manager.close()
    await close()
  })
})
