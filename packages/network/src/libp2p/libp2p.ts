import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, Listener, PrivateKey, ServiceMap, Transport } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { abortableWebSockets } from './websockets.ts'

/** What both a peer and a relay say about themselves. */
export interface Libp2pConfig {
  /** Multiaddrs to listen on, for example `/ip4/127.0.0.1/tcp/0/ws`. None by default. */
  readonly listen?: readonly string[]
  /** Multiaddrs to announce instead of the ones listened on, for example those of a TLS proxy in front. */
  readonly announce?: readonly string[]
  /** Seed of an Ed25519 key, 32 bytes. A fresh key is made at every start without it. */
  readonly privateKey?: Uint8Array
  /** Lets a browser dial plain `ws` and private addresses. Node.js always may. */
  readonly dialInsecure?: boolean
}

/** A libp2p node that can listen on relays at any time, and again after a relay was gone. */
export interface CircuitNode {
  readonly libp2p: Libp2p
  readonly privateKey: PrivateKey
  /** Everything that leads here now: libp2p's own addresses, and those through relays. */
  addresses(): Multiaddr[]
  /**
   * The listener for one relay, by peer id; `listen` may be called again whenever its reservation was lost. It is
   * kept apart from libp2p's listeners, whose failure to listen is final, and is never closed: closing one
   * would cancel the reservations of all.
   */
  circuitListener(relay: string): Listener
}

// Out of the box libp2p drops the sixth connection in a second from one address, and everybody who comes through
// a relay has the relay's address.
const CONNECTIONS = {
  maxConnections: 1_000,
  inboundConnectionThreshold: 200,
  maxIncomingPendingConnections: 200,
  maxParallelDials: 100,
  addressDialTimeout: 4_000,
  // Whether a connection is wanted is known in this package; libp2p tries once at most.
  reconnectRetries: 0,
}

// The read buffer of a stream is 4 MiB, beyond which libp2p resets it; so the window may not grow past that.
const MAX_STREAM_WINDOW_BYTES = 2 * 1024 * 1024
/** A ping that takes longer than this ends its connection. libp2p's 2 s cut off busy ones (js-libp2p 3504). */
const PING_TIMEOUT_MS = 15_000

/**
 * Every listener that closes makes libp2p plan an update of its address book a second later, also while it stops;
 * that second would be added to the life of the process. A service of every node.
 */
export const quietStop = (components: { readonly addressManager: object }) => ({
  start: () => undefined,
  stop: () => undefined,
  afterStop() {
    const { addressManager } = components as {
      addressManager: { _updatePeerStoreAddresses?: { stop?: () => void } }
    }
    addressManager._updatePeerStoreAddresses?.stop?.()
  },
})

/** Starts a peer. */
export async function createPeer(config: Libp2pConfig): Promise<CircuitNode> {
  const { privateKey, options } = await baseOptions(config)
  let createListener: (() => Listener) | undefined
  const circuit: NonNullable<Libp2pOptions['transports']>[number] = (components) => {
    const transport: Transport = circuitRelayTransport()(components)
    createListener = () => transport.createListener({ upgrader: components.upgrader })
    return transport
  }
  const libp2p = await createLibp2p({
    ...options,
    transports: [abortableWebSockets(), circuit],
    // It answers who asks. To ask at every connection costs both ends more than all of an invitation's messages,
    // and nothing here needs the answer: protocols are negotiated, addresses come signed from the rendezvous.
    services: { identify: identify({ runOnConnectionOpen: false }), quietStop },
  })
  const listeners = new Map<string, Listener>()
  const self = `/p2p/${libp2p.peerId}`
  return {
    libp2p,
    privateKey,
    addresses: () => [
      ...libp2p.getMultiaddrs(),
      ...[...listeners.values()]
        .flatMap((listener) => listener.getAddrs())
        .map((via) => via.encapsulate(self)),
    ],
    circuitListener(relay) {
      const listener = listeners.get(relay) ?? createListener?.()
      if (listener === undefined) throw new TypeError('libp2p made no circuit transport')
      listeners.set(relay, listener)
      return listener
    },
  }
}

/** Starts a server: no circuit transport, any services ({@link quietStop} among them). Connections are never closed for being idle. */
export async function createServer<S extends ServiceMap>(
  config: Libp2pConfig & { readonly maxConnections?: number },
  services: NonNullable<Libp2pOptions<S>['services']>,
): Promise<Libp2p<S>> {
  const { options } = await baseOptions(config)
  const maxConnections = config.maxConnections ?? CONNECTIONS.maxConnections
  return createLibp2p({
    ...options,
    connectionManager: { ...CONNECTIONS, maxConnections },
    transports: [abortableWebSockets()],
    services,
  })
}

async function baseOptions(config: Libp2pConfig) {
  const privateKey =
    config.privateKey === undefined
      ? await generateKeyPair('Ed25519')
      : await generateKeyPairFromSeed('Ed25519', config.privateKey)
  const options = {
    privateKey,
    addresses: { listen: [...(config.listen ?? [])], announce: [...(config.announce ?? [])] },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES } })],
    connectionManager: CONNECTIONS,
    connectionMonitor: { pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    ...(config.dialInsecure === true && { connectionGater: { denyDialMultiaddr: () => false } }),
  } satisfies Libp2pOptions
  return { privateKey, options }
}
