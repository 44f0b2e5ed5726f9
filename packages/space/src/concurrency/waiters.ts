/** Those who wait until something holds that others bring about. */
export class Waiters {
  readonly #waiting = new Set<() => void>()

  /** Resolves once it holds; it is looked at now and whenever they are woken. @throws the signal's reason */
  async until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    while (!holds()) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake)
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake)
      })
    }
  }

  /** It may hold now. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
