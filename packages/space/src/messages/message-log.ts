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

  /** The first so many that stand behind one, or at the beginning. */
  behind(placed: PlacedMessage | undefined, count: number): PlacedMessage[] {
    const all = this.all()
    let [low, high] = [0, placed === undefined ? 0 : all.length]
    while (placed !== undefined && low < high) {
      const middle = (low + high) >> 1
      if (compare(all[middle] as PlacedMessage, placed) <= 0) low = middle + 1
      else high = middle
    }
    return all.slice(low, low + count)
  }

  /** By its id. */
  find(id: string): PlacedMessage | undefined {
    return this.#placed.find((placed) => placed.hasId(id))
  }

  /** What the own message counts as that is the first from now on, the second and so on. */
  lamportIn(messages: number): number {
    return Math.min(this.#lamport + messages, MAX_LAMPORT)
  }
}

function compare(a: PlacedMessage, b: PlacedMessage): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport
  if (a.feed !== b.feed) return a.feed.toHex() < b.feed.toHex() ? -1 : 1
  return a.sequence - b.sequence
}
