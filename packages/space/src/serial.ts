/** Runs tasks one after the other, in the order of the calls. A task that fails does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
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
