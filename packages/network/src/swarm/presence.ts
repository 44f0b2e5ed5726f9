import { scope } from '../abort.ts'
import { backoff } from '../backoff.ts'
import { delay } from '../clock.ts'
import type { RelaySession } from '../node.ts'
import type { Registration } from '../rendezvous/client.ts'
import type { Environment, RelayLink, RelayStatus } from './relay-link.ts'

const REGISTER_TIMEOUT_MS = 15_000
const UNREGISTER_TIMEOUT_MS = 2_000
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 60_000
/** A registration is renewed after this part of its time to live. */
const RENEW_AFTER = 0.5

/** What a swarm does at a relay. */
export interface PresenceOptions {
  readonly namespace: string
  /** Whether to register. */
  readonly announce: boolean
  /** Called with everybody who is registered; absent for one who doesn't look for others. */
  readonly onFound?: (registrations: readonly Registration[]) => void
  /** Called whenever `status` changed. */
  readonly onStatus: () => void
}

/** One swarm at one relay: registered, renewed, and listening for others, for as long as it is open. */
export class Presence {
  readonly #link: RelayLink
  readonly #environment: Environment
  readonly #options: PresenceOptions
  readonly #release: () => void
  #session: { readonly relay: RelaySession; readonly work: AbortController } | undefined
  #registered = false
  #status: RelayStatus = 'connecting'

  constructor(link: RelayLink, environment: Environment, options: PresenceOptions) {
    this.#link = link
    this.#environment = environment
    this.#options = options
    this.#release = link.use(this.#onSession)
  }

  get address(): string {
    return this.#link.address
  }

  /** `online` once the swarm is registered there, for those who register; once it asked there, for others. */
  get status(): RelayStatus {
    return this.#status
  }

  /** Unregisters, if the relay can be reached, and lets go of it. */
  async close(): Promise<void> {
    const session = this.#session
    session?.work.abort()
    this.#session = undefined
    if (session !== undefined && this.#registered) {
      const { clock } = this.#environment
      const attempt = scope([], { clock, ms: UNREGISTER_TIMEOUT_MS, what: 'unregistering' })
      // A relay that does not hear of it forgets the registration when its time is over.
      await session.relay
        .unregister(this.#options.namespace, { signal: attempt.signal })
        .catch(() => undefined)
      attempt.dispose()
    }
    this.#release()
  }

  readonly #onSession = (relay: RelaySession | undefined): void => {
    this.#session?.work.abort()
    this.#session = undefined
    this.#registered = false
    if (relay === undefined) {
      this.#setStatus('unreachable')
      return
    }
    const work = new AbortController()
    this.#session = { relay, work }
    if (this.#options.announce) void this.#keepRegistered(relay, work.signal)
    else this.#setStatus('online')
    if (this.#options.onFound !== undefined)
      void this.#keepWatching(relay, this.#options.onFound, work.signal)
  }

  async #keepRegistered(relay: RelaySession, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#environment
    const retries = backoff({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS, random })
    while (!signal.aborted) {
      const attempt = scope([signal], { clock, ms: REGISTER_TIMEOUT_MS, what: 'registering at a relay' })
      let pauseMs: number
      try {
        // Before the answer: a registration whose answer is not awaited has to be taken back as well.
        this.#registered = true
        const ttlS = await relay.register(this.#options.namespace, { signal: attempt.signal })
        if (signal.aborted) return
        this.#setStatus('online')
        retries.reset()
        pauseMs = ttlS * 1_000 * RENEW_AFTER
      } catch {
        // Refused or late. As with an unreachable relay, the state says so and the next attempt follows.
        if (signal.aborted) return
        this.#setStatus('unreachable')
        pauseMs = retries.next()
      } finally {
        attempt.dispose()
      }
      await delay(clock, pauseMs, signal).catch(() => undefined)
    }
  }

  async #keepWatching(
    relay: RelaySession,
    onFound: (registrations: readonly Registration[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random } = this.#environment
    const retries = backoff({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS, random })
    while (!signal.aborted) {
      const found = (registrations: readonly Registration[]): void => {
        retries.reset()
        if (!signal.aborted) onFound(registrations)
      }
      // It ends only by failing. If the relay itself is gone, the link says so.
      await relay.watch(this.#options.namespace, found, { signal }).catch(() => undefined)
      await delay(clock, retries.next(), signal).catch(() => undefined)
    }
  }

  #setStatus(status: RelayStatus): void {
    if (this.#status === status) return
    this.#status = status
    this.#options.onStatus()
  }
}
