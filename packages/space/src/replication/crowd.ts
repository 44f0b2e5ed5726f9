import type { Clock } from '@vestibule/network'
import { Waiters } from '../concurrency/waiters.ts'

/** So many admissions in a row, and it is a crowd: those before are told of one by one. */
export const CROWD = 8
/** In a row is what has no more than this between one and the next; after as much quiet everybody hears of all. */
export const QUIET_MS = 200
/** Nobody waits for news longer than this; less than a handshake may take. */
export const LONGEST_MS = 5_000

/**
 * Puts those who ask to come in before those who are in already. To tell every member of everybody who comes after it
 * takes the square of a crowd's number, and those who still ask wait for all of that. So while many are admitted in a
 * row nothing is sent to the members that are connected; afterwards each hears of all at once. Any other news ends that.
 */
export class Crowd {
  readonly #clock: Clock
  readonly #waiters = new Waiters()
  #inARow = 0
  #lastAtMs = Number.NEGATIVE_INFINITY
  #isAdmitting = false
  #untilMs: number | undefined
  #cancel: () => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs an admission. Whatever else changes the space has to wait for it. */
  async admitting<T>(task: () => Promise<T>): Promise<T> {
    this.#isAdmitting = true
    try {
      const admission = await task()
      this.#admitted()
      return admission
    } finally {
      this.#isAdmitting = false
    }
  }

  /** Something has changed. */
  onNews(): void {
    if (!this.#isAdmitting) this.end()
  }

  /** Whether those who are connected have to wait. */
  get isComing(): boolean {
    return this.#untilMs !== undefined
  }

  /** Resolves when the crowd is through. @throws the signal's reason */
  through(signal: AbortSignal): Promise<void> {
    return this.#waiters.until(() => !this.isComing, signal)
  }

  /** Nobody waits any longer. */
  end(): void {
    this.#cancel()
    this.#inARow = 0
    this.#untilMs = undefined
    this.#waiters.wake()
  }

  #admitted(): void {
    const now = this.#clock.now()
    this.#inARow = now - this.#lastAtMs <= QUIET_MS ? this.#inARow + 1 : 1
    this.#lastAtMs = now
    if (this.#inARow < CROWD) return
    this.#untilMs ??= now + LONGEST_MS
    this.#cancel()
    this.#cancel = this.#clock.after(Math.min(QUIET_MS, this.#untilMs - now), () => this.end())
  }
}
