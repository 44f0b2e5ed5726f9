import { equalBytes } from '@vestibule/keys'
import { expect, test } from 'vitest'
import { createBatch, emptyHead } from '../src/feed/entry.ts'
import { plainEntry } from './plain-entry.ts'
import { connected, nextWith } from './wire.ts'
import { Person, textsOf, World } from './world.ts'

const text = (body: string, lamport: number): Uint8Array => plainEntry(body, lamport)

/** A space of ada's with bob, an admin, and carol and dan, editors; the tests speak for dan. */
async function setup() {
  const world = new World()
  const people = [
    await Person.join(world, 'ada'),
    await Person.join(world, 'bob'),
    await Person.join(world, 'carol'),
    await Person.join(world, 'dan'),
  ] as const
  const [ada, bob, carol, dan] = people
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const candidates = [await bob.candidate(), await carol.candidate(), await dan.candidate()] as const
  const [bobs] = [await space.admit(candidates[0], { role: 'ADMIN' })]
  const carols = await space.admit(candidates[1], { role: 'EDITOR' })
  await space.admit(candidates[2], { role: 'EDITOR' })
  const grants = { bob: bobs.path.at(-1)?.id ?? '', carol: carols.path.at(-1)?.id ?? '' }
  const close = () => Promise.all(people.map(({ manager }) => manager.close()))
  return { ada, bob, carol, dan, space, candidates, grants, wire: await connected(space, dan), close }
}

test('a cut feed is neither taken nor given beyond the cut, and asked for again when the cut lapses', async () => {
  const { ada, bob, carol, dan, space, candidates, grants, wire, close } = await setup()
  const feed = candidates[1].dataFeedKey
  const one = await createBatch(carol.keyring, emptyHead(space.key, feed), [text('one', 1)])
  const two = await createBatch(carol.keyring, one.head, [text('two', 2)])
  const three = await createBatch(carol.keyring, two.head, [text('three', 3)])
  await wire.entries(feed, one.batch)
  await wire.stored(feed, 1)

  const control = candidates[2].controlFeedKey
  const { hash } = one.head
  const removal = await bob.signingContext.issue(
    {
      type: 'RemovedMember',
      space: space.key,
      member: carol.signingContext.identityKey,
      heads: [{ feed, length: 1, hash }],
    },
    { parents: [grants.bob, grants.carol].sort() },
  )
  const first = await createBatch(dan.keyring, emptyHead(space.key, control), [removal.encoded])
  await wire.entries(control, first.batch)
  await wire.stored(control, 1)
  await wire.entries(feed, two.batch)
  await wire.entries(feed, three.batch)
  const before = await ada.storage.list(`feeds/${space.key.toHex()}/${feed.toHex()}/`)
  expect([textsOf(space), before.length]).toEqual([['one'], 1])

  // Ada removes whoever did it, without having known: the cut lapses.
  const lapse = await ada.signingContext.issue(
    { type: 'RemovedMember', space: space.key, member: bob.signingContext.identityKey, heads: [] },
    { parents: [grants.bob] },
  )
  await wire.entries(control, (await createBatch(dan.keyring, first.head, [lapse.encoded])).batch)
  for (let again = false; !again; ) {
    const { wants } = await nextWith(wire.channel, 'wants')
    again = wants?.wants.some((want) => equalBytes(want.feed, feed.toBytes()) && want.from === 1) ?? false
  }
  await wire.entries(feed, two.batch)
  await wire.entries(feed, three.batch)
  await wire.stored(feed, 3)
  expect(textsOf(space)).toEqual(['one', 'two', 'three'])
  wire.channel.abort()
  await close()
})

test('of a cut feed only what counts is sent, but for the rest of a batch', async () => {
  const { ada, carol, space, candidates, grants, wire, close, dan } = await setup()
  const feed = candidates[1].dataFeedKey
  const one = await createBatch(carol.keyring, emptyHead(space.key, feed), [text('one', 1), text('two', 2)])
  const two = await createBatch(carol.keyring, one.head, [text('three', 3)])
  await wire.entries(feed, one.batch)
  await wire.entries(feed, two.batch)
  await wire.stored(feed, 3)
  wire.channel.abort()
  await wire.served
  const removal = await ada.signingContext.issue(
    {
      type: 'RemovedMember',
      space: space.key,
      member: carol.signingContext.identityKey,
      heads: [{ feed, length: 1, hash: one.entries[0]?.hash ?? one.head.hash }],
    },
    { parents: [grants.carol] },
  )
  const again = await connected(space, dan)
  const control = candidates[2].controlFeedKey
  const news = await createBatch(dan.keyring, emptyHead(space.key, control), [removal.encoded])
  await again.entries(control, news.batch)
  await again.stored(control, 1)
  await again.send({ wants: { wants: [{ feed: feed.toBytes(), from: 0 }] } })
  const { entries } = await nextWith(again.channel, 'entries')
  expect(entries?.batch.payloads).toEqual([text('one', 1), text('two', 2)])
  await again.send({ wants: { wants: [] } })
  expect(await nextWith(again.channel, 'settled')).toMatchObject({ settled: 1 })
  again.channel.abort()
  await close()
})
