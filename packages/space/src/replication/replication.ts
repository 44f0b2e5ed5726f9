import { randomBytes } from '@noble/hashes/utils.js'
import type { Credential, Presented } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { type Channel, type Clock, NetworkError } from '@vestibule/network'
import { Waiters } from '../concurrency/waiters.ts'
import { SpaceError } from '../error.ts'
import type { ForkProof } from '../feed/fork.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import { HandOver } from '../read-keys/hand-over.ts'
import type { SpaceStore } from '../space-store.ts'
import { Crowd } from './crowd.ts'
import { departureCredential, sayFarewell } from './farewell.ts'
import { type SpacePeer, shakeHands } from './handshake.ts'
import { introductionOf } from './introduction.ts'
import { isRefusedDevice } from './refused-device.ts'
import { Session } from './session.ts'

/** How long the other end may take to show who it is. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

/** This device: who it is, and what opens what is sealed to it. */
export interface OwnDevice {
  readonly keyring: Pick<Keyring, 'openSealed'>
  readonly signingContext: SigningContext
}

/** What a space hears from its channels. */
export interface ReplicationEvents {
  /** Members came or went. */
  onPeers(): void
  /** A member's device introduced itself: see `takeIn`. */
  onIntroduction(introduction: readonly Credential[]): Promise<boolean>
  /** Somebody shows that the own identity is no longer a member: see `readNotice`. */
  onRemoval(encoded: Uint8Array): Promise<void>
  /** A feed's key has signed two histories: see `takeFork`. */
  onFork(proof: ForkProof): Promise<void>
  /** Something was refused, or failed. The channel that it was about has ended. */
  onProblem(problem: SpaceError): void
}

/** All channels of a space: each a handshake, then a session. */
export class Replication {
  readonly #store: SpaceStore
  readonly #device: OwnDevice
  readonly #signingContext: SigningContext
  readonly #clock: Clock
  readonly #events: ReplicationEvents
  readonly #sessions = new Map<Session, AbortController>()
  /** Ended, because whoever is at the other end is no longer a member. */
  readonly #departed = new WeakSet<Session>()
  /** What those who are connected have shown. */
  readonly #presented = new WeakMap<SpacePeer, Presented>()
  readonly #stored = new Map<PublicKey, number>()
  readonly #waiters = new Waiters()
  readonly #running = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  readonly #crowd: Crowd

  constructor(store: SpaceStore, device: OwnDevice, clock: Clock, events: ReplicationEvents) {
    this.#store = store
    this.#device = device
    this.#signingContext = device.signingContext
    this.#clock = clock
    this.#crowd = new Crowd(clock)
    this.#events = events
  }

  /** Members that are connected now. */
  get peers(): SpacePeer[] {
    return [...this.#sessions.keys()].map(({ peer }) => peer)
  }

  /** How far those who are connected say that they have a feed. */
  lengthElsewhere(feed: PublicKey): number {
    return Math.max(0, ...[...this.#sessions.keys()].map((session) => session.lengthOf(feed)))
  }

  /** Serves one channel until it ends, and then rejects with why: a session has no other end. */
  async serve(channel: Channel, signal: AbortSignal): Promise<void> {
    const running = this.#serve(channel, AbortSignal.any([signal, this.#closing.signal]))
    this.#running.add(running)
    try {
      await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Runs an admission. While many come in a row, those who are connected hear of it when that is over: see `Crowd`. */
  admitting<T>(task: () => Promise<T>): Promise<T> {
    return this.#crowd.admitting(task)
  }

  /** Something was stored: whoever asked for it gets it. */
  wake(): void {
    this.#crowd.onNews()
    for (const session of this.#sessions.keys()) session.wake()
  }

  /** The credentials have changed: who was connected may have been removed or revoked. */
  recheck(): void {
    const { roster } = this.#store
    let gone = false
    for (const [session, ending] of this.#sessions) {
      const { peer } = session
      const presented = this.#presented.get(peer)
      if (presented !== undefined && isRefusedDevice(roster.membership, presented))
        ending.abort(new SpaceError('NOT_A_MEMBER', 'the device at the other end was revoked'))
      else if (roster.departureOf(peer.identityKey) !== undefined) {
        this.#departed.add(session)
        this.#sessions.delete(session)
        ending.abort(new SpaceError('NOT_A_MEMBER', 'the other end is no longer a member'))
        gone = true
      }
    }
    if (gone) this.#events.onPeers()
  }

  /** Waits until other members have stored these feeds as far as they are now. */
  async delivered(feeds: readonly PublicKey[], signal?: AbortSignal): Promise<void> {
    const { horizon } = this.#store
    const targets = feeds.map((key) => [key, this.#store.feed(key)?.length ?? 0] as const)
    // Nobody stores what does not count.
    const done = (): boolean =>
      targets.every(([key, length]) => (this.#stored.get(key) ?? 0) >= Math.min(length, horizon.limitOf(key)))
    await this.until(done, signal)
  }

  /** Waits until a member is connected and everything that those who are connected had is stored here. */
  async synced(signal?: AbortSignal): Promise<void> {
    const done = () =>
      this.#sessions.size > 0 && [...this.#sessions.keys()].every((session) => session.isCaughtUp)
    await this.until(done, signal)
  }

  /** Waits until something holds that can only come from others. */
  async until(done: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    const either = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal
    await this.#waiters.until(done, either)
  }

  /** Ends all channels and waits for them. */
  async close(): Promise<void> {
    this.#closing.abort(new SpaceError('CLOSED', 'the space is closed'))
    this.#crowd.end()
    await Promise.allSettled(this.#running)
  }

  async #serve(channel: Channel, signal: AbortSignal): Promise<void> {
    let session: Session | undefined
    try {
      if (this.#crowd.isComing) await this.#crowd.through(signal)
      signal.throwIfAborted()
      const peer = await this.#shakeHands(channel, signal)
      const [store, signingContext] = [this.#store, this.#signingContext]
      session = new Session({
        channel,
        peer,
        store,
        handOver: new HandOver(store, this.#device, peer),
        introduction: () => introductionOf(store, signingContext),
        crowd: this.#crowd,
        events: {
          onStored: (by, feed, length) => this.#onStored(by, feed, length),
          onFork: (proof) => this.#events.onFork(proof),
          onIntroduction: (introduction) => this.#events.onIntroduction(introduction),
          onRemoval: (encoded) => this.#onRemoval(encoded),
          onProgress: () => this.#waiters.wake(),
        },
      })
      const ending = new AbortController()
      this.#sessions.set(session, ending)
      this.#events.onPeers()
      await session.run(AbortSignal.any([signal, ending.signal]))
    } catch (error) {
      if (session !== undefined && this.#departed.has(session))
        await this.#sayFarewell(channel, session.peer, signal).catch(() => undefined)
      // Connections come and go; what an application should know of is what was wrong with one.
      else if (error instanceof SpaceError && error.code !== 'CLOSED') this.#events.onProblem(error)
      else if (!(error instanceof NetworkError) && !signal.aborted)
        this.#events.onProblem(new SpaceError('MALFORMED', 'a channel failed', { cause: error }))
      channel.abort(error instanceof Error ? error : undefined)
      throw error
    } finally {
      if (session !== undefined && this.#sessions.delete(session)) this.#events.onPeers()
    }
  }

  async #shakeHands(channel: Channel, signal: AbortSignal): Promise<SpacePeer> {
    const { roster } = this.#store
    const deadline = new AbortController()
    const cancel = this.#clock.after(HANDSHAKE_TIMEOUT_MS, () =>
      deadline.abort(new NetworkError('TIMED_OUT', 'the other end did not show who it is')),
    )
    try {
      const { peer, presented } = await shakeHands(channel, {
        spaceKey: this.#store.record.spaceKey,
        signingContext: this.#signingContext,
        path: roster.pathOf(this.#signingContext.identityKey).map(({ encoded }) => encoded),
        isRevoked: (shown) => isRefusedDevice(roster.membership, shown),
        isMember: (identity) => roster.roleOf(identity) !== undefined,
        isAdmittedBy: (identity, path) => roster.isAdmittedBy(identity, path),
        removalOf: (identity) => departureCredential(this.#store, identity),
        onRemoval: (encoded) => this.#onRemoval(encoded),
        nonce: randomBytes(32),
        signal: AbortSignal.any([signal, deadline.signal]),
      })
      this.#presented.set(peer, presented)
      return peer
    } finally {
      cancel()
    }
  }

  async #sayFarewell(channel: Channel, peer: SpacePeer, signal: AbortSignal): Promise<void> {
    const deadline = new AbortController()
    const cancel = this.#clock.after(HANDSHAKE_TIMEOUT_MS, () => deadline.abort())
    try {
      await sayFarewell(channel, this.#store, peer, AbortSignal.any([signal, deadline.signal]))
    } finally {
      cancel()
    }
  }

  async #onRemoval(encoded: Uint8Array): Promise<void> {
    await this.#events.onRemoval(encoded)
    this.#waiters.wake()
  }

  #onStored(by: SpacePeer, feed: PublicKey, length: number): void {
    // Another device of the own identity is no other member.
    if (by.identityKey === this.#signingContext.identityKey) return
    if (length <= (this.#stored.get(feed) ?? 0)) return
    this.#stored.set(feed, length)
    this.#waiters.wake()
  }
}
