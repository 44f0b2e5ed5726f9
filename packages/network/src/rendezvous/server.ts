import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import type { Channel } from '../channel/channel.ts'
import { typedChannel } from '../channel/typed-channel.ts'
import { type Clock, systemClock } from '../clock.ts'
import { channelOverStream } from '../libp2p/stream-channel.ts'
import {
  MAX_PAGE,
  MAX_RECORD_BYTES,
  MAX_REQUEST_BYTES,
  MESSAGE_TYPE,
  RENDEZVOUS_PROTOCOL,
  RENDEZVOUS_STATUS,
  RENDEZVOUS_WATCH_PROTOCOL,
  RendezvousMessage,
  type RendezvousStatus,
} from './messages.ts'
import { verifyPeerRecord } from './peer-record.ts'
import { type Entry, type RegistryLimits, RendezvousRegistry } from './registry.ts'

/** What of libp2p the server needs. */
export interface RendezvousServerComponents {
  readonly peerId: { toString(): string }
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    unhandle(protocol: string): Promise<void>
  }
}

/** Streams of one kind that one connection may hold open. */
const STREAMS_PER_CONNECTION = 256
/** Announcements that wait for a slow reader before it is cut off; it asks again when it is back. */
const MAX_UNSENT_ANNOUNCEMENTS = 256

/**
 * A rendezvous server as a libp2p service.
 * @example
 * const node = await createLibp2p({ ...options, services: { rendezvous: rendezvousServer() } })
 * @see libp2p specifications, rendezvous/README.md
 */
export function rendezvousServer(
  options: { readonly clock?: Clock; readonly limits?: Partial<RegistryLimits> } = {},
): (components: RendezvousServerComponents) => RendezvousServer {
  return (components) =>
    new RendezvousServer(components, new RendezvousRegistry(options.clock ?? systemClock, options.limits))
}

/** See {@link rendezvousServer}. */
export class RendezvousServer {
  readonly [Symbol.toStringTag] = '@vestibule/rendezvous-server'
  readonly registry: RendezvousRegistry
  readonly #components: RendezvousServerComponents
  readonly #channels = new Set<Channel>()

  constructor(components: RendezvousServerComponents, registry: RendezvousRegistry) {
    this.#components = components
    this.registry = registry
  }

  async start(): Promise<void> {
    const options = { maxInboundStreams: STREAMS_PER_CONNECTION, maxOutboundStreams: STREAMS_PER_CONNECTION }
    const { registrar } = this.#components
    await registrar.handle(RENDEZVOUS_PROTOCOL, this.#serving(serveRequests), options)
    await registrar.handle(RENDEZVOUS_WATCH_PROTOCOL, this.#serving(serveWatch), options)
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(RENDEZVOUS_PROTOCOL)
    await this.#components.registrar.unhandle(RENDEZVOUS_WATCH_PROTOCOL)
    for (const channel of this.#channels) channel.abort()
    this.registry.clear()
  }

  #serving(serve: (channel: Channel, registry: RendezvousRegistry) => Promise<void>): StreamHandler {
    return (stream: Stream, connection: Connection) => {
      const channel = channelOverStream(stream, connection, this.#components.peerId.toString())
      this.#channels.add(channel)
      void channel.ended.then(() => this.#channels.delete(channel))
      // Whatever breaks a stream is the client's to notice: it opens another.
      serve(channel, this.registry).catch((cause: unknown) => channel.abort(cause as Error))
    }
  }
}

/** Answers requests one after the other until the client ends the stream. */
export async function serveRequests(channel: Channel, registry: RendezvousRegistry): Promise<void> {
  const rpc = typedChannel(channel, {
    send: RendezvousMessage,
    receive: RendezvousMessage,
    maxBytes: MAX_REQUEST_BYTES,
  })
  while (true) {
    const request = await rpc.receive()
    const response = await answer(request, channel.remotePeer, registry)
    if (response !== undefined) await rpc.send(response)
  }
}

async function answer(
  request: RendezvousMessage,
  peer: string,
  registry: RendezvousRegistry,
): Promise<RendezvousMessage | undefined> {
  switch (request.type ?? MESSAGE_TYPE.REGISTER) {
    case MESSAGE_TYPE.REGISTER: {
      const { ns, signedPeerRecord, ttl } = request.register ?? {}
      const valid = await isRecordOf(peer, signedPeerRecord)
      const granted = valid
        ? registry.register(peer, ns, signedPeerRecord ?? new Uint8Array(0), ttl)
        : 'INVALID_SIGNED_PEER_RECORD'
      const registerResponse =
        typeof granted === 'number' ? { ...status('OK'), ttl: granted } : status(granted)
      return { type: MESSAGE_TYPE.REGISTER_RESPONSE, registerResponse }
    }
    case MESSAGE_TYPE.UNREGISTER:
      // The specification gives this one no answer.
      if (request.unregister?.ns !== undefined) registry.unregister(peer, request.unregister.ns)
      return undefined
    case MESSAGE_TYPE.DISCOVER:
      return discoverResponse(request, registry)
    default:
      throw new TypeError(`unexpected rendezvous message type ${request.type}`)
  }
}

/** Sends what is registered, page by page, then every new registration as another response. */
export async function serveWatch(channel: Channel, registry: RendezvousRegistry): Promise<void> {
  const rpc = typedChannel(channel, {
    send: RendezvousMessage,
    receive: RendezvousMessage,
    maxBytes: MAX_REQUEST_BYTES,
  })
  const request = await rpc.receive()
  const namespace = request.discover?.ns ?? ''
  let unsent = 0
  let sending = Promise.resolve()
  const enqueue = (response: RendezvousMessage): void => {
    if (++unsent > MAX_UNSENT_ANNOUNCEMENTS) {
      channel.abort()
      return
    }
    sending = sending
      .then(() => rpc.send(response))
      .then(
        () => {
          unsent--
        },
        (cause: unknown) => channel.abort(cause as Error),
      )
  }
  // Watch first, so that nothing falls between the list and the announcements.
  const stop = registry.watch(namespace, (entry) =>
    enqueue({
      type: MESSAGE_TYPE.DISCOVER_RESPONSE,
      discoverResponse: { ...status('OK'), registrations: [toRegister(entry, registry)] },
    }),
  )
  if (typeof stop === 'string') {
    await rpc.send({
      type: MESSAGE_TYPE.DISCOVER_RESPONSE,
      discoverResponse: { ...status(stop), registrations: [] },
    })
    return rpc.close()
  }
  try {
    let page = discoverResponse(request, registry)
    enqueue(page)
    while ((page.discoverResponse?.registrations.length ?? 0) === MAX_PAGE) {
      await sending
      const { cookie } = page.discoverResponse ?? {}
      page = discoverResponse(
        { ...request, discover: { ns: namespace, ...(cookie && { cookie }) } },
        registry,
      )
      enqueue(page)
    }
    await channel.ended
  } finally {
    stop()
  }
}

function discoverResponse(request: RendezvousMessage, registry: RendezvousRegistry): RendezvousMessage {
  const { ns, ...options } = request.discover ?? {}
  const found = registry.discover(ns, options)
  const response =
    typeof found === 'string'
      ? { ...status(found), registrations: [] }
      : {
          ...status('OK'),
          registrations: found.entries.map((entry) => toRegister(entry, registry)),
          cookie: found.cookie,
        }
  return { type: MESSAGE_TYPE.DISCOVER_RESPONSE, discoverResponse: response }
}

const toRegister = (entry: Entry, registry: RendezvousRegistry) => ({
  ns: entry.namespace,
  signedPeerRecord: entry.record,
  ttl: registry.ttlOf(entry),
})

const status = (name: RendezvousStatus) =>
  name === 'OK' ? { status: RENDEZVOUS_STATUS.OK } : { status: RENDEZVOUS_STATUS[name], statusText: name }

async function isRecordOf(peer: string, record: Uint8Array | undefined): Promise<boolean> {
  if (record === undefined || record.length > MAX_RECORD_BYTES) return false
  return verifyPeerRecord(record).then(
    (verified) => verified.peer === peer,
    () => false,
  )
}
