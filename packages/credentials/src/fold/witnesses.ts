/**
 * Acts that were refused because an owner's grant stands in their past, by that grant: they are judged again when
 * it is. Under -1 those that no single grant explains.
 */
export class Witnesses {
  readonly #acts = new Map<number, Set<number>>()

  add(grant: number, act: number): void {
    const acts = this.#acts.get(grant)
    if (acts === undefined) this.#acts.set(grant, new Set([act]))
    else acts.add(act)
  }

  /** Gives what has to be judged again with a grant, and forgets it. */
  take(grant: number): Iterable<number> {
    const acts = this.#acts.get(grant) ?? []
    this.#acts.delete(grant)
    return acts
  }

  clear(): void {
    this.#acts.clear()
  }
}
