import { equalBytes } from '@vestibule/keys'
import { type FeedRun, readBatch } from '../feed/entry.ts'
import type { Feed } from '../feed/feed.ts'
import { type ForkProof, forkBetween } from '../feed/fork.ts'

/** A window of so many entries comes in one answer, mostly; a larger one is halved. */
const ONE_ANSWER = 512

/**
 * Looks for the first entry in which the other end's history of a feed differs from the own, by asking for batches of
 * it: halving what is between the last entry known to be the same and one known to differ. Whatever the other end
 * answers, that becomes less each time.
 */
export class ForkSearch {
  readonly #own: Feed
  /** All before this entry are the same. */
  #low = 0
  /** This one differs, or one before it. */
  #high: number

  constructor(own: Feed, differs: number) {
    this.#own = own
    this.#high = differs
  }

  /** The entry to ask for, with what follows it. */
  get from(): number {
    const window = this.#high - this.#low
    return window < ONE_ANSWER ? this.#low : this.#low + (window >> 1)
  }

  /**
   * Takes in an answer, verified, that begins with the entry that was asked for.
   * @returns a proof; `next` when {@link ForkSearch.from} has to be asked for; `undefined` when there is nothing to find
   */
  async take(theirs: FeedRun): Promise<ForkProof | 'next' | undefined> {
    const { from, previous } = theirs.batch
    if (from !== this.from) return undefined
    const before = from === 0 ? previous : await this.#own.hashOf(from - 1)
    if (!equalBytes(previous, before)) {
      this.#high = from - 1
      if (this.#low > this.#high) this.#low = 0
      return 'next'
    }
    const batch = await this.#own.batch(from)
    if (batch === undefined) return undefined
    const own = await readBatch(this.#own.head, batch)
    const proof = forkBetween(own, theirs)
    if (proof !== undefined) return proof
    this.#low = from + Math.min(own.entries.length, theirs.entries.length)
    return this.#low > this.#high ? undefined : 'next'
  }
}
