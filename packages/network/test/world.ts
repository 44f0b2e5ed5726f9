import {
  type Channel,
  NetworkManager,
  type NetworkManagerOptions,
  type NetworkNode,
  type ProtocolProvider,
  type SwarmConnection,
  type SwarmState,
} from '../src/index.ts'
import { MemoryNetwork, type MemoryNetworkOptions, type MemoryRelay, VirtualClock } from '../src/testing.ts'

/** A network in memory with one relay, and managers on it. */
export class World {
  readonly clock = new VirtualClock()
  readonly network: MemoryNetwork
  readonly relay: MemoryRelay
  readonly managers: NetworkManager[] = []

  constructor(options: Partial<MemoryNetworkOptions> = {}) {
    this.network = new MemoryNetwork({ clock: this.clock, ...options })
    this.relay = this.network.createRelay()
  }

  async manager(
    options: NetworkManagerOptions & { readonly reachable?: boolean } = {},
  ): Promise<NetworkManager & { readonly node: NetworkNode }> {
    const node = options.node ?? this.network.createNode({ reachable: options.reachable ?? true })
    const manager = new NetworkManager({
      relays: [this.relay.address],
      clock: this.clock,
      random: this.network.random,
      ...options,
      node,
    })
    this.managers.push(manager)
    await manager.start()
    return Object.assign(manager, { node })
  }

  async stop(): Promise<void> {
    for (const manager of this.managers) await this.clock.settle(manager.stop())
    this.relay.stop()
  }

  /** How many channels one peer asked another for. */
  opens(from: NetworkManager | string, to?: NetworkManager | string): number {
    const id = (who: NetworkManager | string): string => (typeof who === 'string' ? who : who.peer)
    return this.network.opens.filter(
      (open) => open.from === id(from) && (to === undefined || open.to === id(to)),
    ).length
  }

  /** Lets time pass until the swarm is in a state. */
  until(swarm: SwarmConnection, is: (state: SwarmState) => boolean): Promise<SwarmState> {
    return this.clock.settle(
      new Promise((resolve) => {
        if (is(swarm.state)) return resolve(swarm.state)
        const stop = swarm.subscribe((state) => {
          if (!is(state)) return
          stop()
          resolve(state)
        })
      }),
    )
  }
}

export const TOPIC = new Uint8Array(32).fill(7)

/** Keeps a channel open until the other side ends it, or the swarm closes. */
export const hold: ProtocolProvider = async (channel, { signal }) => {
  while (true) await channel.receive({ signal })
}

/** Sends back what comes. */
export const echo: ProtocolProvider = async (channel, { signal }) => {
  while (true) await channel.send(await channel.receive({ signal }), { signal })
}

/** A provider that holds its channels, and the list of them. */
export function recorder(): { readonly channels: Channel[]; readonly provider: ProtocolProvider } {
  const channels: Channel[] = []
  return {
    channels,
    provider: (channel, context) => {
      channels.push(channel)
      return hold(channel, context)
    },
  }
}

export const connected = (state: SwarmState): boolean => state.peers.length > 0
export const searching = (state: SwarmState): boolean => state.status === 'searching'
