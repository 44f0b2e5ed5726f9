import { untilAborted } from '../abort.ts'
import { backoff, type Random } from '../backoff.ts'
import type { Channel } from '../channel/channel.ts'
import { type TypedChannel, typedChannel } from '../channel/typed-channel.ts'
import { type Clock, delay } from '../clock.ts'
import { NetworkError } from '../errors.ts'
import {
  DEFAULT_TTL_S,
  MAX_PAGE,
  MAX_RESPONSE_BYTES,
  MESSAGE_TYPE,
  RENDEZVOUS_PROTOCOL,
  RENDEZVOUS_STATUS,
  RENDEZVOUS_WATCH_PROTOCOL,
  type RegisterMessage,
  RendezvousMessage,
} from './messages.ts'
import { verifyPeerRecord } from './peer-record.ts'

/** A peer found in a namespace, its signed record verified. */
export interface Registration {
  readonly peer: string
  /** Multiaddrs, as the peer signed them. */
  readonly addresses: readonly string[]
  /** Number of the signed record: the same one means nothing changed. */
  readonly seq: bigint
  /** For how long the server keeps it. */
  readonly ttlS: number
}

/** What one rendezvous server answered to DISCOVER. */
export interface Discovery {
  readonly registrations: readonly Registration[]
  /** Give it to the next `discover` to get only what is new since. */
  readonly cookie: Uint8Array | undefined
}

interface Waiting {
  readonly signal?: AbortSignal
}

/** How the client reaches its server, and what it says of itself there. */
export interface RendezvousClientOptions {
  /** Opens a stream to the server. @throws NetworkError `REFUSED` if it doesn't speak the protocol */
  readonly open: (protocol: string, options: Waiting) => Promise<Channel>
  /** The own signed peer record, as it is now. */
  readonly record: () => Promise<Uint8Array>
  readonly clock: Clock
  readonly random: Random
}

/** Pauses between lookups at a server that can't announce. */
const POLL_MIN_MS = 1_000
const POLL_MAX_MS = 30_000

type Rpc = TypedChannel<RendezvousMessage, RendezvousMessage>

/**
 * A client of one rendezvous server. Requests share a stream that stays open, so each costs one round trip; a
 * server that ends its streams after one answer gets a new one each time.
 * @see libp2p specifications, rendezvous/README.md
 */
export class RendezvousClient {
  readonly #options: RendezvousClientOptions
  #rpc: Rpc | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: RendezvousClientOptions) {
    this.#options = options
  }

  /**
   * Registers the own addresses.
   * @returns the time to live that the server granted, in seconds
   * @throws NetworkError `REFUSED` with the server's status in its text
   */
  async register(namespace: string, options: Waiting & { readonly ttlS?: number } = {}): Promise<number> {
    const ttl = options.ttlS ?? DEFAULT_TTL_S
    const register = { ns: namespace, signedPeerRecord: await this.#options.record(), ttl }
    const response = await this.#request({ type: MESSAGE_TYPE.REGISTER, register }, options)
    if (response.registerResponse === undefined) throw unexpected()
    checkStatus('REGISTER', response.registerResponse)
    return response.registerResponse.ttl ?? ttl
  }

  /** Takes the own registration back. The protocol has no answer to this. */
  async unregister(namespace: string, options: Waiting = {}): Promise<void> {
    const message = { type: MESSAGE_TYPE.UNREGISTER, unregister: { ns: namespace } }
    await this.#inTurn((rpc) => rpc.send(message, options), options)
  }

  /** Looks up who is registered; every page of a long list. Records that don't verify are left out. */
  async discover(
    namespace: string,
    options: Waiting & { readonly cookie?: Uint8Array | undefined } = {},
  ): Promise<Discovery> {
    const registrations: Registration[] = []
    let { cookie } = options
    while (true) {
      const discover = { ns: namespace, limit: MAX_PAGE, ...(cookie && { cookie }) }
      const response = await this.#request({ type: MESSAGE_TYPE.DISCOVER, discover }, options)
      if (response.discoverResponse === undefined) throw unexpected()
      checkStatus('DISCOVER', response.discoverResponse)
      registrations.push(...(await verified(response.discoverResponse.registrations)))
      const next = response.discoverResponse.cookie
      const full = response.discoverResponse.registrations.length >= MAX_PAGE
      if (!full || next === undefined) return { registrations, cookie: next ?? cookie }
      cookie = next
    }
  }

  /**
   * Reports who is registered, then every new registration, until the connection ends or `signal` aborts. A
   * server without the extension is asked again and again, with growing pauses.
   * @throws the signal's reason, or what ended the stream
   */
  async watch(
    namespace: string,
    onFound: (registrations: readonly Registration[]) => void,
    options: Waiting = {},
  ): Promise<never> {
    let channel: Channel
    try {
      channel = await this.#options.open(RENDEZVOUS_WATCH_PROTOCOL, options)
    } catch (cause) {
      if (cause instanceof NetworkError && cause.code === 'REFUSED')
        return this.#poll(namespace, onFound, options)
      throw cause
    }
    const rpc = typed(channel)
    try {
      const discover = { ns: namespace, limit: MAX_PAGE }
      await rpc.send({ type: MESSAGE_TYPE.DISCOVER, discover }, options)
      while (true) {
        const { discoverResponse } = await rpc.receive(options)
        if (discoverResponse === undefined) throw unexpected()
        checkStatus('DISCOVER', discoverResponse)
        onFound(await verified(discoverResponse.registrations))
      }
    } finally {
      channel.abort()
    }
  }

  /** Ends the shared stream. The next request opens another. */
  async close(): Promise<void> {
    const rpc = this.#rpc
    this.#rpc = undefined
    await rpc?.close()
  }

  async #poll(
    namespace: string,
    onFound: (registrations: readonly Registration[]) => void,
    options: Waiting,
  ): Promise<never> {
    const { clock, random } = this.#options
    const pauses = backoff({ minMs: POLL_MIN_MS, maxMs: POLL_MAX_MS, random })
    let cookie: Uint8Array | undefined
    while (true) {
      const found = await this.discover(namespace, { ...options, cookie })
      cookie = found.cookie
      if (found.registrations.length > 0) pauses.reset()
      onFound(found.registrations)
      await delay(clock, pauses.next(), options.signal)
    }
  }

  #request(message: RendezvousMessage, options: Waiting): Promise<RendezvousMessage> {
    return this.#inTurn(async (rpc, reused) => {
      try {
        return await rpc.request(message, options)
      } catch (cause) {
        options.signal?.throwIfAborted()
        // A stream that was left over from the request before may have ended meanwhile; a new one may not.
        if (!reused) throw cause
        return (await this.#connect(options)).request(message, options)
      }
    }, options)
  }

  /** Answers carry no number, so requests take turns on the stream. */
  #inTurn<T>(use: (rpc: Rpc, reused: boolean) => Promise<T>, options: Waiting): Promise<T> {
    const turn = this.#queue.then(async () => {
      options.signal?.throwIfAborted()
      const reused = this.#rpc !== undefined
      const rpc = this.#rpc ?? (await this.#connect(options))
      try {
        return await use(rpc, reused)
      } catch (cause) {
        // An answer that nobody waits for any more would be taken for the next one's.
        this.#rpc?.abort()
        this.#rpc = undefined
        throw cause
      }
    })
    this.#queue = turn.catch(() => undefined)
    return untilAborted(turn, options.signal)
  }

  async #connect(options: Waiting): Promise<Rpc> {
    const rpc = typed(await this.#options.open(RENDEZVOUS_PROTOCOL, options))
    this.#rpc = rpc
    void rpc.channel.ended.then(() => {
      if (this.#rpc === rpc) this.#rpc = undefined
    })
    return rpc
  }
}

const typed = (channel: Channel): Rpc =>
  typedChannel(channel, { send: RendezvousMessage, receive: RendezvousMessage, maxBytes: MAX_RESPONSE_BYTES })

async function verified(messages: readonly RegisterMessage[]): Promise<Registration[]> {
  const found: Registration[] = []
  for (const { signedPeerRecord, ttl } of messages) {
    if (signedPeerRecord === undefined || ttl === 0) continue
    const record = await verifyPeerRecord(signedPeerRecord).catch(() => undefined)
    if (record !== undefined) found.push({ ...record, ttlS: ttl ?? DEFAULT_TTL_S })
  }
  return found
}

function checkStatus(
  request: string,
  response: { readonly status?: number; readonly statusText?: string },
): void {
  const status = response.status ?? RENDEZVOUS_STATUS.OK
  if (status === RENDEZVOUS_STATUS.OK) return
  const name = Object.entries(RENDEZVOUS_STATUS).find(([, code]) => code === status)?.[0] ?? 'unknown'
  throw new NetworkError('REFUSED', `the rendezvous server refused ${request}: ${status} (${name})`)
}

const unexpected = () => new NetworkError('MALFORMED', 'the rendezvous server sent an unexpected message')
