import { MAX_LAMPORT, type PlacedMessage } from '../message.ts'

/**
 * Messages in one order for everybody who has the same ones: each behind all that its author had seen (by a
 * Lamport counter), those that did not know of each other by the key of their feed.
 */
export class MessageLog {
  readonly #placed: PlacedMessage[] = []
  #isSorted = true
  #lamport = 0

  add(placed: PlacedMessage): void {
    const last = this.#placed.at(-1)
    this.#isSorted &&= last === undefined || compare(last, placed) < 0
    this.#placed.push(placed)
    this.#lamport = Math.max(this.#lamport, placed.lamport)
  }

  all(): readonly PlacedMessage[] {
    if (!this.#isSorted) this.#placed.sort(compare)
    this.#isSorted = true
    return this.#placed
  }

  /** What the next own message counts as. */
  get nextLamport(): number {
    return Math.min(this.#lamport + 1, MAX_LAMPORT)
  }
}

function compare(a: PlacedMessage, b: PlacedMessage): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport
  if (a.feed !== b.feed) return a.feed.toHex() < b.feed.toHex() ? -1 : 1
  return a.sequence - b.sequence
}
