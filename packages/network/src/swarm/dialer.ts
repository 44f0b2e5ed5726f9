import { scope } from '../abort.ts'
import { type Backoff, backoff } from '../backoff.ts'
import type { Target } from '../node.ts'
import type { Registration } from '../rendezvous/client.ts'
import type { Environment } from './relay-link.ts'

/** How a session ended, seen from who may dial again. */
export type Outcome =
  /** The protocol is through. Nobody dials again until the peer registers anew. */
  | 'done'
  /** It broke. The peer is dialled again. */
  | 'failed'

/** Most dials under way at once. */
export const PARALLEL_DIALS = 48
/** Deadline of a dial, proof included, by the failures before. Short at first, so that dead addresses cost little. */
const DEADLINES_MS = [5_000, 8_000, 12_000] as const
/** A registered peer that fails this often in a row is left alone until there is news of it. */
export const MAX_FAILURES = 3
/** In a mesh, which stays open for long, it is asked again after this time all the same. */
export const EXHAUSTED_MS = 2 * 60_000
/** Peers remembered; the oldest that are not in use make room. */
const MAX_CANDIDATES = 4_096
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000
/** A session that lasted this long starts the count of failures anew. */
const STABLE_MS = 30_000

/** What is known of somebody who is dialled. */
export interface Found {
  /** Hashed topics under which it was registered. */
  readonly namespaces: ReadonlySet<string>
  /** How many attempts failed in a row. */
  readonly failures: number
}

interface Candidate extends Found {
  readonly key: string
  readonly namespaces: Set<string>
  peer: string | undefined
  addresses: readonly string[]
  /** Addresses the application gave. Whoever has them is dialled for as long as the swarm is open. */
  known: readonly string[]
  seq: bigint | undefined
  expiresAtMs: number
  failures: number
  occupiedAtMs: number
  state: 'ready' | 'dialling' | 'occupied' | 'pausing' | 'done' | 'exhausted'
  cancelPause: (() => void) | undefined
  readonly retries: Backoff
}

/** What a {@link Dialer} needs of its swarm. */
export interface DialerOptions {
  /** Opens a channel and sees the proof through. Rejects if that fails. */
  readonly connect: (target: Target, found: Found, signal: AbortSignal) => Promise<void>
  /** Whether another peer has room. */
  readonly hasRoom: () => boolean
  /** Whether a peer that was given up is asked again after {@link EXHAUSTED_MS}. */
  readonly forgives: boolean
}

/**
 * Decides whom a swarm dials, and when. At most one dial to a peer at a time, at most {@link PARALLEL_DIALS}
 * in all; each has a deadline; known addresses come first, then whoever has failed least, by turns the newest
 * and a random one, so that no number of dead registrations hides a live one for long.
 */
export class Dialer {
  readonly #environment: Environment
  readonly #options: DialerOptions
  readonly #candidates = new Map<string, Candidate>()
  readonly #closing = new AbortController()
  #dialling = 0
  #turn = 0

  constructor(environment: Environment, options: DialerOptions) {
    this.#environment = environment
    this.#options = options
  }

  /** Addresses the application knows, each ending in the `/p2p/…` of its peer or naming nobody. */
  addKnown(addresses: readonly string[]): void {
    for (const address of addresses) {
      const peer = /\/p2p\/([^/]+)$/.exec(address)?.[1]
      if (peer === this.#environment.node.peer) continue
      const candidate = this.#candidate(peer ?? address, peer)
      if (!candidate.known.includes(address)) candidate.known = [...candidate.known, address]
    }
    this.#next()
  }

  /** Peers found at a rendezvous. One that was seen before in that place with the same record is no news. */
  addFound(registrations: readonly Registration[], namespace: string): void {
    const now = this.#environment.clock.now()
    for (const { peer, addresses, seq, ttlS } of registrations) {
      if (peer === this.#environment.node.peer) continue
      const candidate = this.#candidate(peer, peer)
      candidate.expiresAtMs = Math.max(candidate.expiresAtMs, now + ttlS * 1_000)
      const isNewest = candidate.seq === undefined || seq > candidate.seq
      if (!isNewest && candidate.namespaces.has(namespace)) continue
      candidate.namespaces.add(namespace)
      if (isNewest) {
        candidate.seq = seq
        candidate.addresses = addresses
      }
      this.#revive(candidate)
    }
    this.#next()
  }

  /** Gives those that were given up another chance, for example when this side is back online. */
  forgive(): void {
    for (const candidate of this.#candidates.values())
      if (candidate.state === 'exhausted') this.#revive(candidate)
    this.#next()
  }

  /** There is a session with this peer, whoever opened it: it is not dialled. */
  occupy(peer: string): void {
    const candidate = this.#candidates.get(peer)
    if (candidate === undefined) return
    candidate.cancelPause?.()
    candidate.state = 'occupied'
    candidate.occupiedAtMs = this.#environment.clock.now()
  }

  /** The session with this peer is over. */
  vacate(peer: string, outcome: Outcome): void {
    const candidate = this.#candidates.get(peer)
    if (candidate?.state === 'occupied') {
      if (this.#environment.clock.now() - candidate.occupiedAtMs >= STABLE_MS) this.#absolve(candidate)
      if (outcome === 'done') candidate.state = 'done'
      else this.#failed(candidate)
    }
    this.#next()
  }

  close(): void {
    this.#closing.abort()
    for (const candidate of this.#candidates.values()) candidate.cancelPause?.()
    this.#candidates.clear()
  }

  #candidate(key: string, peer: string | undefined): Candidate {
    const existing = this.#candidates.get(key)
    if (existing !== undefined) return existing
    if (this.#candidates.size >= MAX_CANDIDATES) this.#makeRoom()
    const candidate: Candidate = {
      key,
      peer,
      namespaces: new Set(),
      addresses: [],
      known: [],
      seq: undefined,
      expiresAtMs: 0,
      failures: 0,
      occupiedAtMs: 0,
      state: 'ready',
      cancelPause: undefined,
      retries: backoff({ minMs: RETRY_MIN_MS, maxMs: RETRY_MAX_MS, random: this.#environment.random }),
    }
    this.#candidates.set(key, candidate)
    return candidate
  }

  #makeRoom(): void {
    for (const candidate of this.#candidates.values()) {
      if (candidate.known.length > 0 || candidate.state === 'dialling' || candidate.state === 'occupied')
        continue
      candidate.cancelPause?.()
      this.#candidates.delete(candidate.key)
      return
    }
  }

  #revive(candidate: Candidate): void {
    this.#absolve(candidate)
    if (candidate.state === 'dialling' || candidate.state === 'occupied') return
    candidate.cancelPause?.()
    candidate.state = 'ready'
  }

  #absolve(candidate: Candidate): void {
    candidate.failures = 0
    candidate.retries.reset()
  }

  #next(): void {
    while (!this.#closing.signal.aborted && this.#dialling < PARALLEL_DIALS && this.#options.hasRoom()) {
      const candidate = this.#choose()
      if (candidate === undefined) return
      void this.#dial(candidate)
    }
  }

  #choose(): Candidate | undefined {
    const now = this.#environment.clock.now()
    let best: Candidate[] = []
    for (const candidate of this.#candidates.values()) {
      if (candidate.state !== 'ready') continue
      if (candidate.known.length > 0) return candidate
      if (candidate.expiresAtMs <= now) {
        this.#candidates.delete(candidate.key)
        continue
      }
      const fewest = best[0]?.failures ?? Number.POSITIVE_INFINITY
      if (candidate.failures < fewest) best = [candidate]
      else if (candidate.failures === fewest) best.push(candidate)
    }
    const newest = this.#turn++ % 2 === 0
    return newest ? best.at(-1) : best[Math.floor(this.#environment.random() * best.length)]
  }

  async #dial(candidate: Candidate): Promise<void> {
    const { clock } = this.#environment
    candidate.state = 'dialling'
    this.#dialling++
    const ms = DEADLINES_MS[Math.min(candidate.failures, DEADLINES_MS.length - 1)] ?? DEADLINES_MS[0]
    const attempt = scope([this.#closing.signal], { clock, ms, what: 'reaching a peer' })
    const addresses = [...new Set([...candidate.known, ...candidate.addresses])]
    try {
      await this.#options.connect(
        { addresses, ...(candidate.peer !== undefined && { peer: candidate.peer }) },
        candidate,
        attempt.signal,
      )
      // The swarm has said `occupy` by now; for an address that names nobody, it could not.
      if ((candidate.state as Candidate['state']) === 'dialling') candidate.state = 'done'
    } catch {
      // Which way it failed makes no difference to when it is tried again.
      if ((candidate.state as Candidate['state']) === 'dialling') this.#failed(candidate)
    } finally {
      attempt.dispose()
      this.#dialling--
      this.#next()
    }
  }

  #failed(candidate: Candidate): void {
    if (this.#closing.signal.aborted) return
    candidate.failures++
    if (candidate.known.length === 0 && candidate.failures >= MAX_FAILURES) {
      candidate.state = 'exhausted'
      if (this.#options.forgives) this.#pause(candidate, EXHAUSTED_MS)
      return
    }
    candidate.state = 'pausing'
    this.#pause(candidate, candidate.retries.next())
  }

  #pause(candidate: Candidate, ms: number): void {
    candidate.cancelPause = this.#environment.clock.after(ms, () => {
      candidate.cancelPause = undefined
      candidate.state = 'ready'
      this.#next()
    })
  }
}
