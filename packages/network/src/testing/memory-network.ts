import type { Random } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { delay } from '../clock.ts'
import { NetworkError } from '../errors.ts'
import type { NetworkNode } from '../node.ts'
import {
  type Conditions,
  type Faults,
  type MemoryChannel,
  memoryChannelPair,
  NO_FAULTS,
} from './memory-channel.ts'
import { MemoryNode } from './memory-node.ts'
import { MemoryRelay } from './memory-relay.ts'
import { seededRandom } from './random.ts'

/** How a channel was asked for; see {@link MemoryNetwork.opens}. */
export interface Open {
  readonly from: string
  readonly to: string
  readonly protocol: string
  readonly atMs: number
}

/** Options of {@link MemoryNetwork}. */
export interface MemoryNetworkOptions {
  readonly clock: Clock
  /** The same seed and the same calls give the same run. 1 unless given. */
  readonly seed?: number
  readonly faults?: Partial<Faults>
}

/**
 * A network in memory: nodes that implement {@link NetworkNode}, relays with rendezvous, and faults on demand.
 * @example
 * const clock = new VirtualClock()
 * const network = new MemoryNetwork({ clock, seed: 7, faults: { delayMs: [20, 80] } })
 * const relay = network.createRelay()
 * const manager = new NetworkManager({ node: network.createNode(), clock, random: network.random, relays: [relay.address] })
 */
export class MemoryNetwork {
  readonly clock: Clock
  /** The network's source of chance; give it to managers as well. */
  readonly random: Random
  /** Every channel that was asked for, whether or not it came about. */
  readonly opens: Open[] = []
  readonly #nodes: MemoryNode[] = []
  readonly #relays: MemoryRelay[] = []
  readonly #channels = new Set<readonly [MemoryChannel, MemoryChannel]>()
  readonly #conditions: Conditions
  #faults: Faults
  /** The group of each peer and relay while there is a partition; those in none are in one of their own. */
  #groups: Map<string, number> | undefined

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock
    this.random = seededRandom(options.seed ?? 1)
    this.#faults = { ...NO_FAULTS, ...options.faults }
    this.#conditions = { clock: this.clock, random: this.random, faults: () => this.#faults }
  }

  /** Channels that are open now. */
  get channels(): number {
    return this.#channels.size
  }

  /** @param options.reachable whether it can be dialled directly; through a relay it can be in any case */
  createNode(options: { readonly reachable?: boolean } = {}): NetworkNode {
    const node = new MemoryNode(this, `1Peer${base58(this.#nodes.length + 1)}`, options.reachable ?? true)
    this.#nodes.push(node)
    return node
  }

  createRelay(): MemoryRelay {
    const relay = new MemoryRelay(this, `1Hub${base58(this.#relays.length + 1)}`)
    this.#relays.push(relay)
    return relay
  }

  /** Changes what goes wrong from now on. */
  setFaults(faults: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...faults }
  }

  /** Cuts the network into groups of peers and relays, by id. What crosses a border breaks. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#groups = new Map(groups.flatMap((ids, index) => ids.map((id) => [id, index] as const)))
    for (const [near] of this.#channels)
      if (!this.canReach(near.localPeer, near.remotePeer))
        near.abort(new NetworkError('ABORTED', 'partitioned'))
    for (const relay of this.#relays) relay.dropUnreachable()
  }

  /** Ends the partition. Nothing comes back by itself. */
  heal(): void {
    this.#groups = undefined
  }

  /** Breaks all channels between two peers, or all of one. */
  disconnect(peer: string, other?: string): void {
    for (const [near, far] of [...this.#channels]) {
      const ends = [near.localPeer, far.localPeer]
      if (ends.includes(peer) && (other === undefined || ends.includes(other)))
        near.abort(new NetworkError('ABORTED', 'the connection was lost'))
    }
  }

  /** Whether what one sends gets to the other. */
  canReach(from: string, to: string): boolean {
    const groups = this.#groups
    return groups === undefined || from === to || (groups.has(from) && groups.get(from) === groups.get(to))
  }

  /** One way through the network. */
  async travel(signal?: AbortSignal): Promise<void> {
    const { delayMs } = this.#faults
    const ms = typeof delayMs === 'number' ? delayMs : delayMs[0] + this.random() * (delayMs[1] - delayMs[0])
    if (ms > 0) await delay(this.clock, ms, signal)
    else await Promise.resolve()
    signal?.throwIfAborted()
  }

  get relays(): readonly MemoryRelay[] {
    return this.#relays
  }

  /** The relay at an address. */
  relayAt(address: string): MemoryRelay | undefined {
    return this.#relays.find((relay) => relay.address === address)
  }

  /** @returns the running node that an address leads to from a peer, directly or through a relay */
  resolve(from: string, address: string): MemoryNode | undefined {
    const node = this.#nodes.find((candidate) => address.endsWith(`/p2p/${candidate.id}`))
    if (node === undefined || !node.running) return undefined
    const [via, end] = address.split('/p2p-circuit')
    if (end === undefined) return node.reachable && this.canReach(from, node.id) ? node : undefined
    const relay = this.relayAt(via ?? '')
    return relay?.carries(from, node.id) === true ? node : undefined
  }

  /** Makes a channel between two nodes. */
  connect(from: string, to: string): readonly [MemoryChannel, MemoryChannel] {
    const pair = memoryChannelPair(from, to, this.#conditions)
    this.#channels.add(pair)
    void Promise.all([pair[0].ended, pair[1].ended]).then(() => this.#channels.delete(pair))
    return pair
  }
}

/** Digits that a base58 text may have, so that addresses in this network are multiaddrs, as those in links have to be. */
const base58 = (n: number): string => String(n).replaceAll('0', 'o')
