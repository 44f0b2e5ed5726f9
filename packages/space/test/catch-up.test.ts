import type { Channel } from '@vestibule/network'
import { expect, test } from 'vitest'
import { MAX_FRAME_BYTES, SpaceFrame } from '../src/replication/frame.ts'
import { FrameQueue, MAX_READ_AHEAD_BYTES } from '../src/replication/frame-queue.ts'
import { around } from './wire.ts'
import { bring, channelPair, Person, storeOf, textsOf, until, World } from './world.ts'

const never = new AbortController().signal
const COUNT = 40

/** A space of ada's that bob has joined, and in which much was written while he was away. */
async function setup() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await until(his, () => his.peers().length === 1)
  world.setOnline('bob', false)
  await until(his, () => his.peers().length === 0)
  for (let n = 0; n < COUNT; n++) await hers.write(`${n}`.padEnd(20_000))
  const close = () => Promise.all([ada, bob].map(({ manager }) => manager.close()))
  return { hers, his, close }
}

/** Entries that a channel has carried to its other end. */
function counting(channel: Channel, onEntries: (count: number) => void): Channel {
  return around(channel, {
    send: async (frame, options) => {
      await channel.send(frame, options)
      const { entries } = SpaceFrame.parseLenient(frame)
      if (entries !== undefined) onEntries(entries.batch.payloads.length)
    },
  })
}

test('what was cut off in the middle goes on where it stopped', async () => {
  const { hers, his, close } = await setup()
  const [near, far] = channelPair('ada', 'bob')
  let frames = 0
  await Promise.allSettled([
    hers.serve(
      counting(near, () => {
        if (++frames === 4) near.abort()
      }),
      never,
    ),
    his.serve(far, never),
  ])
  const stored = his.messages().length
  expect(stored).toBeLessThan(COUNT)
  expect(stored).toBeGreaterThan(0)
  const [again, other] = channelPair('ada', 'bob')
  let rest = 0
  const served = Promise.allSettled([
    hers.serve(
      counting(again, (count) => {
        rest += count
      }),
      never,
    ),
    his.serve(other, never),
  ])
  await until(his, () => his.messages().length === COUNT)
  expect([rest, textsOf(his)]).toEqual([COUNT - stored, textsOf(hers)])
  again.abort()
  await served
  await close()
})

test('what is still to come is said from the beginning, and is nothing that a space has to wait for', async () => {
  const { hers, his, close } = await setup()
  const [near, far] = channelPair('ada', 'bob')
  const hold = Promise.withResolvers<void>()
  const held = around(near, {
    send: async (frame, options) => {
      if (SpaceFrame.parseLenient(frame).entries !== undefined) await hold.promise
      await near.send(frame, options)
    },
  })
  expect(his.missing()).toEqual([])
  const served = Promise.allSettled([hers.serve(held, never), his.serve(far, never)])
  const feed = storeOf(hers).record.dataFeedKey
  await expect.poll(() => his.missing()).toEqual([{ what: 'DATA_FEED', feed, have: 0, length: COUNT }])
  await his.ready()
  hold.resolve()
  await until(his, () => his.missing().length === 0)
  expect(textsOf(his)).toEqual(textsOf(hers))
  near.abort()
  await served
  expect(his.missing()).toEqual([])
  await close()
})

test('both ends send at once, and neither sends what the other has', async () => {
  const { hers, his, close } = await setup()
  for (let n = 0; n < COUNT; n++) await his.write(`his ${n}`.padEnd(20_000))
  const [near, far] = channelPair('ada', 'bob')
  const sent = [0, 0]
  const served = Promise.allSettled([
    hers.serve(
      counting(near, (count) => {
        sent[0] = (sent[0] ?? 0) + count
      }),
      never,
    ),
    his.serve(
      counting(far, (count) => {
        sent[1] = (sent[1] ?? 0) + count
      }),
      never,
    ),
  ])
  await until(his, () => his.messages().length === 2 * COUNT)
  await until(hers, () => hers.messages().length === 2 * COUNT)
  expect(sent).toEqual([COUNT, COUNT])
  near.abort()
  await served
  await close()
})

test('no more is read ahead of the storage than the bound and one frame, however much is sent', async () => {
  const frame = SpaceFrame.encode({ presentation: new Uint8Array(16 * 1024) })
  let received = 0
  const [channel] = channelPair('ada', 'bob')
  const endless = around(channel, {
    receive: async ({ signal } = {}) => {
      signal?.throwIfAborted()
      await new Promise((resolve) => setImmediate(resolve))
      received += frame.length
      return frame
    },
  })
  const ending = new AbortController()
  const queue = new FrameQueue(endless, ending.signal)
  const first = await queue.take()
  expect(first.length).toBeGreaterThan(0)
  for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(received).toBeLessThanOrEqual(first.length * frame.length + MAX_READ_AHEAD_BYTES + MAX_FRAME_BYTES)
  const second = await queue.take()
  expect(second.length * frame.length).toBeLessThanOrEqual(MAX_READ_AHEAD_BYTES + MAX_FRAME_BYTES)
  ending.abort()
})
