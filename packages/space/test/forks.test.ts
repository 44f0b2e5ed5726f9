import type { PublicKey } from '@vestibule/keys'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBatch, emptyHead, type FeedBatch } from '../src/feed/entry.ts'
import { MemoryStorage, type Space } from '../src/index.ts'
import { plainEntry } from './plain-entry.ts'
import { bring, namesOf, Person, send, textsOf, until, untilAll, World } from './world.ts'

/** A space of ada's with carol and dan, all online, and bob, an editor whom the tests speak for. */
async function setup() {
  const world = new World()
  const [ada, bob, carol, dan] = [
    await Person.join(world, 'ada'),
    await Person.join(world, 'bob'),
    await Person.join(world, 'carol'),
    await Person.join(world, 'dan'),
  ]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const candidate = await bob.candidate()
  const grant = (await hers.admit(candidate, { role: 'ADMIN' })).path.at(-1)?.id ?? ''
  const spaces = [hers, await bring(hers, carol), await bring(hers, dan)] as const
  const names = ['ada', 'bob', 'carol', 'dan']
  for (const space of spaces) await until(space, () => namesOf(space).join() === names.join())
  const problems = spaces.map((space) => {
    const seen: string[] = []
    space.subscribe({ onProblem: ({ code }) => seen.push(code) })
    return seen
  })
  const online = (is: boolean): void => {
    for (const { name } of [ada, carol, dan]) world.setOnline(name, is)
  }
  const close = () => Promise.all([ada, bob, carol, dan].map(({ manager }) => manager.close()))
  return { world, ada, bob, carol, dan, hers, candidate, grant, spaces, problems, online, close }
}

const text = (body: string, lamport = 1): Uint8Array => plainEntry(body, lamport)

/** Batches of one history: what each is to say, from an entry on that others share. */
async function history(
  person: Person,
  space: Space,
  feed: PublicKey,
  ...bodies: readonly (readonly Uint8Array[])[]
) {
  let head = emptyHead(space.key, feed)
  const batches: FeedBatch[] = []
  for (const payloads of bodies) {
    const run = await createBatch(person.keyring, head, payloads)
    batches.push(run.batch)
    head = run.head
  }
  return batches
}

/** What counts: a device shows what it wrote itself all the same, marked. */
const countedOf = (space: Space) =>
  space.messages().flatMap(({ text, included }) => (included === false ? [] : text))

const forksOf = (space: Space) => space.forks().map(({ feed, length }) => [feed, length] as const)

describe('a feed with two histories', () => {
  test('is found where they meet, counts as far as they agree, and the others go on', async () => {
    const { hers, bob, candidate, spaces, problems, online, close } = await setup()
    const feed = candidate.dataFeedKey
    const both = [text('one'), text('two', 2)]
    const [, hisA] = [online(false), await history(bob, hers, feed, both, [text('a', 3)], [text('aa', 4)])]
    const hisB = await history(bob, hers, feed, both, [text('b', 3), text('bb', 4)])
    await send(spaces[0], bob, feed, hisA)
    await send(spaces[1], bob, feed, hisB)
    expect(textsOf(spaces[0])).toEqual(['one', 'two', 'a', 'aa'])
    expect(textsOf(spaces[1])).toEqual(['one', 'two', 'b', 'bb'])
    online(true)
    for (const space of spaces) await until(space, () => space.messages().length === 2)
    await untilAll(spaces, () => problems.every((seen) => seen.length > 0))
    for (const space of spaces) {
      expect(forksOf(space)).toEqual([[feed, 2]])
      expect(textsOf(space)).toEqual(['one', 'two'])
    }
    expect(problems).toEqual([['FORKED'], ['FORKED'], ['FORKED']])
    // Everybody else writes as before.
    await spaces[2].write('hello')
    for (const space of spaces) await until(space, () => textsOf(space).includes('hello'))
    await close()
  })

  test('stays known after a restart, and is passed on to whoever comes', async () => {
    const { world, hers, ada, bob, carol, candidate, spaces, online, close } = await setup()
    const feed = candidate.dataFeedKey
    online(false)
    await send(spaces[0], bob, feed, await history(bob, hers, feed, [text('a')]))
    await send(spaces[1], bob, feed, await history(bob, hers, feed, [text('b')]))
    online(true)
    for (const space of spaces) await until(space, () => space.forks().length > 0)
    const storage = carol.storage as MemoryStorage
    const copy = await copyOf(storage)
    await carol.manager.close()
    const again = await carol.restart(world, copy)
    expect(forksOf(again.manager.list()[0] as Space)).toEqual([[feed, 0]])
    const eve = await Person.join(world, 'eve')
    const guest = await bring(ada.manager.list()[0] as Space, eve)
    await until(guest, () => guest.forks().length > 0)
    expect([forksOf(guest), textsOf(guest)]).toEqual([[[feed, 0]], []])
    await Promise.all([again.manager.close(), eve.manager.close(), close()])
  })

  test('of credentials: those of both count with everybody', async () => {
    const { hers, bob, candidate, grant, spaces, online, close } = await setup()
    const feed = candidate.controlFeedKey
    const fakes = new Map<string, PublicKey>()
    for (const name of ['eve', 'fay']) fakes.set(name, await bob.keyring.createKey())
    const says = (displayName: string) =>
      bob.signingContext.issue(
        {
          type: 'SpaceMember',
          space: hers.key,
          member: fakes.get(displayName) as PublicKey,
          role: 'READER',
          profile: { displayName },
        },
        { parents: [grant] },
      )
    const [a, b] = [await says('eve'), await says('fay')]
    online(false)
    await send(spaces[0], bob, feed, await history(bob, hers, feed, [a.encoded]))
    await send(spaces[1], bob, feed, await history(bob, hers, feed, [b.encoded]))
    online(true)
    for (const space of spaces)
      await until(
        space,
        () => namesOf(space).join() === 'ada,bob,carol,dan,eve,fay' && space.forks().length > 0,
      )
    await close()
  })
})

async function copyOf(storage: MemoryStorage): Promise<MemoryStorage> {
  const copy = new MemoryStorage()
  await copy.transact((await storage.list('')).map(([key, value]) => ({ key, value })))
  return copy
}

describe('a device whose storage was brought back from an earlier copy', () => {
  test('takes back what it wrote since, and goes on', async () => {
    const { world, carol, spaces, problems, close } = await setup()
    await spaces[1].write('before')
    await until(spaces[0], () => spaces[0].messages().length === 1)
    const copy = await copyOf(carol.storage as MemoryStorage)
    await spaces[1].write('since')
    await until(spaces[0], () => spaces[0].messages().length === 2)
    await carol.manager.close()
    const again = await carol.restart(world, copy)
    const space = again.manager.list()[0] as Space
    await until(space, () => space.messages().length === 2)
    await space.write('after')
    await until(spaces[0], () => spaces[0].messages().length === 3)
    expect(textsOf(spaces[0])).toEqual(['before', 'since', 'after'])
    expect([problems[0], space.forks()]).toEqual([[], []])
    await Promise.all([again.manager.close(), close()])
  })

  test('that wrote first is told, and its writes work again from a fresh feed', async () => {
    const { world, carol, spaces, close } = await setup()
    await spaces[1].write('before')
    await until(spaces[0], () => spaces[0].messages().length === 1)
    const copy = await copyOf(carol.storage as MemoryStorage)
    await spaces[1].write('since')
    await until(spaces[0], () => spaces[0].messages().length === 2)
    await carol.manager.close()
    world.setOnline('carol', false)
    const again = await carol.restart(world, copy)
    const space = again.manager.list()[0] as Space
    const problems: string[] = []
    space.subscribe({ onProblem: ({ code, message }) => problems.push(`${code} ${message.slice(0, 11)}`) })
    await space.write('too early')
    world.setOnline('carol', true)
    await until(space, () => problems.length > 0)
    expect(problems).toEqual(['FORKED this device'])
    await space.write('after')
    for (const one of [spaces[0], spaces[2], space])
      await until(one, () => countedOf(one).join() === 'before,after')
    await Promise.all([again.manager.close(), close()])
  })

  test('that told of itself first goes on with a fresh control feed', async () => {
    const { world, ada, carol, spaces, close } = await setup()
    const admit = async (space: Space, name: string) => {
      const person = await Person.join(world, name)
      await space.admit(await person.candidate(), { role: 'READER' })
      await person.manager.close()
    }
    await ada.manager.list()[0]?.changeRole(carol.signingContext.identityKey, 'ADMIN')
    await until(spaces[1], () => spaces[1].mayAdmit('READER'))
    const copy = await copyOf(carol.storage as MemoryStorage)
    await admit(spaces[1], 'eve')
    await until(spaces[0], () => namesOf(spaces[0]).includes('eve'))
    await carol.manager.close()
    world.setOnline('carol', false)
    const again = await carol.restart(world, copy)
    const space = again.manager.list()[0] as Space
    await admit(space, 'fay')
    const problems: string[] = []
    space.subscribe({ onProblem: ({ code }) => problems.push(code) })
    world.setOnline('carol', true)
    await until(space, () => problems.length > 0)
    await admit(space, 'gus')
    await space.write('all is well')
    for (const one of [spaces[0], spaces[2], space])
      await until(
        one,
        () =>
          namesOf(one).join() === 'ada,bob,carol,dan,eve,fay,gus' && textsOf(one).join() === 'all is well',
      )
    expect(problems).toEqual(['FORKED'])
    await Promise.all([again.manager.close(), close()])
  })
})

test('members agree on what counts, whatever histories a cheat gives to whom', {
  timeout: 60_000,
}, async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 })
  const branch = fc.record({ shared: fc.nat(4), own: sizes })
  await fc.assert(
    fc.asyncProperty(fc.tuple(branch, branch, branch), async (branches) => {
      const { hers, bob, candidate, spaces, online, close } = await setup()
      const feed = candidate.dataFeedKey
      online(false)
      for (const [i, { shared, own }] of branches.entries()) {
        // Up to four entries are the same, each under a signature of its own; then everybody is told something else.
        const common = Array.from({ length: shared }, (_, n) => [text(`common ${n}`, n + 1)])
        const rest = own.map((count, n) =>
          Array.from({ length: count }, (_, m) => text(`for ${i}: ${n}.${m}`, shared + n + 1)),
        )
        const batches = await history(bob, hers, feed, ...common, ...rest)
        if (batches.length > 0) await send(spaces[i] as Space, bob, feed, batches)
      }
      online(true)
      await spaces[0].write('the last')
      const agree = (): boolean => {
        const seen = spaces.map((space) =>
          JSON.stringify([textsOf(space), space.forks().map(({ length }) => length)]),
        )
        return new Set(seen).size === 1 && textsOf(spaces[2]).includes('the last')
      }
      await untilAll(spaces, agree)
      await close()
    }),
    { numRuns: 12 },
  )
})
