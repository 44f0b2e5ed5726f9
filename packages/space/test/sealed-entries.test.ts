import { randomBytes } from '@noble/hashes/utils.js'
import { Keyring, Redacted } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { createBatch, emptyHead } from '../src/feed/entry.ts'
import { MAX_MESSAGE_BYTES, MAX_MESSAGE_TYPE_BYTES } from '../src/index.ts'
import { encodeBody, PlacedMessage, SealedEntry, sealBody } from '../src/message.ts'
import type { EntryPlace } from '../src/read-keys/entry-cipher.ts'
import { ReadKeyRing } from '../src/read-keys/ring.ts'
import { plainEntry } from './plain-entry.ts'
import { bring, Person, textsOf, until, World } from './world.ts'

const keyring = new Keyring()
const space = await keyring.createKey()
const feed = await keyring.createKey()
const other = await keyring.createKey()
const from = { space, feed, member: feed, device: feed }
const EPOCH = 'ab'.repeat(32)
const ringOf = (...epochs: string[]) =>
  new ReadKeyRing(
    space,
    new Redacted(randomBytes(32)),
    epochs.map((epoch) => ({ epoch, key: new Redacted(randomBytes(32)) })),
  )
const ring = ringOf('', EPOCH)
const place: EntryPlace = { space, feed, sequence: 3, lamport: 9, epoch: EPOCH }
const payload = sealBody(encodeBody({ body: 'hello', type: 'note', timestampMs: 5 }), place, ring)
const entryOf = (payload: Uint8Array, sequence = 3) => ({
  sequence,
  payload,
  hash: new Uint8Array(32).fill(7),
})
const open = (payload: Uint8Array, at: Partial<typeof from & { sequence: number }> = {}, keys = ring) =>
  PlacedMessage.of(entryOf(payload, at.sequence), { ...from, ...at })?.open(keys)

describe('a sealed entry', () => {
  test('says its place in the order and its epoch in the clear, and nothing of what is in it', () => {
    expect(open(payload)).toEqual({
      id: '07'.repeat(32),
      author: feed,
      device: feed,
      timestampMs: 5,
      type: 'note',
      text: 'hello',
    })
    const placed = PlacedMessage.of(entryOf(payload), from)
    expect([placed?.lamport, placed?.epoch]).toEqual([9, EPOCH])
    expect(Buffer.from(payload).includes('hello')).toBe(false)
    expect(payload.length - 'hello'.length).toBeLessThan(128)
  })

  test('is sealed anew each time, and carries bytes as well', () => {
    const bytes = Uint8Array.of(0, 1, 255)
    const [one, two] = [1, 2].map(() => sealBody(encodeBody({ body: bytes, timestampMs: 0 }), place, ring))
    expect(one).not.toEqual(two)
    for (const sealed of [one, two]) expect(open(sealed ?? bytes)?.bytes).toEqual(bytes)
  })

  test('opens in no other place, under no other key, and not when a bit of it is changed', () => {
    expect(open(payload, { sequence: 4 })).toBeUndefined()
    expect(open(payload, { space: other })).toBeUndefined()
    expect(open(payload, { feed: other })).toBeUndefined()
    expect(open(payload, {}, ringOf(EPOCH))).toBeUndefined()
    const parts = SealedEntry.parse(payload)
    expect(open(SealedEntry.encode({ ...parts, lamport: 10 }))).toBeUndefined()
    expect(open(SealedEntry.encode({ ...parts, epoch: new Uint8Array() }))).toBeUndefined()
    for (let at = 0; at < payload.length; at++) {
      const changed = payload.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(open(changed)?.text ?? 'not shown').toBe('not shown')
    }
  })

  test('is held to its bounds', () => {
    const text = 'x'.repeat(MAX_MESSAGE_BYTES)
    const type = 't'.repeat(MAX_MESSAGE_TYPE_BYTES)
    expect(open(sealBody(encodeBody({ body: text, type, timestampMs: 2 ** 50 }), place, ring))?.text).toBe(
      text,
    )
    for (const content of [{ body: `${text}x` }, { body: 'x', type: `${type}t` }])
      expect(() => sealBody(encodeBody({ ...content, timestampMs: 0 }), place, ring)).toThrow(
        expect.objectContaining({ code: 'TOO_LARGE' }),
      )
    const parts = SealedEntry.parse(payload)
    expect(
      PlacedMessage.of(entryOf(SealedEntry.encode({ ...parts, lamport: 2 ** 49 })), from),
    ).toBeUndefined()
    const odd = SealedEntry.encode({ ...parts, epoch: new Uint8Array(31) })
    expect(PlacedMessage.of(entryOf(odd), from)).toBeUndefined()
  })

  test('waits for its key, and one that was never sealed needs none', () => {
    const waiting = PlacedMessage.of(entryOf(payload), from)
    expect(waiting?.open(ringOf(''))).toBeUndefined()
    expect(waiting?.open(ring)?.text).toBe('hello')
    expect(open(plainEntry('from before'), {}, ringOf())?.text).toBe('from before')
  })
})

test('what cannot be read stays in its feed, and keeps nobody from reading the rest', async () => {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await his.write('one')
  await until(hers, () => hers.messages().length === 1)
  const stored = await ada.storage.list('feeds/')
  expect(stored.some(([, value]) => Buffer.from(value).includes('one'))).toBe(false)
  expect(textsOf(hers)).toEqual(['one'])
  await Promise.all([ada.manager.close(), bob.manager.close()])
})

test('a batch of sealed entries is no larger than the bounds of a feed allow', async () => {
  const body = 'x'.repeat(MAX_MESSAGE_BYTES)
  const payloads = [0, 1, 2].map((sequence) =>
    sealBody(encodeBody({ body, timestampMs: 0 }), { ...place, sequence }, ring),
  )
  const { batch } = await createBatch(keyring, emptyHead(space, feed), payloads)
  expect(batch.payloads).toHaveLength(3)
})
