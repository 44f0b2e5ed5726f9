import type { PublicKey } from '@vestibule/keys'
import type { Roster } from '../roster.ts'

/** A feed as it is held. */
interface Held {
  readonly key: PublicKey
  readonly length: number
}

/**
 * How far the feeds of a space count. What lies beyond is hidden and not passed on, and kept: what took its author's
 * right to write may turn out to be void. A feed that forked counts as far as its histories agree, for ever. An output of the membership, looked at again whenever that changes.
 *
 * @see docs/credentials.md, "Data"
 */
export class Horizon {
  readonly #roster: Roster
  /** Of feeds that do not count as far as they go. */
  #limits: ReadonlyMap<PublicKey, number> = new Map()

  constructor(roster: Roster) {
    this.#roster = roster
  }

  /** How many entries of a feed count at most; no limit for one that is not cut. */
  limitOf(feed: PublicKey): number {
    return this.#limits.get(feed) ?? Number.POSITIVE_INFINITY
  }

  counts(feed: PublicKey, sequence: number): boolean {
    return sequence < this.limitOf(feed)
  }

  /**
   * Asks the membership anew.
   * @param held all feeds that are held
   * @param forks where feeds forked
   * @returns whether entries that are held count now and did not before, or the other way round
   */
  update(held: Iterable<Held>, forks: { at(feed: PublicKey): number }): boolean {
    const cuts = this.#roster.membership.cuts()
    const limits = new Map<PublicKey, number>()
    for (const [feed, { length }] of cuts) limits.set(feed, length)
    let changed = false
    for (const { key, length } of held) {
      if (this.#roster.feed(key) === undefined) limits.set(key, 0)
      else if (forks.at(key) < (limits.get(key) ?? Number.POSITIVE_INFINITY)) limits.set(key, forks.at(key))
      const [before, now] = [this.limitOf(key), limits.get(key) ?? Number.POSITIVE_INFINITY]
      changed ||= Math.min(before, length) !== Math.min(now, length)
    }
    this.#limits = limits
    return changed
  }
}
