/** Runs tasks one after the other, in the order of the calls. A task that fails does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()
  #asked = 0

  /** How many tasks were asked for so far. */
  get asked(): number {
    return this.#asked
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    this.#asked++
    const result = this.#last.then(task)
    this.#last = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }

  /** Resolves when everything that was asked for before has ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
