import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Connection, PeerId } from '@libp2p/interface'
import { type Clock, systemClock } from './clock.ts'
import { createServer, type Libp2pConfig, quietStop } from './libp2p/libp2p.ts'
import type { RegistryLimits } from './rendezvous/registry.ts'
import { rendezvousServer } from './rendezvous/server.ts'

export type { Libp2pConfig } from './libp2p/libp2p.ts'

/** How much of itself a relay gives away. */
export interface RelayLimits {
  /** Connections, those of waiting peers included. 10,000 by default; each takes about 40 kB. */
  readonly connections: number
  /** Peers that may be reached through the relay at a time. 5,000 by default. */
  readonly reservations: number
  /** Bytes that one relayed connection may carry, in both directions together. 1 GiB by default. */
  readonly connectionBytes: number
  /** How long one relayed connection may last, in milliseconds. 12 hours by default. */
  readonly connectionMs: number
  readonly rendezvous: Partial<RegistryLimits>
}

const DEFAULT_LIMITS: RelayLimits = {
  connections: 10_000,
  reservations: 5_000,
  connectionBytes: 1024 ** 3,
  connectionMs: 12 * 60 * 60 * 1_000,
  rendezvous: {},
}
/** Circuits of one peer at a time, opened by it or to it. */
const CIRCUITS_PER_PEER = 1_000

/** Options of {@link createRelay}. */
export interface RelayOptions extends Libp2pConfig {
  /** Multiaddrs to listen on, for example `/ip4/0.0.0.0/tcp/4001/ws`. Port 0 takes a free one. */
  readonly listen: readonly string[]
  readonly limits?: Partial<RelayLimits>
  readonly clock?: Clock
}

/** A running relay. */
export interface Relay extends AsyncDisposable {
  /** Multiaddrs to give to peers; they end in `/p2p/…`. */
  readonly addresses: readonly string[]
  readonly peer: string
  /** What it carries at the moment. */
  stats(): { readonly connections: number; readonly reservations: number; readonly registrations: number }
  /** Ends all connections. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a server through which peers find each other (libp2p rendezvous) and reach each other (circuit relay
 * v2). It sees hashes of topics, peer ids that are made for one session, and addresses; never a word of what is
 * said, which is encrypted from peer to peer.
 * @example
 * await using relay = await createRelay({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
 * const manager = new NetworkManager({ relays: relay.addresses })
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const libp2p = await createServer(
    { ...options, maxConnections: limits.connections },
    {
      identify: identify(),
      quietStop,
      circuit: circuitRelayServer({
        maxInboundHopStreams: CIRCUITS_PER_PEER,
        maxOutboundHopStreams: CIRCUITS_PER_PEER,
        maxOutboundStopStreams: CIRCUITS_PER_PEER,
        reservations: {
          maxReservations: limits.reservations,
          defaultDataLimit: BigInt(limits.connectionBytes),
          defaultDurationLimit: limits.connectionMs,
        },
      }),
      rendezvous: rendezvousServer({ clock: options.clock ?? systemClock, limits: limits.rendezvous }),
    },
  )
  const { circuit, rendezvous } = libp2p.services
  // libp2p keeps a reservation for two hours after its peer is gone, and counts it.
  libp2p.addEventListener('peer:disconnect', (event: CustomEvent<PeerId>) => {
    const reservation = circuit.reservations.get(event.detail)
    reservation?.signal.clear()
    circuit.reservations.delete(event.detail)
  })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= Promise.resolve(libp2p.stop())
    return stopping
  }
  return {
    peer: libp2p.peerId.toString(),
    addresses: libp2p.getMultiaddrs().map((address) => address.toString()),
    stats: () => ({
      connections: libp2p.getConnections().filter((connection: Connection) => connection.status === 'open')
        .length,
      reservations: circuit.reservations.size,
      registrations: rendezvous.registry.size,
    }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
