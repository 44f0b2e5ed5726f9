import { type Random, systemRandom } from './backoff.ts'
import type { Channel } from './channel/channel.ts'
import { type Clock, systemClock } from './clock.ts'
import { NetworkError } from './errors.ts'
import { Libp2pNode } from './libp2p/node.ts'
import type { NetworkNode } from './node.ts'
import { readProof, SWARM_PROTOCOL } from './swarm/handshake.ts'
import { type Environment, RelayLink } from './swarm/relay-link.ts'
import { Swarm, type SwarmConnection, type SwarmOptions } from './swarm/swarm.ts'
import { checkTopic, topicNamespace } from './swarm/topic.ts'

/** Options of {@link NetworkManager}. */
export interface NetworkManagerOptions {
  /** Multiaddrs of relays, each ending in `/p2p/…`. Without any, only known addresses lead anywhere. */
  readonly relays?: readonly string[]
  /** Multiaddrs to listen on, for example `/ip4/127.0.0.1/tcp/0/ws`. None by default; browsers can't. */
  readonly listen?: readonly string[]
  /** Multiaddrs to announce instead of the ones listened on. */
  readonly announce?: readonly string[]
  /** Seed of an Ed25519 key for the node, 32 bytes. Without it the node is somebody new at every start. */
  readonly privateKey?: Uint8Array
  /** Lets a browser dial plain `ws` and private addresses. Node.js always may. */
  readonly dialInsecure?: boolean
  readonly clock?: Clock
  /** Source of jitter, the platform's generator by default. */
  readonly random?: Random
  /** Another node than one of libp2p; `listen`, `announce`, `privateKey` and `dialInsecure` are its business. */
  readonly node?: NetworkNode
}

/** Incoming channels that have not proven a topic yet. One more is turned away. */
const MAX_UNPROVEN = 256

/**
 * One node of the network, shared by all swarms of a process.
 * @example
 * await using manager = new NetworkManager({ relays: [relay] })
 * await manager.start()
 * const swarm = await manager.joinSwarm({ topic, topology: 'guest', protocolProvider })
 */
export class NetworkManager implements AsyncDisposable {
  readonly relays: readonly string[]
  readonly #environment: Environment
  readonly #swarms = new Map<string, Swarm>()
  readonly #links = new Map<string, RelayLink>()
  #started: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #unhandle: (() => void) | undefined
  #unproven = 0

  constructor(options: NetworkManagerOptions = {}) {
    this.relays = [...(options.relays ?? [])]
    for (const relay of this.relays) checkRelay(relay)
    const clock = options.clock ?? systemClock
    const random = options.random ?? systemRandom
    this.#environment = { node: options.node ?? new Libp2pNode({ ...options, clock, random }), clock, random }
  }

  /** The id of this node, made anew at every start. Nobody's identity. @throws NetworkError `STOPPED` */
  get peer(): string {
    return this.#environment.node.peer
  }

  /** Where this node can be dialled now. */
  addresses(): string[] {
    return this.#environment.node.addresses()
  }

  /** Idempotent. Does not wait for relays, and does not fail without them. */
  start(): Promise<void> {
    this.#started ??= (async () => {
      await this.#stopping
      await this.#environment.node.start()
      this.#unhandle = this.#environment.node.handle(SWARM_PROTOCOL, (channel) => void this.#receive(channel))
    })()
    this.#started.catch(() => {
      this.#started = undefined
    })
    return this.#started
  }

  /** Leaves all swarms and closes all connections. Idempotent; `start` may follow. */
  stop(): Promise<void> {
    const started = this.#started
    if (started === undefined) return this.#stopping ?? Promise.resolve()
    this.#started = undefined
    this.#stopping = (async () => {
      await started.catch(() => undefined)
      this.#unhandle?.()
      await Promise.all([...this.#swarms.values()].map((swarm) => swarm.close()))
      this.#links.clear()
      await this.#environment.node.stop()
    })()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /**
   * Takes part in the swarm of a topic. Resolves at once; `state` tells how it goes.
   * @throws NetworkError `ALREADY_JOINED`, `STOPPED`; TypeError for a topic that is not 32 bytes or an address
   *   that is no relay's; or the signal's reason
   */
  async joinSwarm(options: SwarmOptions): Promise<SwarmConnection> {
    checkTopic(options.topic)
    if (this.#started === undefined) throw new NetworkError('STOPPED', 'the network is not started')
    await this.#started
    const namespace = topicNamespace(options.topic)
    await this.#untilLeft(namespace)
    options.signal?.throwIfAborted()
    if (this.#started === undefined) throw new NetworkError('STOPPED', 'the network is not started')
    this.#assertFree(namespace)
    for (const relay of options.relays ?? []) checkRelay(relay)
    const relays = [...new Set([...this.relays, ...(options.relays ?? [])])]
    const links = relays.map((address) => this.#link(address))
    const swarm: Swarm = new Swarm(this.#environment, options, links, {
      claim: async (another) => {
        await this.#untilLeft(another)
        this.#assertFree(another)
        this.#swarms.set(another, swarm)
      },
      release: (another) => this.#swarms.delete(another),
    })
    this.#swarms.set(namespace, swarm)
    return swarm
  }

  /** Whoever comes back at once waits until the old registration is gone, which would take the new one along. */
  async #untilLeft(namespace: string): Promise<void> {
    while (this.#swarms.get(namespace)?.closed !== undefined) await this.#swarms.get(namespace)?.closed
  }

  #assertFree(namespace: string): void {
    if (this.#swarms.has(namespace))
      throw new NetworkError('ALREADY_JOINED', 'this manager is in a swarm of this topic already')
  }

  #link(address: string): RelayLink {
    const link = this.#links.get(address) ?? new RelayLink(address, this.#environment)
    this.#links.set(address, link)
    return link
  }

  /** Finds out which swarm a channel is for. A stranger learns nothing: every failure looks the same. */
  async #receive(channel: Channel): Promise<void> {
    if (this.#unproven >= MAX_UNPROVEN) return channel.abort()
    this.#unproven++
    try {
      const { namespace, proof } = await readProof(channel, this.#environment.clock)
      const swarm = this.#swarms.get(namespace)
      if (swarm === undefined) channel.abort(new NetworkError('REFUSED', 'no such swarm'))
      else await swarm.accept(channel, namespace, proof)
    } catch (cause) {
      channel.abort(cause as Error)
    } finally {
      this.#unproven--
    }
  }
}

/** A relay's own id has to be part of its address: whoever else answers there could keep peers apart. */
function checkRelay(address: string): void {
  if (!/^\/.*\/p2p\/[^/]+$/.test(address))
    throw new TypeError(`expected the address of a relay, a multiaddr that ends in /p2p/…, got ${address}`)
}
