import type { Connection, Listener } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Random } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { RelaySession } from '../node.ts'
import { RendezvousClient } from '../rendezvous/client.ts'
import type { CircuitNode } from './libp2p.ts'
import { openChannel } from './stream-channel.ts'

/** Set by libp2p on a relay that gave a reservation: it would be dialled again when we hang up. */
const KEEP_ALIVE_TAG = 'keep-alive-circuit-relay'

interface Waiting {
  readonly signal?: AbortSignal
}

/** One connection to a relay, shared by all swarms that use it. */
export class Libp2pRelay {
  readonly lost: Promise<void>
  readonly #address: string
  readonly #connection: Connection
  readonly #node: CircuitNode
  readonly #client: RendezvousClient
  readonly #onUnused: () => void
  #listener: Listener | undefined
  #reserving: Promise<void> | undefined
  #users = 0
  #lose!: () => void

  constructor(
    address: string,
    connection: Connection,
    node: CircuitNode,
    options: {
      readonly record: () => Promise<Uint8Array>
      readonly clock: Clock
      readonly random: Random
      readonly onUnused: () => void
    },
  ) {
    this.#address = address
    this.#connection = connection
    this.#node = node
    this.#onUnused = options.onUnused
    this.#client = new RendezvousClient({
      open: (protocol, waiting) => openChannel(connection, protocol, node.libp2p.peerId.toString(), waiting),
      record: options.record,
      clock: options.clock,
      random: options.random,
    })
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
    connection.addEventListener('close', this.#onClose, { once: true })
    if (connection.status !== 'open') this.#onClose()
  }

  get isOpen(): boolean {
    return this.#connection.status === 'open'
  }

  get inUse(): boolean {
    return this.#users > 0
  }

  get connectionId(): string {
    return this.#connection.id
  }

  /** Counts one more user in. */
  use(): RelaySession {
    this.#users++
    let released = false
    return {
      lost: this.lost,
      register: async (namespace, options) => {
        await this.#reserve(options)
        return this.#client.register(namespace, options)
      },
      unregister: (namespace, options) => this.#client.unregister(namespace, options),
      discover: (namespace, options) => this.#client.discover(namespace, options),
      watch: (namespace, onFound, options) => this.#client.watch(namespace, onFound, options),
      release: () => {
        if (released) return
        released = true
        if (--this.#users === 0) void this.#leave()
      },
    }
  }

  /**
   * Takes a place on the relay, once. A relay that has none left, or that is only a rendezvous server, still
   * gets the registration: the direct addresses may do.
   */
  async #reserve(options: Waiting = {}): Promise<void> {
    this.#reserving ??= this.#listen()
    const failure = await this.#reserving.then(
      () => undefined,
      (cause: unknown) => cause,
    )
    options.signal?.throwIfAborted()
    if (failure === undefined) return
    this.#reserving = undefined
    if (this.#node.addresses().length === 0 || !this.isOpen) throw failure
  }

  async #listen(): Promise<void> {
    const listener = this.#node.circuitListener(this.#connection.remotePeer.toString())
    await listener.listen(multiaddr(this.#address).encapsulate('/p2p-circuit'))
    this.#listener = listener
    listener.addEventListener('listening', this.#onListening)
    if (!this.isOpen) this.#onClose()
  }

  /** The addresses vanish from a listener when its reservation does. Then the session is worth nothing any more. */
  readonly #onListening = (): void => {
    if (this.#listener?.getAddrs().length === 0) this.#onClose()
  }

  readonly #onClose = (): void => {
    this.#listener?.removeEventListener('listening', this.#onListening)
    this.#listener = undefined
    this.#lose()
  }

  async #leave(): Promise<void> {
    await this.#client.close()
    if (this.#users > 0) return
    // Fails only if the node was stopped, and then there is nothing left to hang up.
    await this.#node.libp2p.peerStore
      .merge(this.#connection.remotePeer, { tags: { [KEEP_ALIVE_TAG]: undefined } })
      .catch(() => undefined)
    this.#onUnused()
  }
}
