import { PublicKey } from '@vestibule/keys'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PeerSync, type SyncStep } from '../src/replication/peer-sync.ts'

const feeds = [1, 2, 3].map((n) => PublicKey.from(new Uint8Array(32).fill(n)))

type Parcel =
  | { readonly type: 'heads' | 'wants'; readonly at: readonly (readonly [PublicKey, number])[] }
  | { readonly type: 'entries'; readonly feed: PublicKey; readonly from: number; readonly to: number }
  | { readonly type: 'settled'; readonly wants: number; readonly had: ReadonlyMap<PublicKey, number> }

/** One end with the lengths of its feeds, and the parcels on their way to it. */
class End {
  readonly sync = new PeerSync()
  readonly lengths: Map<PublicKey, number>
  readonly inbox: Parcel[] = []
  readonly sentEntries = new Set<string>()
  readonly told = new Map<PublicKey, number>()
  constructor(lengths: readonly number[]) {
    this.lengths = new Map(feeds.map((feed, i) => [feed, lengths[i] ?? 0]))
  }

  local() {
    return feeds.map((key) => ({ key, length: this.lengths.get(key) ?? 0, limit: Number.POSITIVE_INFINITY }))
  }

  /** @returns whether there was anything to send */
  write(other: End, most: number): boolean {
    const step = this.sync.step(this.local())
    if (step !== undefined) other.inbox.push(this.#parcel(step, most))
    return step !== undefined
  }

  /** @returns whether there was anything to read */
  read(): boolean {
    const parcel = this.inbox.shift()
    if (parcel === undefined) return false
    if (parcel.type === 'heads')
      for (const [feed, length] of parcel.at) {
        this.told.set(feed, length)
        this.sync.onHead({ feed, length })
      }
    if (parcel.type === 'wants') for (const [feed, from] of parcel.at) this.sync.onWant(feed, from)
    if (parcel.type === 'settled') {
      this.sync.onSettled(parcel.wants)
      if (this.sync.isCaughtUp(this.local()))
        for (const [feed, length] of parcel.had)
          expect(this.lengths.get(feed), 'caught up with what the other end had').toBeGreaterThanOrEqual(
            length,
          )
    }
    if (parcel.type === 'entries') {
      expect(this.sync.asked(parcel.feed)).toBe(true)
      expect(this.told.has(parcel.feed), 'how far a feed goes is said before its first entries').toBe(true)
      const own = this.lengths.get(parcel.feed) ?? 0
      expect(parcel.from).toBeLessThanOrEqual(own)
      this.sync.onHead({ feed: parcel.feed, length: parcel.to })
      this.told.set(parcel.feed, Math.max(parcel.to, this.told.get(parcel.feed) ?? 0))
      this.lengths.set(parcel.feed, Math.max(own, parcel.to))
    }
    return true
  }

  #parcel(step: SyncStep, most: number): Parcel {
    if (step.type === 'want')
      return { type: 'wants', at: step.feeds.map(({ feed, length }) => [feed, length]) }
    if (step.type === 'announce')
      return { type: 'heads', at: step.feeds.map((feed) => [feed, this.lengths.get(feed) ?? 0]) }
    if (step.type === 'settle') return { type: 'settled', wants: step.wants, had: new Map(this.lengths) }
    const to = Math.min(this.lengths.get(step.feed) ?? 0, step.from + most)
    for (let at = step.from; at < to; at++) {
      const name = `${step.feed.toHex()} ${at}`
      expect(this.sentEntries.has(name), 'an entry is sent once').toBe(false)
      this.sentEntries.add(name)
    }
    this.sync.sent(step.feed, to)
    return { type: 'entries', feed: step.feed, from: step.from, to }
  }
}

const lengths = fc.array(fc.nat(9), { minLength: 3, maxLength: 3 })
const action = fc.constantFrom('a writes', 'b writes', 'a reads', 'b reads', 'a grows', 'b grows')

test('two ends have the same in the end and know it, in whatever order they read and write', () => {
  fc.assert(
    fc.property(
      lengths,
      lengths,
      fc.array(action, { maxLength: 80 }),
      fc.integer({ min: 1, max: 4 }),
      (la, lb, actions, most) => {
        const [a, b] = [new End(la), new End(lb)]
        // Of each feed one end is the author; only there it grows.
        for (const [i, doing] of actions.entries()) {
          if (doing === 'a writes') a.write(b, most)
          if (doing === 'b writes') b.write(a, most)
          if (doing === 'a reads') a.read()
          if (doing === 'b reads') b.read()
          const author = doing === 'a grows' ? a : doing === 'b grows' ? b : undefined
          const feed = feeds[author === a ? 0 : 1 + (i % 2)] as PublicKey
          const longest = Math.max(a.lengths.get(feed) ?? 0, b.lengths.get(feed) ?? 0)
          if (author?.lengths.get(feed) === longest) author.lengths.set(feed, longest + 1)
        }
        let rounds = 0
        while ([a.write(b, most), b.write(a, most), a.read(), b.read()].includes(true))
          expect(rounds++, 'it comes to an end').toBeLessThan(1_000)
        expect([a.sync.isCaughtUp(a.local()), b.sync.isCaughtUp(b.local())]).toEqual([true, true])
        for (const feed of feeds) {
          const length = a.lengths.get(feed) ?? 0
          expect(b.lengths.get(feed)).toBe(length)
          if (length > 0) expect([a.told.get(feed), b.told.get(feed)]).toEqual([length, length])
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('control feeds go before data feeds', () => {
  const sync = new PeerSync()
  const local = feeds.map((key) => ({ key, length: 3, limit: Number.POSITIVE_INFINITY }))
  for (const feed of [...feeds].reverse()) sync.onWant(feed, 0)
  expect([sync.step(local)?.type, sync.step(local)?.type]).toEqual(['want', 'announce'])
  const order: PublicKey[] = []
  for (let step = sync.step(local); step?.type === 'send'; step = sync.step(local)) {
    order.push(step.feed)
    sync.sent(step.feed, 3)
  }
  expect(order).toEqual(feeds)
})
