import { sha256 } from '@noble/hashes/sha2.js'
import { Keyring, pae } from '@vestibule/keys'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createBatch,
  emptyHead,
  type FeedEntry,
  type FeedHead,
  MAX_BATCH_ENTRIES,
  MAX_PAYLOAD_BYTES,
  readBatch,
  verifyBatch,
  verifyHead,
} from '../src/feed/entry.ts'
import { EntryHashes, FeedEntryMessage } from '../src/feed/entry-hash.ts'
import { Feed } from '../src/feed/feed.ts'
import { MemoryStorage } from '../src/storage/memory-storage.ts'

const SPACE = await new Keyring().createKey()
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function setup() {
  const keyring = new Keyring()
  const key = await keyring.createKey()
  const storage = new MemoryStorage()
  const open = (onEntries?: (entries: readonly FeedEntry[]) => void) =>
    Feed.open(storage, `feed/${key.toHex()}/`, { space: SPACE, key }, onEntries)
  const append = async (feed: Feed, ...payloads: Uint8Array[]) => {
    const run = await createBatch(keyring, feed.head, payloads)
    await storage.transact(await feed.writes(run))
    feed.advance(run)
    return run.batch
  }
  return { keyring, key, storage, open, append }
}

const refusedWith = (code: string) => ({ name: 'SpaceError', code })
const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at % bytes.length ? byte ^ 1 : byte))

describe('a batch', () => {
  test('is accepted by whoever holds what comes before it, under one signature', async () => {
    const { keyring, key } = await setup()
    const one = await createBatch(keyring, emptyHead(SPACE, key), [text('a'), text('b')])
    const two = await createBatch(keyring, one.head, [text('c')])
    const first = await verifyBatch(emptyHead(SPACE, key), one.batch)
    expect(first.entries.map(({ payload }) => payload)).toEqual([text('a'), text('b')])
    expect(first).toEqual(one)
    expect(await verifyHead(one.head)).toBe(true)
    expect((await verifyBatch(one.head, two.batch)).entries.map(({ sequence }) => sequence)).toEqual([2])
    const whole = {
      ...one.batch,
      payloads: [...one.batch.payloads, ...two.batch.payloads],
      signature: two.batch.signature,
    }
    expect((await verifyBatch(emptyHead(SPACE, key), whole)).entries).toHaveLength(3)
    // What is known already is cut off, and what is left is a batch of its own.
    expect(await verifyBatch(one.head, whole)).toEqual(two)
    expect((await verifyBatch(two.head, whole)).entries).toHaveLength(0)
    expect((await verifyBatch(two.head, one.batch)).entries).toHaveLength(0)
  })

  test('is refused when entries before it are missing', async () => {
    const { keyring, key } = await setup()
    const one = await createBatch(keyring, emptyHead(SPACE, key), [text('a')])
    const two = await createBatch(keyring, one.head, [text('b')])
    await expect(verifyBatch(emptyHead(SPACE, key), two.batch)).rejects.toMatchObject(refusedWith('GAP'))
  })

  test('is refused when its entries are reordered, left out or of another feed', async () => {
    const { keyring, key } = await setup()
    const { batch } = await createBatch(keyring, emptyHead(SPACE, key), [text('a'), text('b'), text('c')])
    const [a, b, c] = batch.payloads as [Uint8Array, Uint8Array, Uint8Array]
    for (const payloads of [
      [a, c, b],
      [a, c],
      [a, a, b],
      [a, b],
      [text('ab'), c],
    ])
      await expect(verifyBatch(emptyHead(SPACE, key), { ...batch, payloads })).rejects.toMatchObject(
        refusedWith('BAD_SIGNATURE'),
      )
    const other = emptyHead(SPACE, await keyring.createKey())
    await expect(verifyBatch(other, batch)).rejects.toMatchObject(refusedWith('BAD_SIGNATURE'))
    // A feed that is admitted in a second space stays empty there.
    const elsewhere = emptyHead(await keyring.createKey(), key)
    await expect(verifyBatch(elsewhere, batch)).rejects.toMatchObject(refusedWith('BAD_SIGNATURE'))
    for (const bad of [{ payloads: [] }, { previous: new Uint8Array(32).fill(1) }])
      await expect(verifyBatch(emptyHead(SPACE, key), { ...batch, ...bad })).rejects.toMatchObject(
        refusedWith('MALFORMED'),
      )
  })

  test('of another history by the same key is reported as a fork', async () => {
    const { keyring, key } = await setup()
    const mine = await createBatch(keyring, emptyHead(SPACE, key), [text('a')])
    const theirs = await createBatch(keyring, emptyHead(SPACE, key), [text('b')])
    const next = await createBatch(keyring, theirs.head, [text('c')])
    await expect(verifyBatch(mine.head, next.batch)).rejects.toMatchObject(refusedWith('FORKED'))
    // Without the key's signature nobody is accused.
    const forged = { ...next.batch, signature: flip(next.batch.signature, 3) }
    await expect(verifyBatch(mine.head, forged)).rejects.toMatchObject(refusedWith('BAD_SIGNATURE'))
  })

  test('is never accepted with a bit changed', async () => {
    const { keyring, key } = await setup()
    const { batch } = await createBatch(keyring, emptyHead(SPACE, key), [
      text('some payload'),
      text('another'),
    ])
    const at = fc.nat(10_000)
    await fc.assert(
      fc.asyncProperty(at, fc.constantFrom('first', 'second', 'signature'), async (where, what) => {
        const [a, b] = batch.payloads as [Uint8Array, Uint8Array]
        const changed = {
          ...batch,
          payloads: [what === 'first' ? flip(a, where) : a, what === 'second' ? flip(b, where) : b],
          signature: what === 'signature' ? flip(batch.signature, where) : batch.signature,
        }
        await expect(verifyBatch(emptyHead(SPACE, key), changed)).rejects.toMatchObject({
          name: 'SpaceError',
        })
      }),
      { numRuns: 150 },
    )
  })

  test('has a largest size', async () => {
    const { keyring, key } = await setup()
    const big = new Uint8Array(MAX_PAYLOAD_BYTES)
    const head: FeedHead = emptyHead(SPACE, key)
    await expect(createBatch(keyring, head, [new Uint8Array(MAX_PAYLOAD_BYTES + 1)])).rejects.toMatchObject(
      refusedWith('TOO_LARGE'),
    )
    const { batch } = await createBatch(keyring, head, [big, big, big])
    expect(batch.payloads).toHaveLength(3)
    const larger = { ...batch, payloads: [...batch.payloads, text('a')] }
    await expect(createBatch(keyring, head, larger.payloads)).rejects.toMatchObject(refusedWith('TOO_LARGE'))
    await expect(verifyBatch(head, larger)).rejects.toMatchObject(refusedWith('TOO_LARGE'))
    const many = { ...batch, payloads: Array<Uint8Array>(MAX_BATCH_ENTRIES + 1).fill(text('a')) }
    await expect(verifyBatch(head, many)).rejects.toMatchObject(refusedWith('TOO_LARGE'))
  })
})

describe('a stored feed', () => {
  test('gives back its entries in order after it is opened again, and can be continued', async () => {
    const { open, append } = await setup()
    const feed = await open()
    expect([feed.length, feed.signedHead]).toEqual([0, undefined])
    for (let i = 0; i < 12; i++) await append(feed, text(`${i}`))
    const read: string[] = []
    const again = await open((entries) =>
      read.push(...entries.map(({ payload }) => new TextDecoder().decode(payload))),
    )
    expect(read).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`))
    expect(again.signedHead).toEqual(feed.signedHead)
    await append(again, text('12'))
    expect((await open()).length).toBe(13)
  })

  test('serves what another end is missing, in batches that verify', async () => {
    const { key, open, append } = await setup()
    const feed = await open()
    await append(feed, text('a'), text('b'))
    for (let i = 0; i < 4; i++) await append(feed, new Uint8Array(MAX_PAYLOAD_BYTES - 100 + i))
    let head: FeedHead = emptyHead(SPACE, key)
    let batches = 0
    for (;;) {
      const batch = await feed.batch(head.length)
      if (batch === undefined) break
      head = (await verifyBatch(head, batch)).head
      batches++
    }
    expect([head.length, batches]).toEqual([6, 2])
    expect(await feed.hashOf(5)).toEqual(head.hash)
  })

  test('that was written entry by entry is kept in few records, and served under few signatures', async () => {
    const { key, storage, open, append } = await setup()
    const feed = await open()
    const most = 1000
    for (let i = 0; i < most; i++) {
      await append(feed, text(`${i}`))
      if (i % 97 === 0) expect((await open()).signedHead).toEqual(feed.signedHead)
    }
    expect((await storage.list('feed/')).length).toBeLessThan(most / 32 + 32)
    const again = await open()
    for (const end of [feed, again]) {
      const batch = await end.batch(0)
      expect(batch?.payloads).toHaveLength(most)
      if (batch) expect((await verifyBatch(emptyHead(SPACE, key), batch)).head).toEqual(feed.signedHead)
    }
    expect(again.size).toBe(feed.size)
    await append(again, text('more'))
    expect((await open()).length).toBe(most + 1)
  })

  test('tells the hash of every entry, and serves from every entry', async () => {
    const { open, append } = await setup()
    const feed = await open()
    for (let i = 0; i < 5; i++) await append(feed, text(`${i}a`), text(`${i}b`), text(`${i}c`))
    for (let at = 0; at < feed.length; at++) {
      const batch = await feed.batch(at)
      if (batch === undefined) throw new Error('no batch')
      const { entries, head } = await readBatch(feed.head, batch)
      expect([entries[0]?.sequence, entries[0]?.hash, head.length]).toEqual([at, await feed.hashOf(at), 15])
      // Asked for a part, it ends with the signature that covers it.
      for (const enough of [at + 1, at + 4])
        expect((await feed.batch(at, enough))?.payloads.length).toBe(
          Math.min(15, Math.ceil(Math.max(enough, 1) / 3) * 3) - at,
        )
    }
    expect(await feed.batch(15)).toBeUndefined()
  })

  test('is read a part at a time', async () => {
    const { storage, open, append } = await setup()
    const feed = await open()
    for (let i = 0; i < 100; i++) await append(feed, new Uint8Array(MAX_PAYLOAD_BYTES).fill(i))
    const list = storage.list.bind(storage)
    let largest = 0
    storage.list = async (...range) => {
      const records = await list(...range)
      largest = Math.max(
        largest,
        records.reduce((sum, [, { length }]) => sum + length, 0),
      )
      return records
    }
    let read = 0
    await open((entries) => {
      read += entries.length
    })
    expect(read).toBe(100)
    expect(largest).toBeLessThanOrEqual(32 * (MAX_PAYLOAD_BYTES + 200))
    largest = 0
    expect((await feed.batch(50))?.payloads).toHaveLength(3)
    expect(largest).toBeLessThanOrEqual(3 * (MAX_PAYLOAD_BYTES + 200))
  })

  test('that is damaged is refused', async () => {
    const { storage, open, append } = await setup()
    const feed = await open()
    const far = new Uint8Array(10_000)
    for (const payloads of [[text('a')], [far, text('c')], [far]]) await append(feed, ...payloads)
    const records = await storage.list('feed/')
    const [first, second, third] = records.map(([key]) => key) as [string, string, string]
    const [one, two] = records.map(([, value]) => value) as [Uint8Array, Uint8Array]
    const damages = [
      [{ key: first, value: undefined }],
      [{ key: second, value: undefined }],
      [{ key: second, value: one }],
      [
        { key: first, value: flip(one, one.length - 1) },
        ...[second, third].map((key) => ({ key, value: undefined })),
      ],
      [{ key: second, value: flip(two, 5_000) }],
    ]
    for (const damage of damages) {
      await storage.transact(damage)
      await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
      await storage.transact(records.map(([key, value]) => ({ key, value })))
    }
    expect((await open()).length).toBe(4)
  })
})

test('the hash of an entry is over its protobuf message, as PAE', async () => {
  const { key } = await setup()
  const hashes = EntryHashes.of(key)
  const numbers = fc.oneof(fc.nat(300), fc.maxSafeNat())
  const payload = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(MAX_PAYLOAD_BYTES)))
  fc.assert(
    fc.property(
      numbers,
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      payload,
      (sequence, previous, payload) => {
        const entry = FeedEntryMessage.encode({
          version: 1,
          feed: key.toBytes(),
          sequence,
          previous,
          payload,
        })
        expect(hashes.of(sequence, previous, payload)).toEqual(sha256(pae('vestibule feed entry v1', entry)))
      },
    ),
  )
})
