import { Keyring } from '@vestibule/keys'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBatch, emptyHead, type FeedHead, type FeedRun, readBatch } from '../src/feed/entry.ts'
import { Feed } from '../src/feed/feed.ts'
import { encodeFork, type ForkProof, parseFork, verifyFork } from '../src/feed/fork.ts'
import { ForkSearch } from '../src/replication/fork-search.ts'
import { MemoryStorage } from '../src/storage/memory-storage.ts'

const keyring = new Keyring()
const [space, key] = [await keyring.createKey(), await keyring.createKey()]

/** A feed whose entries say which they are, and from an entry on of which history. */
async function historyOf(name: string, from: number, sizes: readonly number[]): Promise<Feed> {
  const storage = new MemoryStorage()
  const feed = await Feed.open(storage, 'feed/', { space, key })
  for (const size of sizes) {
    const payloads = Array.from({ length: size }, (_, i) => {
      const sequence = feed.length + i
      return new TextEncoder().encode(sequence < from ? `${sequence}` : `${name} ${sequence}`)
    })
    const run = await createBatch(keyring, feed.head, payloads)
    await storage.transact(await feed.writes(run))
    feed.advance(run)
  }
  return feed
}

/** Asks until there is an answer. */
async function search(own: Feed, theirs: Feed, differs: number) {
  const looking = new ForkSearch(own, differs)
  for (let questions = 1; ; questions++) {
    const { from } = looking
    const batch = await theirs.batch(from, from + 1)
    if (batch === undefined) throw new Error('nothing there')
    const found = await looking.take(await readBatch(own.head, batch))
    if (found !== 'next') return { found, questions }
  }
}

test('where two histories part is found in few questions, and proven', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.nat(2000), sizes, sizes, async (at, one, other) => {
      const [own, theirs] = [await historyOf('own', at, one), await historyOf('theirs', at, other)]
      const common = Math.min(own.length, theirs.length)
      fc.pre(at < common)
      const { found, questions } = await search(own, theirs, common - 1)
      expect(found).toMatchObject({ feed: key, at })
      expect(questions).toBeLessThanOrEqual(Math.ceil(Math.log2(common + 1)) + 2)
      const proof = found as ForkProof
      expect(await verifyFork(space, key, proof)).toEqual(proof)
      expect(await parseFork(space, key, encodeFork(proof))).toEqual(proof)
    }),
    { numRuns: 25 },
  )
})

test('nothing is found where one history is the beginning of the other', async () => {
  const [short, long] = [await historyOf('own', 99, [3]), await historyOf('own', 99, [3, 4])]
  expect((await search(short, long, 2)).found).toBeUndefined()
})

test('what proves no fork is refused', async () => {
  const head: FeedHead = emptyHead(space, key)
  const say = (...words: string[]): Promise<FeedRun> =>
    createBatch(
      keyring,
      head,
      words.map((word) => new TextEncoder().encode(word)),
    )
  const [a, ab, c] = [(await say('a')).batch, (await say('a', 'b')).batch, (await say('c')).batch]
  await verifyFork(space, key, { one: a, other: c })
  const other = await keyring.createKey()
  for (const [one, two, code] of [
    [a, a, 'BAD_FORK'],
    [a, ab, 'BAD_FORK'],
    [ab, ab, 'BAD_FORK'],
    [a, { ...c, signature: a.signature }, 'BAD_SIGNATURE'],
    [a, { ...c, payloads: [] }, 'MALFORMED'],
  ] as const)
    await expect(verifyFork(space, key, { one, other: two })).rejects.toMatchObject({ code })
  await expect(verifyFork(space, other, { one: a, other: c })).rejects.toMatchObject({
    code: 'BAD_SIGNATURE',
  })
  await expect(verifyFork(other, key, { one: a, other: c })).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
})
