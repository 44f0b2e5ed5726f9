const NO_CLOCK = new Int32Array(0)

/**
 * What comes after what, in a graph that only grows. Every act gets the next index; its parents have to be
 * there already, so indices are a topological order.
 *
 * The graph is covered greedily by chains. An act knows, of each chain, the last position in its past (its
 * clock); along a chain the clock is shared, so that a linear history costs nothing per act and `before` is
 * one comparison.
 */
export class Causality {
  readonly #ids: string[] = []
  readonly #depths: number[] = []
  readonly #chains: number[] = []
  readonly #positions: number[] = []
  readonly #clocks: Int32Array[] = []
  readonly #tails: number[] = []
  readonly #heads = new Set<number>()

  get size(): number {
    return this.#ids.length
  }

  /** Indices of the acts that nothing comes after yet. */
  get heads(): ReadonlySet<number> {
    return this.#heads
  }

  add(id: string, parents: readonly number[]): number {
    const index = this.#ids.length
    let depth = 0
    for (const parent of parents) {
      depth = Math.max(depth, this.#at(this.#depths, parent) + 1)
      this.#heads.delete(parent)
    }
    this.#heads.add(index)
    this.#ids.push(id)
    this.#depths.push(depth)
    const { chain, position, clock } = this.#place(parents)
    this.#chains.push(chain)
    this.#positions.push(position)
    this.#clocks.push(clock)
    this.#tails[chain] = index
    return index
  }

  /** Whether `a` is in the past of `b`. */
  before(a: number, b: number): boolean {
    if (a >= b) return false
    const chain = this.#at(this.#chains, a)
    const position = this.#at(this.#positions, a)
    return chain === this.#at(this.#chains, b)
      ? position < this.#at(this.#positions, b)
      : (this.#at(this.#clocks, b)[chain] ?? 0) >= position
  }

  /** Negative when `a` is first in the order (depth, id): total, the same for everybody, and extends `before`. */
  order(a: number, b: number): number {
    const depths = this.#at(this.#depths, a) - this.#at(this.#depths, b)
    if (depths !== 0 || a === b) return depths
    return this.#at(this.#ids, a) < this.#at(this.#ids, b) ? -1 : 1
  }

  #place(parents: readonly number[]): { chain: number; position: number; clock: Int32Array } {
    const [only] = parents
    if (parents.length === 1 && only !== undefined) {
      const chain = this.#at(this.#chains, only)
      if (this.#tails[chain] === only)
        return { chain, position: this.#at(this.#positions, only) + 1, clock: this.#at(this.#clocks, only) }
    }
    const clock = parents.length === 0 ? NO_CLOCK : new Int32Array(this.#tails.length)
    for (const parent of parents) {
      const known = this.#at(this.#clocks, parent)
      for (let chain = 0; chain < known.length; chain++) {
        const position = known[chain] ?? 0
        if (position > (clock[chain] ?? 0)) clock[chain] = position
      }
      const chain = this.#at(this.#chains, parent)
      clock[chain] = Math.max(clock[chain] ?? 0, this.#at(this.#positions, parent))
    }
    // Any chain whose end is known to this act may be continued by it.
    const known = clock.findIndex(
      (position, chain) => this.#at(this.#positions, this.#at(this.#tails, chain)) === position,
    )
    return known < 0
      ? { chain: this.#tails.length, position: 1, clock }
      : { chain: known, position: (clock[known] ?? 0) + 1, clock }
  }

  #at<T>(list: readonly T[], index: number): T {
    const value = list[index]
    if (value === undefined) throw new RangeError(`no act ${index}`)
    return value
  }
}
