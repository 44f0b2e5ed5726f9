import { concatBytes } from '@noble/hashes/utils.js'
import { Keyring } from '@vestibule/keys'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBatch, emptyHead, type FeedBatch, FeedBatchMessage } from '../src/feed/entry.ts'
import { Feed } from '../src/feed/feed.ts'
import { encodeStored, parseStored, sequenceKey } from '../src/feed/feed-records.ts'
import { entriesFrame, SpaceFrame } from '../src/replication/frame.ts'
import { MemoryStorage } from '../src/storage/memory-storage.ts'

const SPACE = await new Keyring().createKey()
const keyring = new Keyring()
const key = await keyring.createKey()
const PREFIX = `feed/${key.toHex()}/`

/** Numbers of entries and their sizes for batches that follow one another; of many small ones some become one record. */
const batches = fc.array(
  fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 60_000 })), { minLength: 1, maxLength: 3 }),
  { minLength: 1, maxLength: 6 },
)

async function stored(sizes: readonly (readonly number[])[]) {
  const storage = new MemoryStorage()
  const feed = await Feed.open(storage, PREFIX, { space: SPACE, key })
  for (const [n, some] of sizes.entries()) {
    const payloads = some.map((size, at) => new Uint8Array(size).fill(n + at))
    const run = await createBatch(keyring, feed.head, payloads)
    await storage.transact(await feed.writes(run))
    feed.advance(run)
  }
  return { storage, feed }
}

/** What is sent of a batch, as it comes in. */
const received = (batch: FeedBatch): FeedBatch => {
  const frame = SpaceFrame.encode({ entries: { feed: key.toBytes(), batch } })
  const { entries } = SpaceFrame.parseLenient(frame)
  if (entries === undefined) throw new Error('no entries')
  return entries.batch
}

const recordOf = (batch: FeedBatch): FeedBatch =>
  parseStored(PREFIX + sequenceKey(batch.from), encodeStored(batch))

test('what is sent of records as they are is what the schema makes of what is in them, from every entry', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.option(fc.nat(20), { nil: undefined }), async (sizes, enough) => {
      const { feed } = await stored([...sizes, ...Array.from({ length: 33 }, () => [3])])
      for (let at = 0; at < feed.length; at++) {
        const batch = await feed.batch(at, enough)
        const sent = await feed.encodedBatch(at, enough)
        if (batch === undefined || sent === undefined) throw new Error('no batch')
        expect(sent.upTo).toBe(at + batch.payloads.length)
        const whole = concatBytes(...sent.parts)
        expect(Buffer.compare(whole, FeedBatchMessage.encode(batch))).toBe(0)
        const frame = SpaceFrame.encode({ entries: { feed: key.toBytes(), batch } })
        expect(Buffer.compare(entriesFrame(key, sent.parts), frame)).toBe(0)
      }
      expect(await feed.encodedBatch(feed.length)).toBeUndefined()
    }),
    { numRuns: 20 },
  )
})

test('a record that is gone, or of another version, is not passed over', async () => {
  const { storage, feed } = await stored([[50_000], [50_000], [50_000], [50_000]])
  const second = PREFIX + sequenceKey(1)
  const record = await storage.get(second)
  await storage.transact([{ key: second, value: undefined }])
  await expect(feed.encodedBatch(0)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await storage.transact([{ key: second, value: record?.with(1, 3) }])
  await expect(feed.encodedBatch(0)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await storage.transact([{ key: second, value: record }])
  expect((await feed.encodedBatch(0))?.upTo).toBe(3)
})

test('the record of a batch that came in is the one that is written of it', async () => {
  const from = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat())
  await fc.assert(
    fc.asyncProperty(
      from,
      fc.array(fc.uint8Array(), { minLength: 1, maxLength: 5 }),
      async (from, payloads) => {
        const hash = new Uint8Array(32).fill(from % 251)
        const { batch } = await createBatch(keyring, { ...emptyHead(SPACE, key), length: 1, hash }, [
          new Uint8Array(1),
        ])
        const sent = { ...batch, from, payloads }
        const got = received(sent)
        expect(got).toEqual(sent)
        const plain = encodeStored(sent)
        // A second time too, when the first was not written.
        for (let times = 0; times < 2; times++) expect(encodeStored(got)).toEqual(plain)
        // What is read of the same bytes again is no other batch, and nothing of it has changed.
        expect(got).toEqual(sent)
        expect(recordOf(got)).toEqual(sent)
      },
    ),
  )
})

test('a batch that came in encoded otherwise is stored as every other', async () => {
  const { batch } = await createBatch(keyring, { ...emptyHead(SPACE, key), length: 7 }, [Uint8Array.of(1, 2)])
  const canonical = FeedBatchMessage.encode(batch)
  const later = Uint8Array.of(0x78, 1)
  const others = [
    concatBytes(canonical, later),
    concatBytes(later, canonical),
    concatBytes(canonical.subarray(2), canonical.subarray(0, 2)),
  ]
  for (const other of others) {
    const { entries } = SpaceFrame.parseLenient(entriesFrame(key, [other]))
    expect(entries?.batch).toEqual(batch)
    expect(entries && encodeStored(entries.batch)).toEqual(encodeStored(batch))
  }
})
