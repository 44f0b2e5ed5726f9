/**
 * Something summed up over lists that only grow: every item is looked at once, and all of them again after
 * {@link Tally.forget}. So what comes one at a time costs one step each, however much there is already.
 */
export class Tally<K, I, R> {
  readonly #known = new Map<K, { seen: number; result: R | undefined }>()
  readonly #items: (key: K) => readonly I[]
  readonly #next: (result: R | undefined, item: I, key: K) => R | undefined

  /**
   * @param items the list of a key; the same one every time, perhaps longer
   * @param next the result with one more item
   */
  constructor(
    items: (key: K) => readonly I[],
    next: (result: R | undefined, item: I, key: K) => R | undefined,
  ) {
    this.#items = items
    this.#next = next
  }

  /** The result over the whole list, `undefined` where nothing made one. */
  of(key: K): R | undefined {
    const items = this.#items(key)
    if (items.length === 0) return undefined
    let known = this.#known.get(key)
    if (known === undefined) {
      known = { seen: 0, result: undefined }
      this.#known.set(key, known)
    }
    for (; known.seen < items.length; known.seen++) {
      const item = items[known.seen]
      if (item !== undefined) known.result = this.#next(known.result, item, key)
    }
    return known.result
  }

  /** What was found for an item of this key may no longer hold. */
  forget(key: K): void {
    this.#known.delete(key)
  }

  clear(): void {
    this.#known.clear()
  }
}
