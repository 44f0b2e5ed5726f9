import type { Clock } from '../clock.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly fn: () => void
}

/**
 * Time that moves only when a test says so. Two runs see the same instants.
 * @example
 * const clock = new VirtualClock()
 * const swarm = await clock.settle(manager.joinSwarm(options))
 * await clock.advance(60 * 60 * 1_000)
 */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  #timers: Timer[] = []

  /** @param startMs milliseconds since the epoch, the first second of 2025 unless given */
  constructor(startMs = Date.UTC(2025, 0, 1)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): () => void {
    // Whole milliseconds, as every machine's clock has them.
    const timer: Timer = { at: this.#now + Math.max(0, Math.ceil(ms)), order: this.#order++, fn }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Number of timers that wait; zero after everything was stopped, or something leaks. */
  get pending(): number {
    return this.#timers.length
  }

  /** Runs every timer that is due within `ms`, in order, and lets all promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    while (true) {
      const timer = this.#due(end)
      if (timer === undefined) break
      this.#run(timer)
      await settled()
    }
    this.#now = end
  }

  /**
   * Moves on, timer by timer, until the promise settles.
   * @throws what the promise rejects with; Error if it is still waiting after `maxMs` (an hour unless given) or
   *   when no timer is left that could change anything
   */
  async settle<T>(promise: Promise<T>, options: { readonly maxMs?: number } = {}): Promise<T> {
    const end = this.#now + (options.maxMs ?? 60 * 60 * 1_000)
    let over = false
    let patience = 100
    const watched = promise.finally(() => {
      over = true
    })
    // It is returned below; until then its rejection is nobody's.
    watched.catch(() => undefined)
    while (true) {
      await settled()
      if (over) return watched
      const timer = this.#due(end)
      // Perhaps a disk or a socket is at work, which no virtual time moves.
      if (timer === undefined && !over && patience-- > 0) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        continue
      }
      if (timer === undefined)
        throw new Error(
          this.#timers.length === 0 ? 'nothing is left that could settle it' : 'not settled in time',
        )
      this.#run(timer)
    }
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers)
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer
    return first !== undefined && first.at <= end ? first : undefined
  }

  #run(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.fn()
  }
}

/**
 * Lets everything run that does not wait for the clock. Macrotasks, because WebCrypto and libp2p use them; more
 * than one, because a signature takes several.
 */
async function settled(): Promise<void> {
  for (let i = 0; i < SETTLE_TURNS; i++) await macrotask()
}

const SETTLE_TURNS = 4

function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}
