import { scope } from '../abort.ts'
import type { Channel } from '../channel/channel.ts'
import { NetworkError } from '../errors.ts'
import type { Target } from '../node.ts'
import { Dialer, type Found, type Outcome } from './dialer.ts'
import { EarlyChannel } from './early-channel.ts'
import { answerProof, exchangeProofs, provesTopic, SWARM_PROTOCOL } from './handshake.ts'
import type { Environment, RelayLink, RelayStatus } from './relay-link.ts'
import { checkTopic, topicNamespace } from './topic.ts'
import { type Claims, Topics } from './topics.ts'

/** The part a peer plays in a swarm. */
export type Topology =
  /** Registers and answers; never dials. */
  | 'host'
  /** Looks for hosts and dials them; never registers, and takes no channel from outside. */
  | 'guest'
  /** Does both. Two peers that dial each other at once end up with one channel. */
  | 'mesh'

/** Runs on each channel of a swarm. When it returns the channel is closed, when it throws it is aborted. */
export type ProtocolProvider = (
  channel: Channel,
  context: {
    /** Aborts when the swarm closes or the channel breaks. */
    readonly signal: AbortSignal
  },
) => Promise<void> | void

/** In one word, why a swarm does or does not have peers. */
export type SwarmStatus =
  /** No relay has answered yet. */
  | 'connecting'
  /** A relay knows that we are here, or there is none: waiting for somebody. */
  | 'searching'
  /** No relay can be reached. Known addresses are still dialled, and incoming channels taken. */
  | 'unreachable-relay'
  | 'connected'
  | 'closed'

/** What a swarm can say about itself. A value: every change makes a new one. */
export interface SwarmState {
  readonly status: SwarmStatus
  /** Ids of the peers there is a channel with. */
  readonly peers: readonly string[]
  readonly relays: readonly { readonly address: string; readonly status: RelayStatus }[]
}

/** Options of `NetworkManager.joinSwarm`. */
export interface SwarmOptions {
  /** 32 secret bytes that everybody in the swarm has. */
  readonly topic: Uint8Array
  readonly topology: Topology
  readonly protocolProvider: ProtocolProvider
  /** Multiaddrs at which a peer may be; dialled at once, side by side with the lookups, and again while open. */
  readonly addresses?: readonly string[]
  /** Relays for this swarm besides the manager's, for example those of a link. */
  readonly relays?: readonly string[]
  /** Most channels at a time, 256 by default. */
  readonly maxPeers?: number
  /** Called with every new state. */
  readonly onState?: (state: SwarmState) => void
  /** Called with what a provider threw; the swarm goes on. A channel that just broke shows up here, too. */
  readonly onError?: (error: unknown, peer: string) => void
  /** Aborting leaves the swarm. */
  readonly signal?: AbortSignal
}

/** One's own part in a swarm. */
export interface SwarmConnection extends AsyncDisposable {
  readonly peers: readonly string[]
  readonly state: SwarmState
  /** Calls `listener` with every new state until the result is called. */
  subscribe(listener: (state: SwarmState) => void): () => void
  /**
   * Meets under these topics from now on, and no longer under others. The first is the one that known addresses are asked
   * for first. Channels that are open stay: whoever is met under several topics still has one channel.
   * @throws NetworkError `ALREADY_JOINED`, and then nothing has changed; `CLOSED`; TypeError for none, or one that is not
   *   32 bytes
   */
  setTopics(topics: readonly Uint8Array[]): Promise<void>
  /** Leaves this swarm and only this one: unregisters, closes its channels. Idempotent. */
  close(): Promise<void>
}

interface Session {
  readonly channel: Channel
  readonly since: number
}

const DEFAULT_MAX_PEERS = 256
/** A session that is younger may have crossed with one the other side opened; an older one it has given up. */
const CROSSING_MS = 10_000

export class Swarm implements SwarmConnection {
  readonly #environment: Environment
  readonly #options: SwarmOptions
  readonly #topics: Topics
  readonly #closing = new AbortController()
  readonly #sessions = new Map<string, Session>()
  /** Channels opened here whose other side has not proven itself, in a mesh. */
  readonly #opening = new Map<string, Channel>()
  /** Every channel that a provider works with or that is being opened. */
  readonly #channels = new Set<Channel>()
  readonly #listeners = new Set<(state: SwarmState) => void>()
  readonly #dialer: Dialer | undefined
  readonly #claims: Claims
  #state: SwarmState = { status: 'connecting', peers: [], relays: [] }
  #closed: Promise<void> | undefined
  #changing: Promise<void> = Promise.resolve()

  /** Whoever makes one has claimed its topic. */
  constructor(environment: Environment, options: SwarmOptions, links: readonly RelayLink[], claims: Claims) {
    this.#environment = environment
    this.#options = options
    this.#claims = claims
    if (options.onState !== undefined) this.#listeners.add(options.onState)
    const dialer =
      options.topology === 'host'
        ? undefined
        : new Dialer(environment, {
            connect: (target, found, signal) => this.#connect(target, found, signal),
            hasRoom: () => this.#sessions.size < this.#maxPeers,
            forgives: options.topology === 'mesh',
          })
    this.#dialer = dialer
    this.#topics = new Topics(links, environment, {
      announce: options.topology !== 'guest',
      ...(dialer && { onFound: (namespace, found) => dialer.addFound(found, namespace) }),
      onStatus: () => {
        dialer?.forgive()
        this.#update()
      },
    })
    this.#topics.add(options.topic)
    this.#update()
    dialer?.addKnown(options.addresses ?? [])
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get peers(): readonly string[] {
    return this.#state.peers
  }

  get state(): SwarmState {
    return this.#state
  }

  /** Resolves once the swarm is left, `undefined` while nobody wants that. */
  get closed(): Promise<void> | undefined {
    return this.#closed
  }

  subscribe(listener: (state: SwarmState) => void): () => void {
    // A function of its own, in case one is given twice.
    const own = (state: SwarmState): void => listener(state)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async setTopics(topics: readonly Uint8Array[]): Promise<void> {
    if (topics.length === 0) throw new TypeError('expected at least one topic')
    for (const topic of topics) checkTopic(topic)
    const wanted = new Map(topics.map((topic) => [topicNamespace(topic), topic.slice()]))
    // One after the other: whatever is left is gone from the relays before it is joined again.
    const changed = this.#changing.then(() => this.#change(wanted))
    this.#changing = changed.catch(() => undefined)
    await changed
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Takes a channel that somebody opened with a namespace of this swarm, or aborts it. */
  async accept(channel: Channel, namespace: string, proof: Uint8Array): Promise<void> {
    const topic = this.#topics.get(namespace)
    if (topic === undefined) return channel.abort(new NetworkError('REFUSED', 'the topic was left'))
    const refusal = this.#refusal(channel, proof, topic)
    if (refusal !== undefined) return channel.abort(new NetworkError('REFUSED', refusal))
    const peer = channel.remotePeer
    const superseded = new NetworkError('ABORTED', 'a newer channel with the same peer took over')
    this.#opening.get(peer)?.abort(superseded)
    this.#sessions.get(peer)?.channel.abort(superseded)
    // In this order: nothing of the provider may go out before the proof.
    const answered = answerProof(channel, topic)
    const session = this.#begin(channel)
    void this.#provide(channel, channel).then((outcome) => this.#end(session, outcome))
    await answered.catch((cause: Error) => channel.abort(cause))
  }

  get #maxPeers(): number {
    return this.#options.maxPeers ?? DEFAULT_MAX_PEERS
  }

  /** @returns why an incoming channel is not taken; said only to the own side */
  #refusal(channel: Channel, proof: Uint8Array, topic: Uint8Array): string | undefined {
    const peer = channel.remotePeer
    const self = channel.localPeer
    if (this.#closing.signal.aborted) return 'the swarm is closed'
    if (this.#options.topology === 'guest') return 'a guest takes no channels'
    if (!provesTopic(channel, proof, topic)) return 'not a proof of the topic'
    // Of two channels opened at once the one of the smaller id stays; both sides see it the same way.
    if (this.#opening.has(peer) && self < peer) return 'the own channel goes first'
    const session = this.#sessions.get(peer)
    if (session === undefined)
      return this.#sessions.size < this.#maxPeers ? undefined : 'the swarm has its most peers'
    const crossed = session.channel.initiator && this.#environment.clock.now() - session.since < CROSSING_MS
    return crossed && self < peer ? 'the own channel goes first' : undefined
  }

  /** Opens a channel to a candidate. Resolves once the other side has proven itself. */
  async #connect(target: Target, found: Found, signal: AbortSignal): Promise<void> {
    const topic = this.#topics.toTry(found.namespaces, found.failures)
    if (topic === undefined) throw new NetworkError('CLOSED', 'the swarm was closed')
    const channel = await this.#environment.node.open(target, SWARM_PROTOCOL, { signal })
    if (
      signal.aborted ||
      channel.remotePeer === channel.localPeer ||
      this.#sessions.has(channel.remotePeer)
    ) {
      channel.abort()
      if (signal.aborted) throw signal.reason
      return
    }
    this.#channels.add(channel)
    void channel.ended.then(() => this.#channels.delete(channel))
    const abandon = (): void => channel.abort(signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    try {
      if (this.#options.topology === 'mesh') await this.#openMesh(channel, topic)
      else await this.#openEarly(channel, topic)
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  /** Nobody dials a guest, so its provider can start at once. */
  async #openEarly(channel: Channel, topic: Uint8Array): Promise<void> {
    const proven = exchangeProofs(channel, topic, this.#environment.clock)
    const outcome = this.#provide(channel, new EarlyChannel(channel, proven))
    await proven
    const session = this.#begin(channel)
    void outcome.then((result) => this.#end(session, result))
  }

  /** In a mesh the other side may open a channel at the same time; which one stays shows with the proofs. */
  async #openMesh(channel: Channel, topic: Uint8Array): Promise<void> {
    const peer = channel.remotePeer
    this.#opening.set(peer, channel)
    try {
      await exchangeProofs(channel, topic, this.#environment.clock)
    } finally {
      if (this.#opening.get(peer) === channel) this.#opening.delete(peer)
    }
    const session = this.#begin(channel)
    void this.#provide(channel, channel).then((outcome) => this.#end(session, outcome))
  }

  #begin(channel: Channel): Session {
    const session: Session = { channel, since: this.#environment.clock.now() }
    this.#sessions.set(channel.remotePeer, session)
    this.#dialer?.occupy(channel.remotePeer)
    this.#update()
    return session
  }

  #end(session: Session, outcome: Outcome): void {
    const peer = session.channel.remotePeer
    // Unless a newer one took its place.
    if (this.#sessions.get(peer) !== session) return
    this.#sessions.delete(peer)
    if (this.#closing.signal.aborted) return
    this.#update()
    this.#dialer?.vacate(peer, outcome)
  }

  /** Runs the provider on a channel, and ends the channel with it. Never rejects. */
  async #provide(channel: Channel, given: Channel): Promise<Outcome> {
    this.#channels.add(channel)
    const running = scope([this.#closing.signal])
    let broken = false
    void channel.ended.then((end) => {
      this.#channels.delete(channel)
      if (end === 'closed') return
      broken = true
      running.abort(new NetworkError('ABORTED', 'the channel broke'))
    })
    try {
      await this.#options.protocolProvider(given, { signal: running.signal })
      await given.close()
      return broken ? 'failed' : 'done'
    } catch (cause) {
      this.#tell(() => this.#options.onError?.(cause, channel.remotePeer))
      channel.abort(
        cause instanceof Error ? cause : new NetworkError('ABORTED', 'the protocol failed', { cause }),
      )
      return 'failed'
    } finally {
      running.dispose()
    }
  }

  async #change(wanted: ReadonlyMap<string, Uint8Array>): Promise<void> {
    this.#assertOpen()
    const before = this.#topics.namespaces
    const claimed: string[] = []
    try {
      for (const namespace of wanted.keys())
        if (!before.includes(namespace)) {
          await this.#claims.claim(namespace)
          claimed.push(namespace)
        }
      this.#assertOpen()
    } catch (error) {
      for (const namespace of claimed) this.#claims.release(namespace)
      throw error
    }
    for (const [namespace, topic] of wanted) if (!before.includes(namespace)) this.#topics.add(topic)
    const left = before.filter((namespace) => !wanted.has(namespace))
    this.#topics.sort([...wanted.keys(), ...left])
    this.#update()
    await Promise.all(left.map((namespace) => this.#leave(namespace)))
  }

  async #leave(namespace: string): Promise<void> {
    await this.#topics.remove(namespace)
    this.#claims.release(namespace)
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new NetworkError('CLOSED', 'the swarm was closed')
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#closing.abort(new NetworkError('CLOSED', 'the swarm was closed'))
    this.#dialer?.close()
    const proven = new Set([...this.#sessions.values()].map((session) => session.channel))
    for (const channel of this.#channels) if (!proven.has(channel)) channel.abort()
    await Promise.all([
      ...[...proven].map((channel) => channel.close()),
      ...this.#topics.namespaces.map((namespace) => this.#leave(namespace)),
      this.#changing,
    ])
    this.#sessions.clear()
    this.#update()
    this.#listeners.clear()
  }

  readonly #onAbort = (): void => {
    void this.close()
  }

  #update(): void {
    const { relays } = this.#topics
    const peers = [...this.#sessions.keys()].sort()
    const status = this.#status(relays.map((relay) => relay.status))
    const next: SwarmState = { status, peers, relays }
    if (isSame(next, this.#state)) return
    this.#state = next
    for (const listener of [...this.#listeners]) this.#tell(() => listener(next))
  }

  /** Calls into the application. What it throws there is not the swarm's to handle, nor to be hidden. */
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #status(relays: readonly RelayStatus[]): SwarmStatus {
    if (this.#closing.signal.aborted) return 'closed'
    if (this.#sessions.size > 0) return 'connected'
    if (relays.length === 0 || relays.includes('online')) return 'searching'
    return relays.includes('connecting') ? 'connecting' : 'unreachable-relay'
  }
}

const isSame = (a: SwarmState, b: SwarmState): boolean =>
  a.status === b.status &&
  a.peers.length === b.peers.length &&
  a.peers.every((peer, i) => peer === b.peers[i]) &&
  JSON.stringify(a.relays) === JSON.stringify(b.relays)
