import { randomBytes } from '@noble/hashes/utils.js'
import { verifyCredential } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { createBatch, emptyHead, type FeedBatch } from '../src/feed/entry.ts'
import { type Candidate, type Space, SpaceManager } from '../src/index.ts'
import { MAX_FRAME_BYTES, SpaceFrame } from '../src/replication/frame.ts'
import { shakeHands } from '../src/replication/handshake.ts'
import { HANDSHAKE_TIMEOUT_MS } from '../src/replication/replication.ts'
import { plainEntry } from './plain-entry.ts'
import { around, connected, nextWith, serve } from './wire.ts'
import { channelPair, namesOf, Person, stillClock, textsOf, trusting, World } from './world.ts'

const never = new AbortController().signal

/** A space of ada's with bob, an admin whom the tests speak for over bare channels, and eve, who is nobody. */
async function setup() {
  const world = new World()
  const [ada, bob, eve] = [
    await Person.join(world, 'ada'),
    await Person.join(world, 'bob'),
    await Person.join(world, 'eve'),
  ]
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const candidate = await bob.candidate()
  const admission = await space.admit(candidate, { role: 'ADMIN' })
  const problems: string[] = []
  space.subscribe({ onProblem: ({ code }) => problems.push(code) })
  const close = () => Promise.all([ada, bob, eve].map(({ manager }) => manager.close()))
  return { ada, bob, eve, space, candidate, admission, problems, close }
}

const batchOf = (space: Space, person: Person, feed: PublicKey, ...payloads: Uint8Array[]) =>
  createBatch(person.keyring, emptyHead(space.key, feed), payloads)

/** A credential of bob's that admits somebody, at the right place in the graph. */
async function grantBy(person: Person, space: Space, guest: Candidate, parents: readonly string[]) {
  const { identityKey: member, profile } = guest
  return person.signingContext.issue(
    { type: 'SpaceMember', space: space.key, member, role: 'EDITOR', profile },
    { parents },
  )
}

describe('before both ends have shown that they are members', () => {
  test('somebody who knows the topic and is no member gets nothing', async () => {
    const { space, eve, problems, close } = await setup()
    await space.write('secret')
    const [channel, theirs] = channelPair('eve', 'host')
    const served = serve(space, theirs)
    const seen: string[] = []
    const spying = around(channel, {
      receive: async (options) => {
        const frame = await channel.receive(options)
        seen.push(...Object.keys(SpaceFrame.parseLenient(frame)))
        return frame
      },
    })
    const options = {
      spaceKey: space.key,
      signingContext: eve.signingContext,
      ...trusting,
    }
    const shaken = shakeHands(spying, { ...options, nonce: randomBytes(32), signal: never })
    await expect(shaken).rejects.toMatchObject({ code: 'REFUSED_BY_PEER' })
    expect((await served).code).toBe('NOT_A_MEMBER')
    expect([seen, problems, space.peers()]).toEqual([
      ['hello', 'presentation', 'verdict', 'verdict'],
      ['NOT_A_MEMBER'],
      [],
    ])
    await close()
  })

  test('a line of admissions helps nobody whom it does not admit', async () => {
    const { ada, eve, space, admission, close } = await setup()
    const path = admission.path.map(({ encoded }) => encoded)
    const other = await ada.manager.createSpace({ name: 'Cellar' })
    const inCellar = await other.admit(await eve.candidate(), { role: 'EDITOR' })
    const elsewhere = inCellar.path.map(({ encoded }) => encoded)
    const parents = admission.path.slice(-1).map(({ id }) => id)
    const self = await eve.signingContext.issue(
      {
        type: 'SpaceMember',
        space: space.key,
        member: eve.signingContext.identityKey,
        role: 'EDITOR',
        profile: { displayName: 'eve' },
      },
      { parents },
    )
    for (const shown of [path, elsewhere, [...path, self.encoded], path.slice(0, 1), [new Uint8Array(9)]]) {
      const [channel, theirs] = channelPair('eve', 'host')
      const served = serve(space, theirs)
      const { signingContext } = eve
      const options = { spaceKey: space.key, signingContext, ...trusting, path: shown }
      const shaken = shakeHands(channel, { ...options, nonce: randomBytes(32), signal: never })
      await expect(shaken).rejects.toMatchObject({ code: 'REFUSED_BY_PEER' })
      expect((await served).code).toBe('NOT_A_MEMBER')
    }
    await close()
  })

  test('whoever skips the presentation is refused', async () => {
    const { space, problems, close } = await setup()
    for (const frame of [{ wants: { wants: [] } }, { verdict: 'ACCEPTED' as const }, {}]) {
      const [channel, theirs] = channelPair('eve', 'host')
      const served = serve(space, theirs)
      await channel.send(SpaceFrame.encode({ hello: { version: 1, nonce: randomBytes(32) } }))
      await channel.send(SpaceFrame.encode(frame))
      await channel.send(SpaceFrame.encode({ verdict: 'ACCEPTED' }))
      expect((await served).name).toBe('SpaceError')
    }
    expect(problems).toEqual(['NOT_A_MEMBER', 'REFUSED_BY_PEER', 'NOT_A_MEMBER'])
    await close()
  })

  test('a member’s presentation is worth nothing on another channel', async () => {
    const { space, bob, close } = await setup()
    // eve stands in between, under her own peer id towards the host.
    const [toHost, host] = channelPair('eve', 'host')
    const [toBob, bobsEnd] = channelPair('host', 'bob')
    const served = serve(space, host)
    const shaken = shakeHands(bobsEnd, {
      spaceKey: space.key,
      signingContext: bob.signingContext,
      ...trusting,
      nonce: randomBytes(32),
      signal: never,
    }).catch(() => undefined)
    await toBob.send(await toHost.receive())
    await toHost.send(await toBob.receive())
    await toHost.send(await toBob.receive())
    expect(await served).toMatchObject({
      code: 'NOT_A_MEMBER',
      message: expect.stringContaining('BAD_PRESENTATION'),
    })
    toBob.abort()
    await shaken
    await close()
  })

  test('a challenge can not be sent back, and another version is refused', async () => {
    const { space, close } = await setup()
    const [echo, theirs] = channelPair('eve', 'host')
    const served = serve(space, theirs)
    await echo.send(await echo.receive())
    expect((await served).code).toBe('MALFORMED')
    const [newer, other] = channelPair('eve', 'host')
    const refused = serve(space, other)
    await newer.send(SpaceFrame.encode({ hello: { version: 9, nonce: randomBytes(32) } }))
    expect((await refused).code).toBe('UNSUPPORTED_VERSION')
    await close()
  })

  test('a silent end is given up at the deadline', async () => {
    const { ada, close } = await setup()
    const timers: (() => void)[] = []
    const clock = {
      now: stillClock.now,
      after: (ms: number, fn: () => void) => {
        expect(ms).toBe(HANDSHAKE_TIMEOUT_MS)
        timers.push(fn)
        return () => {}
      },
    }
    const { storage, keyring, signingContext } = ada
    const networkManager = new World().networkManager('ada')
    const manager = new SpaceManager({ storage, keyring, signingContext, networkManager, clock })
    await manager.open()
    const served = serve(manager.list()[0] as Space, channelPair('host', 'eve')[0])
    for (const fire of timers) fire()
    expect((await served).code).toBe('TIMED_OUT')
    await manager.close()
    await close()
  })
})

describe('feeds', () => {
  test('of an editor carry messages; a credential in one admits nobody', async () => {
    const { bob, eve, space, candidate, close } = await setup()
    const grant = await grantBy(bob, space, await eve.candidate(), await headsOf(space, bob))
    const { batch } = await batchOf(space, bob, candidate.dataFeedKey, grant.encoded, plainEntry('hello'))
    const wire = await connected(space, bob)
    await wire.entries(candidate.dataFeedKey, batch)
    await wire.stored(candidate.dataFeedKey, 2)
    expect([namesOf(space), textsOf(space)]).toEqual([['ada', 'bob'], ['hello']])
    await close()
  })

  test('carry credentials of others as well as of their own author', async () => {
    const { ada, bob, space, candidate, eve, close } = await setup()
    const guest = await eve.candidate()
    // What ada signs comes in bob's feed, behind bytes that are no credential at all.
    const grant = await grantBy(ada, space, guest, await headsOf(space, bob))
    const { batch } = await batchOf(
      space,
      bob,
      candidate.controlFeedKey,
      plainEntry('no credential'),
      grant.encoded,
    )
    const wire = await connected(space, bob)
    await wire.entries(candidate.controlFeedKey, batch)
    await wire.stored(candidate.controlFeedKey, 2)
    expect(namesOf(space)).toEqual(['ada', 'bob', 'eve'])
    await close()
  })

  test('refuse what their key did not sign, and nothing of it is kept', async () => {
    const { ada, bob, space, candidate, problems, close } = await setup()
    const before = await ada.storage.list('feeds/')
    const { batch } = await batchOf(space, bob, candidate.dataFeedKey, plainEntry('hello'))
    const other = await batchOf(space, bob, candidate.controlFeedKey, plainEntry('hello'))
    const bad: [FeedBatch, string][] = [
      [{ ...batch, signature: other.batch.signature }, 'BAD_SIGNATURE'],
      [{ ...batch, payloads: [plainEntry('goodbye')] }, 'BAD_SIGNATURE'],
      [{ ...batch, previous: randomBytes(32) }, 'MALFORMED'],
      [{ ...batch, from: 1, previous: randomBytes(32) }, 'GAP'],
      [{ ...batch, payloads: [] }, 'MALFORMED'],
    ]
    for (const [forged, code] of bad) {
      const wire = await connected(space, bob)
      await wire.entries(candidate.dataFeedKey, forged)
      expect((await wire.served).code).toBe(code)
    }
    expect(problems).toEqual(bad.map(([, code]) => code))
    expect(await ada.storage.list('feeds/')).toEqual(before)
    // An honest end is served as if nothing had been.
    const wire = await connected(space, bob)
    await wire.entries(candidate.dataFeedKey, batch)
    await wire.stored(candidate.dataFeedKey, 1)
    expect(textsOf(space)).toEqual(['hello'])
    await close()
  })

  test('that are not admitted are refused', async () => {
    const { bob, space, close } = await setup()
    const feed = await bob.keyring.createKey()
    const wire = await connected(space, bob)
    await wire.entries(feed, (await batchOf(space, bob, feed, plainEntry('hello'))).batch)
    expect((await wire.served).code).toBe('NOT_ADMITTED')
    await close()
  })

  test('come in bounded frames, one at a time, to an end that was away for long', async () => {
    const { bob, space, close } = await setup()
    for (let i = 0; i < 60; i++) await space.write(new Uint8Array(20_000).fill(i))
    const [channel, theirs] = channelPair('bob', 'host')
    let [sending, most, largest] = [0, 0, 0]
    const slow = around(theirs, {
      send: async (frame) => {
        most = Math.max(most, ++sending)
        largest = Math.max(largest, frame.length)
        await new Promise((resolve) => setImmediate(resolve))
        await theirs.send(frame)
        sending--
      },
    })
    void serve(space, slow)
    await shakeHands(channel, {
      spaceKey: space.key,
      signingContext: bob.signingContext,
      ...trusting,
      nonce: randomBytes(32),
      signal: never,
    })
    const heads = (await nextWith(channel, 'heads')).heads?.heads ?? []
    await channel.send(SpaceFrame.encode({ wants: { wants: heads.map(({ feed }) => ({ feed, from: 0 })) } }))
    let received = 0
    while (received < 60 + 9)
      received += (await nextWith(channel, 'entries')).entries?.batch.payloads.length ?? 0
    expect([most, received]).toEqual([1, 69])
    expect(largest).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    expect(largest).toBeGreaterThan(100_000)
    await close()
  })
})

/** What the next credential has to come after, as a member learns it from the host's control feed. */
async function headsOf(space: Space, person: Person): Promise<string[]> {
  const { channel, send, served } = await connected(space, person)
  const { heads } = await nextWith(channel, 'heads')
  await send({ wants: { wants: (heads?.heads ?? []).map(({ feed }) => ({ feed, from: 0 })) } })
  const { entries } = await nextWith(channel, 'entries')
  const last = entries?.batch.payloads.at(-1) ?? new Uint8Array()
  channel.abort()
  await served
  return [(await verifyCredential(last)).id]
}
