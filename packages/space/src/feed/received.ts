import type { PublicKey } from '@vestibule/keys'
import { SpaceError } from '../error.ts'
import { type FeedBatch, type FeedHead, type FeedRun, verifyBatch } from './entry.ts'
import type { Feed } from './feed.ts'

/**
 * What became of a batch: it is stored, or was already; it lies beyond what counts of the feed, and was left out; its
 * feed's key signed another history than the one that is stored.
 */
export type ReceiveOutcome = 'STORED' | 'BEYOND' | 'FORKED'

/** What another member sent of a feed. */
export interface ReceivedBatch {
  readonly feed: PublicKey
  readonly batch: FeedBatch
}

/** What came of checking some batches: those behind one that can't be taken were not looked at. */
export interface CheckedBatches {
  readonly runs: ReadonlyMap<Feed, readonly FeedRun[]>
  readonly outcomes: readonly ReceiveOutcome[]
  /** Why one can't be taken. */
  readonly failure?: unknown
}

/** Checks what others send of the feeds of a space, against what is stored. */
export class Receiving {
  readonly #feed: (key: PublicKey) => Feed | undefined
  readonly #isHeld: (key: PublicKey) => boolean
  /** Feeds of which entries beyond the limit were left out; what is sent of them next may not follow. */
  readonly #leftOut = new WeakSet<Feed>()

  /**
   * @param feed gives a feed of the space
   * @param isHeld whether there is something here of a feed, though it may not be one of the space any more
   */
  constructor(feed: (key: PublicKey) => Feed | undefined, isHeld: (key: PublicKey) => boolean) {
    this.#feed = feed
    this.#isHeld = isHeld
  }

  /** Batches, in the order in which they came; of one feed each follows the one before. */
  async check(received: readonly ReceivedBatch[]): Promise<CheckedBatches> {
    const runs = new Map<Feed, FeedRun[]>()
    const outcomes: ReceiveOutcome[] = []
    for (const { feed: key, batch } of received) {
      const feed = this.#feed(key)
      try {
        // It was admitted when it was asked for, and may be again.
        if (feed === undefined && this.#isHeld(key)) {
          outcomes.push('BEYOND')
          continue
        }
        if (feed === undefined) throw new SpaceError('NOT_ADMITTED', 'entries of a feed that is not admitted')
        const earlier = runs.get(feed) ?? []
        const run = await this.#checkOne(feed, earlier.at(-1)?.head ?? feed.head, batch)
        if (typeof run !== 'string' && run.entries.length > 0) runs.set(feed, [...earlier, run])
        outcomes.push(typeof run === 'string' ? run : 'STORED')
      } catch (failure) {
        return { runs, outcomes, failure }
      }
    }
    return { runs, outcomes }
  }

  /** What lies beyond the limit, or follows something that did and was left out, is no mistake of whoever sent it. */
  async #checkOne(feed: Feed, head: FeedHead, batch: FeedBatch): Promise<FeedRun | 'BEYOND' | 'FORKED'> {
    if (head.length >= feed.limit || (batch.from > head.length && this.#leftOut.has(feed))) {
      this.#leftOut.add(feed)
      return 'BEYOND'
    }
    try {
      return await verifyBatch(head, batch)
    } catch (error) {
      if (error instanceof SpaceError && error.code === 'FORKED') return 'FORKED'
      throw error
    }
  }
}
