import type { PublicKey } from '@vestibule/keys'
import type { FeedPurpose } from '../../claims/claims.ts'
import type { Verdicts } from '../verdicts.ts'
import { Editions } from './editions.ts'

/** A feed that belongs to a space. */
export interface Feed {
  readonly member: PublicKey
  readonly device: PublicKey
  readonly purpose: FeedPurpose
  /** The id of the credential that admitted it. */
  readonly credential: string
}

/** Which feeds belong to a space, kept up with the verdicts, act by act. */
export class Feeds {
  readonly #verdicts: Verdicts
  readonly #map: Editions<PublicKey, number, Feed>
  readonly #changed = new Set<PublicKey>()

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
    this.#map = new Editions((a, b) => verdicts.acts.causality.order(a, b))
  }

  /** An act was judged. */
  judged(index: number): void {
    const { claim } = this.#verdicts.acts.act(index)
    if (claim.type === 'AdmittedFeed') this.#changed.add(claim.feed)
  }

  map(): ReadonlyMap<PublicKey, Feed> {
    // Asked for each feed of many: even to clear an empty set takes memory.
    if (this.#changed.size === 0) return this.#map.current
    for (const feed of this.#changed) {
      const winner = this.#verdicts.feedWinner(feed)
      if (this.#map.entry(feed)?.rank === winner) continue
      this.#map.set(feed, winner === undefined ? undefined : { rank: winner, value: this.#feedOf(winner) })
    }
    this.#changed.clear()
    return this.#map.current
  }

  #feedOf(index: number): Feed {
    const { claim, id } = this.#verdicts.acts.act(index)
    if (claim.type !== 'AdmittedFeed') throw new TypeError(`${id} admits no feed`)
    const { member, device, purpose } = claim
    return Object.freeze({ member, device, purpose, credential: id })
  }
}
