import { untilAborted } from '../abort.ts'
import type { Channel } from '../channel/channel.ts'
import { NetworkError } from '../errors.ts'
import type { NetworkNode, RelaySession, Target } from '../node.ts'
import type { MemoryNetwork } from './memory-network.ts'
import type { MemoryRelay } from './memory-relay.ts'

/** An address where every dial hangs until it is given up. */
export const BLACK_HOLE = '/memory/black-hole'

/** A {@link NetworkNode} of a {@link MemoryNetwork}; keeps its id over restarts. */
export class MemoryNode implements NetworkNode {
  readonly id: string
  readonly reachable: boolean
  readonly #network: MemoryNetwork
  readonly #handlers = new Map<string, (channel: Channel) => void>()
  readonly #open = new Set<Channel>()
  #running = false
  #announced = ''
  #seq = 0

  constructor(network: MemoryNetwork, id: string, reachable: boolean) {
    this.#network = network
    this.id = id
    this.reachable = reachable
  }

  get running(): boolean {
    return this.#running
  }

  get peer(): string {
    this.#check()
    return this.id
  }

  addresses(): string[] {
    this.#check()
    const direct = this.reachable ? [`/memory/${this.id}/p2p/${this.id}`] : []
    return [...direct, ...this.#relayed.map((relay) => `${relay.address}/p2p-circuit/p2p/${this.id}`)]
  }

  /** The own record as relays keep it: its number, then the addresses. The number grows when those change. */
  get record(): string {
    const addresses = this.addresses().join('\n')
    if (addresses !== this.#announced) this.#seq++
    this.#announced = addresses
    return `${this.#seq}\n${addresses}`
  }

  handle(protocol: string, onChannel: (channel: Channel) => void): () => void {
    if (this.#handlers.has(protocol)) throw new TypeError(`${protocol} already has a handler`)
    this.#handlers.set(protocol, onChannel)
    return () => this.#handlers.delete(protocol)
  }

  async open(
    target: Target,
    protocol: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Channel> {
    this.#check()
    const network = this.#network
    const to = target.peer ?? target.addresses[0] ?? ''
    network.opens.push({ from: this.id, to, protocol, atMs: network.clock.now() })
    options.signal?.throwIfAborted()
    // There and back for the dial, as a handshake needs.
    await network.travel(options.signal)
    await network.travel(options.signal)
    this.#check()
    const node = target.addresses
      .map((address) => network.resolve(this.id, address))
      .find((found) => found !== undefined && (target.peer === undefined || found.id === target.peer))
    if (node === undefined) {
      if (target.addresses.some((address) => address.startsWith(BLACK_HOLE)))
        await untilAborted(new Promise<never>(() => undefined), options.signal)
      throw new NetworkError('UNREACHABLE', 'no address of the peer could be dialled')
    }
    const handler = node.#handlers.get(protocol)
    if (handler === undefined) throw new NetworkError('REFUSED', `the other side does not speak ${protocol}`)
    const [near, far] = network.connect(this.id, node.id)
    this.#keep(near)
    node.#keep(far)
    handler(far)
    return near
  }

  async connectRelay(
    address: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RelaySession> {
    this.#check()
    const relay = this.#network.relayAt(address)
    await this.#network.travel(options.signal)
    await this.#network.travel(options.signal)
    this.#check()
    const session = relay?.connect(this)
    if (session === undefined) throw new NetworkError('UNREACHABLE', 'the relay does not answer')
    return session
  }

  async start(): Promise<void> {
    this.#running = true
  }

  async stop(): Promise<void> {
    this.#running = false
    for (const channel of this.#open) channel.abort(new NetworkError('STOPPED', 'the node was stopped'))
    for (const relay of this.#network.relays) relay.disconnect(this.id)
  }

  get #relayed(): readonly MemoryRelay[] {
    return this.#network.relays.filter((relay) => relay.hasReservation(this.id))
  }

  #keep(channel: Channel): void {
    this.#open.add(channel)
    void channel.ended.then(() => this.#open.delete(channel))
  }

  #check(): void {
    if (!this.#running) throw new NetworkError('STOPPED', 'the network is not started')
  }
}
