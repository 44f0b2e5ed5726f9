import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type Random, systemRandom } from '../backoff.ts'
import type { Channel } from '../channel/channel.ts'
import { type Clock, systemClock } from '../clock.ts'
import { NetworkError } from '../errors.ts'
import type { NetworkNode, RelaySession, Target } from '../node.ts'
import { recordSource } from '../rendezvous/service.ts'
import { type CircuitNode, createPeer, type Libp2pConfig } from './libp2p.ts'
import { Libp2pRelay } from './relay-session.ts'
import { channelOverStream, MAX_STREAMS_PER_PROTOCOL, openChannel } from './stream-channel.ts'

/** Options of {@link Libp2pNode}. */
export interface Libp2pNodeOptions extends Libp2pConfig {
  readonly clock?: Clock
  readonly random?: Random
}

/** How long a connection that carries nothing is kept, in case a swarm needs it again at once. */
const LINGER_MS = 1_000
/** The same for one that the other side opened: closing it is first of all theirs. */
const INBOUND_LINGER_MS = 10_000
/** A direct dial gets this much of a start over one through a relay. */
const DIRECT_HEAD_START_MS = 200
/** Streams that libp2p opens by itself. */
const HOUSEKEEPING = new Set(['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0'])

type Handler = (channel: Channel) => void

/** The {@link NetworkNode} over libp2p: WebSockets, Noise, Yamux, and circuit relay. */
export class Libp2pNode implements NetworkNode {
  readonly #options: Libp2pNodeOptions
  readonly #handlers = new Map<string, Handler>()
  readonly #relays = new Map<string, Promise<Libp2pRelay>>()
  readonly #channels = new Set<Channel>()
  #circuitNode: CircuitNode | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #sweep: ReturnType<typeof setTimeout> | undefined
  #record: (() => Promise<Uint8Array>) | undefined

  constructor(options: Libp2pNodeOptions = {}) {
    this.#options = options
  }

  get peer(): string {
    return this.#running.libp2p.peerId.toString()
  }

  addresses(): string[] {
    return this.#running.addresses().map((address) => address.toString())
  }

  start(): Promise<void> {
    this.#starting ??= (async () => {
      await this.#stopping
      const node = await createPeer(this.#options)
      this.#circuitNode = node
      this.#record = recordSource(
        { privateKey: node.privateKey, addressManager: { getAddresses: () => announced(node.addresses()) } },
        this.#options.clock ?? systemClock,
      )
      node.libp2p.addEventListener('connection:close', this.#scheduleSweep)
      node.libp2p.addEventListener('connection:open', this.#scheduleSweep)
      for (const [protocol, handler] of this.#handlers) this.#register(protocol, handler)
    })()
    // A start that failed may be tried again.
    this.#starting.catch(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  stop(): Promise<void> {
    const starting = this.#starting
    if (starting === undefined) return this.#stopping ?? Promise.resolve()
    this.#starting = undefined
    this.#stopping = (async () => {
      await starting.catch(() => undefined)
      const node = this.#circuitNode
      this.#circuitNode = undefined
      this.#relays.clear()
      clearTimeout(this.#sweep)
      node?.libp2p.removeEventListener('connection:close', this.#scheduleSweep)
      node?.libp2p.removeEventListener('connection:open', this.#scheduleSweep)
      for (const channel of this.#channels) channel.abort(stopped())
      await node?.libp2p.stop()
    })()
    return this.#stopping
  }

  handle(protocol: string, onChannel: Handler): () => void {
    if (this.#handlers.has(protocol)) throw new TypeError(`${protocol} already has a handler`)
    this.#handlers.set(protocol, onChannel)
    if (this.#circuitNode !== undefined) this.#register(protocol, onChannel)
    return () => {
      if (this.#handlers.get(protocol) !== onChannel) return
      this.#handlers.delete(protocol)
      void this.#circuitNode?.libp2p.unhandle(protocol)
    }
  }

  async open(
    target: Target,
    protocol: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Channel> {
    const { libp2p } = this.#running
    const peer = parsePeer(target)
    const existing = peer && openConnections(libp2p.getConnections(peer))[0]
    if (existing !== undefined) {
      try {
        return this.#watched(await openChannel(existing, protocol, this.peer, options))
      } catch (cause) {
        // A connection that died unnoticed is no reason not to dial.
        if (!(cause instanceof NetworkError) || cause.code !== 'UNREACHABLE') throw cause
      }
    }
    const connection = await this.#dial(peer, target.addresses, options)
    return this.#watched(await openChannel(connection, protocol, this.peer, options))
  }

  async connectRelay(
    address: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RelaySession> {
    const node = this.#running
    const existing = await this.#relays.get(address)?.catch(() => undefined)
    if (existing?.isOpen === true) return existing.use()
    const relayPeer = parsePeer({ addresses: [address] })
    const connected = relayPeer && openConnections(node.libp2p.getConnections(relayPeer))[0]
    const dialled = connected ? Promise.resolve(connected) : this.#dial(relayPeer, [address], options)
    const connecting = dialled.then(
      (connection) =>
        new Libp2pRelay(address, connection, node, {
          record: this.#record ?? (() => Promise.reject(stopped())),
          clock: this.#options.clock ?? systemClock,
          random: this.#options.random ?? systemRandom,
          onUnused: this.#scheduleSweep,
        }),
    )
    this.#relays.set(address, connecting)
    const forget = (): void => {
      if (this.#relays.get(address) === connecting) this.#relays.delete(address)
    }
    connecting.then((relay) => relay.lost.then(forget), forget)
    return (await connecting).use()
  }

  get #running(): CircuitNode {
    if (this.#circuitNode === undefined) throw stopped()
    return this.#circuitNode
  }

  #register(protocol: string, handler: Handler): void {
    const { libp2p } = this.#running
    const localPeer = this.peer
    void libp2p.handle(
      protocol,
      (stream, connection) => handler(this.#watched(channelOverStream(stream, connection, localPeer))),
      {
        runOnLimitedConnection: true,
        maxInboundStreams: MAX_STREAMS_PER_PROTOCOL,
        maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL,
      },
    )
  }

  /** Direct addresses first; relays join in when those take long or fail. The first connection wins. */
  async #dial(
    peer: PeerId | undefined,
    addresses: readonly string[],
    options: { readonly signal?: AbortSignal },
  ): Promise<Connection> {
    const { libp2p } = this.#running
    const targets = addresses.map(parseAddress)
    const circuit = targets.filter(isCircuit)
    // Without the peer id libp2p does not join this dial to the one through the relay; the id is checked below.
    const direct = targets.filter((target) => !isCircuit(target)).map(withoutPeer)
    const controller = new AbortController()
    const stop = (): void => controller.abort(options.signal?.reason)
    if (options.signal?.aborted) stop()
    options.signal?.addEventListener('abort', stop, { once: true })
    const dialOptions = { signal: controller.signal }
    const expected = peer ?? peerOf(targets)
    const attempts = direct.map((target) =>
      libp2p.dial(target, dialOptions).then((connection) => checkPeer(connection, expected)),
    )
    if (circuit.length > 0) {
      const headStart = direct.length === 0 ? 0 : DIRECT_HEAD_START_MS
      const relayed = waitFor(attempts, headStart, controller.signal).then(() =>
        libp2p.dial(circuit, dialOptions),
      )
      attempts.push(relayed)
    }
    try {
      if (attempts.length === 0) throw new NetworkError('UNREACHABLE', 'the peer has no address')
      // A slower one may still come through before the abort reaches it; the sweep closes what nobody uses.
      return await Promise.any(attempts)
    } catch (cause) {
      options.signal?.throwIfAborted()
      if (cause instanceof NetworkError) throw cause
      throw new NetworkError('UNREACHABLE', 'no address of the peer could be dialled', { cause })
    } finally {
      options.signal?.removeEventListener('abort', stop)
      controller.abort()
    }
  }

  #watched(channel: Channel): Channel {
    this.#channels.add(channel)
    void channel.ended.then(() => {
      this.#channels.delete(channel)
      this.#scheduleSweep()
    })
    return channel
  }

  /** Closes, after a while, the connections that nobody uses. */
  readonly #scheduleSweep = (): void => {
    if (this.#sweep !== undefined || this.#circuitNode === undefined) return
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined
      void this.#closeIdle()
    }, LINGER_MS)
  }

  async #closeIdle(): Promise<void> {
    const connections = openConnections(this.#circuitNode?.libp2p.getConnections() ?? [])
    const pinned = new Set<string>()
    for (const pending of this.#relays.values()) {
      const relay = await pending.catch(() => undefined)
      if (relay?.inUse === true) pinned.add(relay.connectionId)
    }
    let again = false
    for (const connection of connections) {
      const busy = connection.streams.some((stream) => !HOUSEKEEPING.has(stream.protocol ?? ''))
      if (busy || pinned.has(connection.id)) continue
      const lingerMs = connection.direction === 'inbound' ? INBOUND_LINGER_MS : LINGER_MS
      if (Date.now() - connection.timeline.open < lingerMs) again = true
      else await connection.close().catch((cause: Error) => connection.abort(cause))
    }
    if (again) this.#scheduleSweep()
  }
}

const stopped = () => new NetworkError('STOPPED', 'the network is not started')

/** Addresses that go into the own record, so that it stays below what a rendezvous server takes. */
const MAX_ANNOUNCED_OF_A_KIND = 8

function announced(addresses: readonly Multiaddr[]): Multiaddr[] {
  const direct = addresses.filter((address) => !isCircuit(address)).slice(0, MAX_ANNOUNCED_OF_A_KIND)
  return [...direct, ...addresses.filter(isCircuit).slice(0, MAX_ANNOUNCED_OF_A_KIND)]
}

/** Open ones, direct before relayed. */
const openConnections = (connections: readonly Connection[]): Connection[] =>
  connections
    .filter((connection) => connection.status === 'open')
    .sort((a, b) => Number(b.direct) - Number(a.direct))

function parseAddress(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (cause) {
    throw new NetworkError('UNREACHABLE', 'not a multiaddr', { cause })
  }
}

function parsePeer(target: Target): PeerId | undefined {
  if (target.peer === undefined) return peerOf(target.addresses.map(parseAddress))
  try {
    return peerIdFromString(target.peer)
  } catch (cause) {
    throw new NetworkError('UNREACHABLE', 'not a peer id', { cause })
  }
}

const P2P = 'p2p'
const isCircuit = (address: Multiaddr): boolean =>
  address.getComponents().some((component) => component.name === 'p2p-circuit')

/** The peer that an address ends in. */
function peerOf(addresses: readonly Multiaddr[]): PeerId | undefined {
  for (const address of addresses) {
    const last = address.getComponents().at(-1)
    if (last?.name === P2P && last.value !== undefined) return peerIdFromString(last.value)
  }
  return undefined
}

function withoutPeer(address: Multiaddr): Multiaddr {
  const last = address.getComponents().at(-1)
  return last?.name === P2P && last.value !== undefined ? address.decapsulate(`/p2p/${last.value}`) : address
}

function checkPeer(connection: Connection, expected: PeerId | undefined): Connection {
  if (expected === undefined || connection.remotePeer.equals(expected)) return connection
  const error = new NetworkError('UNREACHABLE', 'another peer answered at this address')
  connection.abort(error)
  throw error
}

/** Resolves once all attempts failed or the time is over; rejects on abort, so that nothing starts after it. */
function waitFor(attempts: readonly Promise<unknown>[], ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    const onAbort = (): void => done()
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) done()
    void Promise.allSettled(attempts).then((results) => {
      if (results.every((result) => result.status === 'rejected')) done()
    })
  })
}
