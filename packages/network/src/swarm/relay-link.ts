import { scope } from '../abort.ts'
import { type Backoff, backoff, type Random } from '../backoff.ts'
import { type Clock, delay } from '../clock.ts'
import type { NetworkNode, RelaySession } from '../node.ts'

/** Whether a relay can be used. */
export type RelayStatus = 'connecting' | 'online' | 'unreachable'

const CONNECT_TIMEOUT_MS = 10_000
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000

/** What every part of a manager works with. */
export interface Environment {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly random: Random
}

/**
 * Keeps a session with one relay for as long as somebody uses it: connects again, with growing pauses, whenever
 * it was lost. Shared by all swarms of a manager, so that a relay that is down is asked once, not once a swarm.
 */
export class RelayLink {
  readonly address: string
  readonly #environment: Environment
  readonly #users = new Set<(session: RelaySession | undefined) => void>()
  readonly #retries: Backoff
  #running: AbortController | undefined
  #session: RelaySession | undefined
  #status: RelayStatus = 'connecting'

  constructor(address: string, environment: Environment) {
    this.address = address
    this.#environment = environment
    this.#retries = backoff({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS, random: environment.random })
  }

  get status(): RelayStatus {
    return this.#status
  }

  /**
   * Keeps the link up until the result is called.
   * @param onChange called with the session whenever there is a new one, with `undefined` whenever it is lost or
   *   could not be had; at once if there is one already
   */
  use(onChange: (session: RelaySession | undefined) => void): () => void {
    // A function of its own, in case one is given twice.
    const user = (session: RelaySession | undefined): void => onChange(session)
    this.#users.add(user)
    if (this.#running === undefined) {
      this.#running = new AbortController()
      void this.#run(this.#running.signal)
    } else if (this.#session !== undefined || this.#status === 'unreachable') user(this.#session)
    return () => {
      if (!this.#users.delete(user) || this.#users.size > 0) return
      this.#running?.abort()
      this.#running = undefined
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#environment
    this.#status = 'connecting'
    this.#session = undefined
    while (!signal.aborted) {
      const session = await this.#connect(signal)
      if (signal.aborted) {
        session?.release()
        return
      }
      this.#change(session)
      if (session !== undefined) {
        const up = clock.now()
        await lostOrAborted(session, signal)
        session.release()
        if (signal.aborted) break
        this.#change(undefined)
        // One that breaks right away has to wait like one that can't be reached.
        if (clock.now() - up > RETRY_MAX_MS) this.#retries.reset()
      }
      await delay(clock, this.#retries.next(), signal).catch(() => undefined)
    }
    // Nobody uses it any more, unless somebody has started it anew meanwhile.
    if (this.#running === undefined) this.#session = undefined
  }

  async #connect(signal: AbortSignal): Promise<RelaySession | undefined> {
    const { node, clock } = this.#environment
    const attempt = scope([signal], { clock, ms: CONNECT_TIMEOUT_MS, what: 'connecting to a relay' })
    try {
      return await node.connectRelay(this.address, { signal: attempt.signal })
    } catch {
      // That it can't be reached is a state, which the swarms show; the next attempt follows.
      return undefined
    } finally {
      attempt.dispose()
    }
  }

  #change(session: RelaySession | undefined): void {
    this.#session = session
    this.#status = session === undefined ? 'unreachable' : 'online'
    for (const user of [...this.#users]) user(session)
  }
}

function lostOrAborted(session: RelaySession, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    void session.lost.then(done)
    if (signal.aborted) done()
  })
}
