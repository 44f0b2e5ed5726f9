import type { Channel } from '../channel/channel.ts'
import { NetworkError, type NetworkErrorCode } from '../errors.ts'

/** Two ends of one channel, and what a test may do to them. */
export interface ChannelPair {
  /** The end that opened it. */
  readonly near: Channel
  readonly far: Channel
  /** Cuts the connection under the channel. */
  breakConnection(): void | Promise<void>
  /** Releases everything. */
  stop(): Promise<void>
}

export type ChannelPairFactory = () => Promise<ChannelPair>

/** The part of a test runner that is needed: vitest's and `node:test`'s functions fit. */
export interface ChannelSuiteApi {
  describe(name: string, body: () => void): unknown
  test(name: string, body: () => Promise<void>): unknown
}

/**
 * What every implementation of Channel has to pass.
 * @example
 * import { describe, test } from 'vitest'
 * channelSuite('my transport', { describe, test }, async () => ({ near, far, breakConnection, stop }))
 */
export function channelSuite(name: string, api: ChannelSuiteApi, factory: ChannelPairFactory): void {
  const test = (title: string, body: (pair: ChannelPair) => Promise<void>): void => {
    api.test(title, async () => {
      const pair = await factory()
      try {
        await body(pair)
      } finally {
        await pair.stop()
      }
    })
  }

  api.describe(`${name}: a channel`, () => {
    test('says who is at its ends, and who opened it', async ({ near, far }) => {
      equal(near.remotePeer, far.localPeer)
      equal(far.remotePeer, near.localPeer)
      equal(near.initiator, true)
      equal(far.initiator, false)
    })

    test('delivers frames whole and in order, empty ones too', async ({ near, far }) => {
      const frames = [bytes(1, 1), bytes(0, 0), bytes(127, 2), bytes(128, 3), bytes(70_000, 4), bytes(1, 5)]
      for (const frame of frames) void near.send(frame)
      for (const frame of frames) same(await far.receive(), frame)
    })

    test('carries both directions at once', async ({ near, far }) => {
      await Promise.all([near.send(bytes(3, 1)), far.send(bytes(3, 2))])
      same(await far.receive(), bytes(3, 1))
      same(await near.receive(), bytes(3, 2))
    })

    test('copies what it is given, short or long, and gives what nobody else holds', async ({
      near,
      far,
    }) => {
      for (const length of [4, 70_000]) {
        const frame = bytes(length, 7)
        const sent = near.send(frame)
        frame.fill(0)
        await sent
        await near.send(bytes(length, 8))
        const received = await far.receive()
        same(received, bytes(length, 7))
        received.fill(0)
        same(await far.receive(), bytes(length, 8))
      }
    })

    test('sends what is given away as it is', async ({ near, far }) => {
      for (const length of [4, 70_000]) {
        const frame = bytes(length, 7)
        await near.send(frame, { transfer: true })
        const received = await far.receive()
        received.fill(0)
        same(frame, bytes(length, 7))
        await near.send(bytes(length, 8), { transfer: true })
        same(await far.receive(), bytes(length, 8))
      }
    })

    test('serves those who wait in the order they came', async ({ near, far }) => {
      const waiting = [far.receive(), far.receive(), far.receive()]
      for (const fill of [1, 2, 3]) await near.send(bytes(2, fill))
      const got = await Promise.all(waiting)
      for (const [index, frame] of got.entries()) same(frame, bytes(2, index + 1))
    })

    test('loses nothing when a receive is aborted', async ({ near, far }) => {
      const controller = new AbortController()
      const given = far.receive({ signal: controller.signal })
      const next = far.receive()
      const reason = new Error('enough')
      controller.abort(reason)
      equal(await caught(given), reason)
      await near.send(bytes(2, 9))
      same(await next, bytes(2, 9))
      equal(await caught(far.receive({ signal: controller.signal })), reason)
    })

    test('takes a frame of exactly the limit', async ({ near, far }) => {
      await near.send(bytes(1_000, 1))
      same(await far.receive({ maxBytes: 1_000 }), bytes(1_000, 1))
    })

    test('ends on a frame over the limit, for both sides', async ({ near, far }) => {
      await near.send(bytes(1_001, 1))
      await rejects(far.receive({ maxBytes: 1_000 }), 'TOO_LARGE')
      equal(await far.ended, 'too-large')
      equal(await near.ended, 'aborted')
      await rejects(far.receive(), 'TOO_LARGE')
    })

    test('takes a frame of 1 MiB unless told otherwise, and not a byte more', async ({ near, far }) => {
      const receiving = far.receive()
      await near.send(bytes(1024 * 1024, 3))
      same(await receiving, bytes(1024 * 1024, 3))
      near.send(bytes(1024 * 1024 + 1, 3)).catch(() => undefined)
      await rejects(far.receive(), 'TOO_LARGE')
    })

    test('makes the sender wait while nobody receives', async ({ near, far }) => {
      const count = 120
      let accepted = 0
      const sending = (async () => {
        for (let i = 0; i < count; i++) {
          await near.send(bytes(64 * 1024, i % 256))
          accepted++
        }
      })()
      await stalls(() => accepted)
      ok(accepted < count, 'the sender was never made to wait')
      for (let i = 0; i < count; i++) same(await far.receive(), bytes(64 * 1024, i % 256))
      await sending
    })

    test('stops waiting when a send is aborted, and stays usable', async ({ near, far }) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const sends: Promise<unknown>[] = []
      for (let i = 0; i < 120; i++)
        sends.push(caught(near.send(bytes(64 * 1024, 1), { signal: controller.signal })))
      let settled = 0
      for (const send of sends) void send.then(() => settled++)
      await stalls(() => settled)
      controller.abort(reason)
      const results = await Promise.all(sends)
      equal(results.at(-1), reason)
      const last = near.send(bytes(3, 9))
      while ((await far.receive()).length !== 3);
      await last
    })

    test('delivers everything before a clean end', async ({ near, far }) => {
      for (let i = 0; i < 20; i++) void near.send(bytes(10_000, i))
      const closing = near.close()
      for (let i = 0; i < 20; i++) same(await far.receive(), bytes(10_000, i))
      await rejects(far.receive(), 'CLOSED')
      await closing
      equal(await near.ended, 'closed')
      equal(await far.ended, 'closed')
    })

    test('is closed for both sides once one has closed it', async ({ near, far }) => {
      const waiting = near.receive()
      const [first, second] = [near.close(), near.close()]
      await rejects(waiting, 'CLOSED')
      await Promise.all([first, second])
      await rejects(near.send(bytes(1, 1)), 'CLOSED')
      await rejects(near.receive(), 'CLOSED')
      await rejects(far.receive(), 'CLOSED')
      await rejects(far.send(bytes(1, 1)), 'CLOSED')
      await far.close()
    })

    test('ends at once when aborted', async ({ near, far }) => {
      const waiting = [near.receive(), far.receive()]
      near.abort()
      near.abort()
      for (const receive of waiting) await rejects(receive, 'ABORTED')
      equal(await near.ended, 'aborted')
      equal(await far.ended, 'aborted')
      await rejects(near.send(bytes(1, 1)), 'ABORTED')
      await rejects(far.send(bytes(1, 1)), 'ABORTED')
      await near.close()
      await far.close()
    })

    test('says that its time was up', async ({ near }) => {
      const reason = new NetworkError('TIMED_OUT', 'too late')
      const waiting = near.receive()
      near.abort(reason)
      await rejects(waiting, 'TIMED_OUT')
      equal(await near.ended, 'timed-out')
    })

    test('breaks with its connection', async ({ near, far, breakConnection }) => {
      const waiting = [near.receive(), far.receive()]
      await breakConnection()
      for (const receive of waiting) await rejects(receive, 'ABORTED')
      equal(await near.ended, 'aborted')
      equal(await far.ended, 'aborted')
    })

    test('leaves no listener on a signal', async ({ near, far }) => {
      const { signal, listeners } = countingSignal()
      for (let i = 0; i < 50; i++) {
        const receiving = far.receive({ signal })
        await near.send(bytes(1_000, 1), { signal })
        await receiving
      }
      const last = far.receive({ signal })
      await near.close()
      await rejects(last, 'CLOSED')
      equal(listeners(), 0)
    })
  })
}

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)

function countingSignal(): { readonly signal: AbortSignal; listeners(): number } {
  const { signal } = new AbortController()
  let count = 0
  const { addEventListener: add, removeEventListener: remove } = signal
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++
    add.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--
    remove.apply(signal, args)
  }
  return { signal, listeners: () => count }
}

/** Waits until a number stops growing: 30 looks in a row, some macrotasks apart. */
async function stalls(read: () => number): Promise<void> {
  let last = -1
  for (let same = 0; same < 30; same++) {
    if (read() !== last) same = 0
    last = read()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function rejects(promise: Promise<unknown>, code: NetworkErrorCode): Promise<void> {
  const error = await caught(promise)
  ok(error instanceof NetworkError, `expected a NetworkError ${code}, got ${String(error)}`)
  equal((error as NetworkError).code, code)
}

function same(actual: Uint8Array, expected: Uint8Array): void {
  let equalUpTo = 0
  while (equalUpTo < expected.length && actual[equalUpTo] === expected[equalUpTo]) equalUpTo++
  ok(
    actual.length === expected.length && equalUpTo === expected.length,
    `expected ${expected.length} bytes of ${expected[0]}, got ${actual.length}, different from byte ${equalUpTo} on`,
  )
}

function equal(actual: unknown, expected: unknown): void {
  ok(Object.is(actual, expected), `expected ${String(expected)}, got ${String(actual)}`)
}

function ok(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}
