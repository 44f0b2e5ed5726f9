import type { Channel } from './channel/channel.ts'
import type { Discovery, Registration } from './rendezvous/client.ts'

interface Waiting {
  readonly signal?: AbortSignal
}

/** Whom to open a channel to. */
export interface Target {
  /** The peer that has to answer; without it, whoever the addresses name or answers there. */
  readonly peer?: string
  /** Multiaddrs. The first path that works wins. */
  readonly addresses: readonly string[]
}

/** A peer in the network: a port that libp2p and the in-memory network implement. All methods need `start`. */
export interface NetworkNode {
  /** The own peer id. */
  readonly peer: string
  /** Where this node can be dialled now: multiaddrs ending in `/p2p/…`, those through relays included. */
  addresses(): string[]
  /** Takes incoming channels of a protocol, until the result is called. */
  handle(protocol: string, onChannel: (channel: Channel) => void): () => void
  /**
   * Opens a channel, over a connection that is already there if it can.
   * @throws NetworkError `UNREACHABLE`, `REFUSED`, `STOPPED`; or the signal's reason
   */
  open(target: Target, protocol: string, options?: Waiting): Promise<Channel>
  /**
   * Opens a session with the relay and rendezvous server at this address, or takes part in the one there is.
   * @throws NetworkError `UNREACHABLE`, `STOPPED`; or the signal's reason
   */
  connectRelay(address: string, options?: Waiting): Promise<RelaySession>
  /** Idempotent. Does not depend on any relay being up. */
  start(): Promise<void>
  /** Ends every channel and connection, and releases the process. Idempotent. */
  stop(): Promise<void>
}

/** A connection to a relay, for as long as it lives. Errors are those of `RendezvousClient`. */
export interface RelaySession {
  /** Makes this node reachable through the relay, then registers it. @returns the granted time to live in seconds */
  register(namespace: string, options?: Waiting): Promise<number>
  unregister(namespace: string, options?: Waiting): Promise<void>
  discover(namespace: string, options?: Waiting & { readonly cookie?: Uint8Array }): Promise<Discovery>
  watch(
    namespace: string,
    onFound: (registrations: readonly Registration[]) => void,
    options?: Waiting,
  ): Promise<never>
  /** Resolves when the connection, or the place on the relay that `register` took, is gone. Never rejects. */
  readonly lost: Promise<void>
  /** Gives this user's part back; the last one closes the connection. Idempotent. */
  release(): void
}
