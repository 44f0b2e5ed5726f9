import { Keyring, type PublicKey } from '@vestibule/keys'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createBatch,
  emptyHead,
  type FeedHead,
  MAX_BATCH_BYTES,
  MAX_PAYLOAD_BYTES,
  verifyBatch,
  verifyHead,
} from '../src/feed/entry.ts'
import { Feed } from '../src/feed/feed.ts'
import { MemoryStorage } from '../src/storage/memory-storage.ts'

const SPACE = await new Keyring().createKey()
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function setup() {
  const keyring = new Keyring()
  const key = await keyring.createKey()
  const storage = new MemoryStorage()
  const open = (onEntry?: (entry: { payload: Uint8Array }) => void) =>
    Feed.open(storage, `feed/${key.toHex()}/`, { space: SPACE, key }, onEntry)
  const append = async (feed: Feed, ...payloads: Uint8Array[]) => {
    const { batch, entries } = await createBatch(keyring, feed.head, payloads)
    await storage.transact(feed.writes(entries))
    feed.advance(entries)
    return batch
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
    expect(first.map(({ payload }) => payload)).toEqual([text('a'), text('b')])
    expect(first.map(({ signature }) => signature !== undefined)).toEqual([false, true])
    expect(await verifyHead(one.head)).toBe(true)
    expect((await verifyBatch(one.head, two.batch)).map(({ sequence }) => sequence)).toEqual([2])
    const whole = { entries: [...one.batch.entries, ...two.batch.entries], signature: two.batch.signature }
    expect(await verifyBatch(emptyHead(SPACE, key), whole)).toHaveLength(3)
    expect(await verifyBatch(one.head, whole)).toHaveLength(1)
    expect(await verifyBatch(two.head, whole)).toHaveLength(0)
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
    const [a, b, c] = batch.entries as [Uint8Array, Uint8Array, Uint8Array]
    for (const entries of [
      [a, c, b],
      [a, c],
      [a, a, b],
    ])
      await expect(verifyBatch(emptyHead(SPACE, key), { ...batch, entries })).rejects.toMatchObject(
        refusedWith('BAD_LINK'),
      )
    const other = emptyHead(SPACE, await keyring.createKey())
    await expect(verifyBatch(other, batch)).rejects.toMatchObject(refusedWith('BAD_LINK'))
    // A feed that is admitted in a second space stays empty there.
    const elsewhere = emptyHead(await keyring.createKey(), key)
    await expect(verifyBatch(elsewhere, batch)).rejects.toMatchObject(refusedWith('BAD_SIGNATURE'))
    await expect(verifyBatch(emptyHead(SPACE, key), { ...batch, entries: [a, b] })).rejects.toMatchObject(
      refusedWith('BAD_SIGNATURE'),
    )
    await expect(verifyBatch(emptyHead(SPACE, key), { ...batch, entries: [] })).rejects.toMatchObject(
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
        const [a, b] = batch.entries as [Uint8Array, Uint8Array]
        const changed = {
          entries: [what === 'first' ? flip(a, where) : a, what === 'second' ? flip(b, where) : b],
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
    await expect(createBatch(keyring, head, [big, big, big])).rejects.toMatchObject(refusedWith('TOO_LARGE'))
    await expect(
      verifyBatch(head, { entries: [new Uint8Array(MAX_BATCH_BYTES + 1)], signature: new Uint8Array(64) }),
    ).rejects.toMatchObject(refusedWith('TOO_LARGE'))
  })
})

describe('a stored feed', () => {
  test('gives back its entries in order after it is opened again, and can be continued', async () => {
    const { open, append } = await setup()
    const feed = await open()
    expect([feed.length, feed.signedHead]).toEqual([0, undefined])
    for (let i = 0; i < 12; i++) await append(feed, text(`${i}`))
    const read: string[] = []
    const again = await open(({ payload }) => read.push(new TextDecoder().decode(payload)))
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
      const last = (await verifyBatch(head, batch)).at(-1)
      if (last === undefined) throw new Error('an empty batch')
      head = { space: SPACE, feed: key, length: last.sequence + 1, hash: last.hash }
      batches++
    }
    expect([head.length, batches]).toEqual([6, 2])
    expect(await feed.hashOf(5)).toEqual(head.hash)
  })

  test('that is damaged is refused', async () => {
    const { key, storage, open, append } = await setup()
    const feed = await open()
    await append(feed, text('a'))
    await append(feed, text('b'), text('c'))
    const entries = await storage.list('feed/')
    const prefix = `feed/${(key as PublicKey).toHex()}/`
    for (const sequence of [0, 1, 2]) {
      const name = prefix + `${sequence}`.padStart(16, '0')
      await storage.transact([{ key: name, value: undefined }])
      await expect(open()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
      await storage.transact(entries.map(([key, value]) => ({ key, value })))
    }
    expect((await open()).length).toBe(3)
  })
})
