import { message, string, uint32 } from '@vestibule/keys/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { untilAborted } from '../src/abort.ts'
import { backoff } from '../src/backoff.ts'
import { encodeFrame, FrameBuffer } from '../src/channel/frame-buffer.ts'
import { delay } from '../src/clock.ts'
import { NetworkManager, typedChannel } from '../src/index.ts'
import { memoryChannelPair, NO_FAULTS } from '../src/testing/memory-channel.ts'
import { seededRandom, VirtualClock } from '../src/testing.ts'

const clock = new VirtualClock()
const pair = (faults = {}) =>
  memoryChannelPair('a', 'b', { clock, random: seededRandom(1), faults: () => ({ ...NO_FAULTS, ...faults }) })

describe('a typed channel', () => {
  const Question = message('Question', { text: string(1, { max: 100 }) })
  const Answer = message('Answer', { number: uint32(1) })

  test('asks and answers with messages', async () => {
    const [near, far] = pair()
    const client = typedChannel(near, { send: Question, receive: Answer })
    const server = typedChannel(far, { send: Answer, receive: Question })
    const answering = server.receive().then(({ text }) => server.send({ number: text.length }))
    expect(await client.request({ text: 'how long?' })).toEqual({ number: 9 })
    await answering
    await client.close()
    await expect(server.receive()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('aborts on a frame that is no message of its type', async () => {
    const [near, far] = pair()
    void near.send(new Uint8Array([0xff]))
    const server = typedChannel(far, { send: Answer, receive: Question })
    await expect(server.receive()).rejects.toMatchObject({ code: 'MALFORMED' })
    expect(await near.ended).toBe('aborted')
  })

  test('keeps to its limit', async () => {
    const [near, far] = pair()
    void near.send(new Uint8Array(11))
    const server = typedChannel(far, { send: Answer, receive: Question, maxBytes: 10 })
    await expect(server.receive()).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })
})

describe('frames', () => {
  test('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (frames, cuts) => {
          const all = frames.flatMap((frame) => [...encodeFrame(frame)])
          const buffer = new FrameBuffer()
          const out: Uint8Array[] = []
          for (let at = 0, turn = 0; at < all.length; turn++) {
            const size = cuts[turn % cuts.length] ?? 1
            buffer.push(new Uint8Array(all.slice(at, at + size)))
            at += size
            for (let frame = buffer.next(1_000); frame !== undefined; frame = buffer.next(1_000))
              out.push(frame)
          }
          expect(out).toEqual(frames)
          expect(buffer.atBoundary).toBe(true)
        },
      ),
    )
  })

  test('have lengths that are minimal varints, as the golden bytes show', () => {
    const prefix = (length: number) => [
      ...encodeFrame(new Uint8Array(length)).subarray(0, -length || undefined),
    ]
    expect(prefix(0)).toEqual([0])
    expect(prefix(127)).toEqual([0x7f])
    expect(prefix(128)).toEqual([0x80, 0x01])
    expect(prefix(16_384)).toEqual([0x80, 0x80, 0x01])
  })

  test('of any bytes are frames, incomplete, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const buffer = new FrameBuffer()
        buffer.push(bytes)
        try {
          while (buffer.next(20) !== undefined);
        } catch (error) {
          expect(['TOO_LARGE', 'MALFORMED']).toContain((error as { code: string }).code)
        }
      }),
    )
  })
})

describe('faults that were asked for', () => {
  test('duplicate and reorder frames, the same way for the same seed', async () => {
    const run = async () => {
      const [near, far] = pair({ duplication: 0.3, reordering: 0.3 })
      for (let i = 0; i < 30; i++) void near.send(new Uint8Array([i]))
      void near.close()
      const got: (number | undefined)[] = []
      while (true) {
        const frame = await clock.settle(far.receive()).catch(() => undefined)
        if (frame === undefined) return got
        got.push(frame[0])
      }
    }
    const got = await run()
    expect(new Set(got).size).toBe(30)
    expect(got.length).toBeGreaterThan(30)
    expect(got).not.toEqual([...got].sort((a, b) => (a ?? 0) - (b ?? 0)))
    expect(await run()).toEqual(got)
  })
})

describe('waiting', () => {
  test('grows with every failure, with jitter, up to its limit', () => {
    const pauses = backoff({ minMs: 100, maxMs: 1_000, random: seededRandom(1) })
    const ceilings = [100, 200, 400, 800, 1_000, 1_000]
    for (const ceiling of ceilings) {
      const pause = pauses.next()
      expect(pause).toBeGreaterThanOrEqual(ceiling / 2)
      expect(pause).toBeLessThanOrEqual(ceiling)
    }
    pauses.reset()
    expect(pauses.next()).toBeLessThanOrEqual(100)
  })

  test('ends when it is aborted, and leaves no timer', async () => {
    const own = new VirtualClock()
    const controller = new AbortController()
    const waiting = delay(own, 1_000, controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(own.pending).toBe(0)
    await expect(delay(own, 1, controller.signal)).rejects.toThrow('enough')
    await expect(untilAborted(Promise.reject(new Error('late')), controller.signal)).rejects.toThrow('enough')
  })
})

describe('a virtual clock', () => {
  test('runs what is due in order, and what that starts as well', async () => {
    const own = new VirtualClock(0)
    const seen: [string, number][] = []
    own.after(20, () => seen.push(['b', own.now()]))
    own.after(10, () => {
      seen.push(['a', own.now()])
      void Promise.resolve().then(() => own.after(5, () => seen.push(['c', own.now()])))
    })
    own.after(40, () => seen.push(['d', own.now()]))()
    await own.advance(30)
    expect(seen).toEqual([
      ['a', 10],
      ['c', 15],
      ['b', 20],
    ])
    expect(own.now()).toBe(30)
    expect(own.pending).toBe(0)
  })

  test('says so when nothing can settle what it is asked to', async () => {
    const own = new VirtualClock()
    await expect(own.settle(new Promise(() => undefined))).rejects.toThrow('nothing is left')
    own.after(10_000, () => undefined)
    await expect(own.settle(new Promise(() => undefined), { maxMs: 1_000 })).rejects.toThrow(
      'not settled in time',
    )
    await expect(own.settle(Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})

test('the address of a relay has to say who that is', () => {
  expect(() => new NetworkManager({ relays: ['/ip4/127.0.0.1/tcp/1/ws'] })).toThrow(TypeError)
  expect(() => new NetworkManager({ relays: ['relay.example'] })).toThrow(TypeError)
})
