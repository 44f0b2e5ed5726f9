import type { Clock } from '@vestibule/network'

/** Named deadlines of one driver: starting one anew replaces it, and all end together. */
export class Deadlines {
  readonly #clock: Clock
  readonly #running = new Map<string, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  arm(name: string, afterMs: number, onPassed: () => void): void {
    this.disarm(name)
    const cancel = this.#clock.after(Math.max(0, afterMs), () => {
      this.#running.delete(name)
      onPassed()
    })
    this.#running.set(name, cancel)
  }

  disarm(name: string): void {
    this.#running.get(name)?.()
    this.#running.delete(name)
  }

  disarmAll(): void {
    for (const cancel of this.#running.values()) cancel()
    this.#running.clear()
  }
}
