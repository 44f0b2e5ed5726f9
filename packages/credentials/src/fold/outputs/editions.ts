/** An entry with what decides its place. */
export interface Ranked<R, V> {
  readonly rank: R
  readonly value: V
}

type Entries<K, R, V> = Map<K, Ranked<R, V>>

/**
 * One state of a map that goes on changing; it stays as it was. The newest holds the entries, an older one how it
 * was different from the one after it, until it is looked at again: so a change costs no more than what changes,
 * and a state that nobody holds costs nothing. Iteration is in the order of the ranks.
 */
class Edition<K, R, V> implements ReadonlyMap<K, V> {
  readonly #order: (a: R, b: R) => number
  #entries: Entries<K, R, V> | undefined
  #sorted: (readonly [K, V])[] | undefined
  #after: { readonly next: Edition<K, R, V>; readonly undo: Map<K, Ranked<R, V> | undefined> } | undefined

  constructor(order: (a: R, b: R) => number, entries: Entries<K, R, V>) {
    this.#order = order
    this.#entries = entries
  }

  /** Hands the entries on to the next edition, which is to be changed. */
  followed(): Edition<K, R, V> {
    const next = new Edition<K, R, V>(this.#order, this.#all())
    this.#after = { next, undo: new Map() }
    this.#entries = undefined
    return next
  }

  /** Changes the newest edition; `before`, when it is given, stays as it was. */
  change(key: K, entry: Ranked<R, V> | undefined, before: Edition<K, R, V> | undefined): void {
    const entries = this.#all()
    const undo = before === undefined ? undefined : before.#after?.undo
    if (undo !== undefined && !undo.has(key)) undo.set(key, entries.get(key))
    if (entry === undefined) entries.delete(key)
    else entries.set(key, entry)
    this.#sorted = undefined
  }

  get size(): number {
    return this.#all().size
  }

  get(key: K): V | undefined {
    return this.entry(key)?.value
  }

  entry(key: K): Ranked<R, V> | undefined {
    return this.#all().get(key)
  }

  /** All entries, in no order. */
  all(): Iterable<Ranked<R, V>> {
    return this.#all().values()
  }

  has(key: K): boolean {
    return this.#all().has(key)
  }

  entries(): MapIterator<[K, V]> {
    return this.#inOrder()
      .map(([key, value]): [K, V] => [key, value])
      [Symbol.iterator]()
  }

  keys(): MapIterator<K> {
    return this.#inOrder()
      .map(([key]) => key)
      [Symbol.iterator]()
  }

  values(): MapIterator<V> {
    return this.#inOrder()
      .map(([, value]) => value)
      [Symbol.iterator]()
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.#inOrder()) callback(value, key, this)
  }

  #inOrder(): readonly (readonly [K, V])[] {
    this.#sorted ??= [...this.#all()]
      .sort(([, a], [, b]) => this.#order(a.rank, b.rank))
      .map(([key, { value }]) => [key, value] as const)
    return this.#sorted
  }

  #all(): Entries<K, R, V> {
    this.#entries ??= this.#restored()
    return this.#entries
  }

  /** The entries of the next edition that still has some, with all that has changed since taken back. */
  #restored(): Entries<K, R, V> {
    const undone: Map<K, Ranked<R, V> | undefined>[] = []
    let at: Edition<K, R, V> = this
    while (at.#entries === undefined && at.#after !== undefined) {
      undone.push(at.#after.undo)
      at = at.#after.next
    }
    const entries = new Map(at.#entries)
    for (const undo of undone.reverse())
      for (const [key, entry] of undo) {
        if (entry === undefined) entries.delete(key)
        else entries.set(key, entry)
      }
    this.#after = undefined
    return entries
  }
}

/** A map that changes; whoever has asked for it keeps what it was given. */
export class Editions<K, R, V> {
  #newest: Edition<K, R, V>
  #shown: Edition<K, R, V> | undefined

  /** @param order negative when the first rank comes before the second */
  constructor(order: (a: R, b: R) => number) {
    this.#newest = new Edition(order, new Map())
  }

  /** The map as it is now: the same object until it changes. */
  get current(): ReadonlyMap<K, V> {
    this.#shown = this.#newest
    return this.#newest
  }

  /** The entry of a key as it is now. */
  entry(key: K): Ranked<R, V> | undefined {
    return this.#newest.entry(key)
  }

  /** All entries as they are now, in no order. */
  all(): Iterable<Ranked<R, V>> {
    return this.#newest.all()
  }

  set(key: K, entry: Ranked<R, V> | undefined): void {
    if (entry === undefined && this.entry(key) === undefined) return
    if (this.#shown === this.#newest) this.#newest = this.#shown.followed()
    this.#newest.change(key, entry, this.#shown)
  }
}
