import { utf8ToBytes } from '@noble/hashes/utils.js'
import { scope } from '../abort.ts'
import { NetworkError } from '../errors.ts'
import type { RelaySession } from '../node.ts'
import type { Registration } from '../rendezvous/client.ts'
import { type Entry, RendezvousRegistry } from '../rendezvous/registry.ts'
import type { MemoryNetwork } from './memory-network.ts'
import type { MemoryNode } from './memory-node.ts'

interface Connection {
  readonly node: MemoryNode
  readonly end: AbortController
  users: number
  reserved: boolean
}

/** A relay of a {@link MemoryNetwork}: the state of the real rendezvous server, and a way through to its peers. */
export class MemoryRelay {
  readonly id: string
  readonly address: string
  /** Who is registered; tests may look and add. */
  registry: RendezvousRegistry
  readonly #network: MemoryNetwork
  readonly #connections = new Map<string, Connection>()
  #running = true

  constructor(network: MemoryNetwork, id: string) {
    this.#network = network
    this.id = id
    this.address = `/memory/${id}/p2p/${id}`
    this.registry = this.#emptyRegistry()
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size
  }

  /** Ends all connections, and forgets all registrations. */
  stop(): void {
    this.#running = false
    for (const peer of [...this.#connections.keys()]) this.disconnect(peer)
    this.registry.clear()
  }

  /** Comes back after `stop`, knowing nobody. */
  start(): void {
    this.#running = true
    this.registry = this.#emptyRegistry()
  }

  /** Ends the connection of one peer. */
  disconnect(peer: string): void {
    const connection = this.#connections.get(peer)
    this.#connections.delete(peer)
    connection?.end.abort(new NetworkError('ABORTED', 'the relay is gone'))
  }

  /** Ends the connections that a partition cuts. */
  dropUnreachable(): void {
    for (const peer of [...this.#connections.keys()])
      if (!this.#network.canReach(peer, this.id)) this.disconnect(peer)
  }

  hasReservation(peer: string): boolean {
    return this.#connections.get(peer)?.reserved === true
  }

  /** Whether a circuit from one peer to another can be opened. */
  carries(from: string, to: string): boolean {
    return this.#running && this.#network.canReach(from, this.id) && this.hasReservation(to)
  }

  /** Registers addresses for a peer that needs not exist. */
  registerFake(namespace: string, peer: string, addresses: readonly string[]): void {
    this.registry.register(peer, namespace, utf8ToBytes(['1', ...addresses].join('\n')))
  }

  /** @returns a session, `undefined` if the relay can't be reached */
  connect(node: MemoryNode): RelaySession | undefined {
    if (!this.#running || !this.#network.canReach(node.id, this.id)) return undefined
    const connection = this.#connections.get(node.id) ?? {
      node,
      end: new AbortController(),
      users: 0,
      reserved: false,
    }
    this.#connections.set(node.id, connection)
    connection.users++
    const { signal: end } = connection.end
    let released = false
    return {
      lost: new Promise((resolve) => {
        if (end.aborted) resolve()
        end.addEventListener('abort', () => resolve(), { once: true })
      }),
      register: (namespace, options) =>
        this.#ask(connection, options, () => {
          connection.reserved = true
          return accepted(this.registry.register(node.id, namespace, utf8ToBytes(node.record)))
        }),
      unregister: (namespace, options) =>
        this.#ask(connection, options, () => this.registry.unregister(node.id, namespace)),
      discover: (namespace, options) =>
        this.#ask(connection, options, () => {
          const { entries, cookie } = accepted(this.registry.discover(namespace, options))
          return { registrations: entries.map((entry) => this.#toRegistration(entry)), cookie }
        }),
      watch: (namespace, onFound, options) => this.#watch(connection, namespace, onFound, options?.signal),
      release: () => {
        if (released) return
        released = true
        if (--connection.users === 0 && this.#connections.get(node.id) === connection)
          this.disconnect(node.id)
      },
    }
  }

  async #ask<T>(
    connection: Connection,
    options: { readonly signal?: AbortSignal } | undefined,
    answer: () => T,
  ): Promise<T> {
    const asking = scope([connection.end.signal, options?.signal])
    try {
      await this.#network.travel(asking.signal)
      const result = answer()
      await this.#network.travel(asking.signal)
      return result
    } finally {
      asking.dispose()
    }
  }

  async #watch(
    connection: Connection,
    namespace: string,
    onFound: (registrations: readonly Registration[]) => void,
    signal: AbortSignal | undefined,
  ): Promise<never> {
    const watching = scope([connection.end.signal, signal])
    const report = (entries: readonly Entry[]): void => {
      this.#network.travel(watching.signal).then(
        () => onFound(entries.map((entry) => this.#toRegistration(entry))),
        // The watch is over; its promise has said so.
        () => undefined,
      )
    }
    let stop: (() => void) | undefined
    try {
      await this.#network.travel(watching.signal)
      stop = accepted(this.registry.watch(namespace, (entry) => report([entry])))
      let cookie: Uint8Array | undefined
      while (true) {
        const page = accepted(this.registry.discover(namespace, { ...(cookie && { cookie }) }))
        if (cookie !== undefined && page.entries.length === 0) break
        report(page.entries)
        cookie = page.cookie
      }
      return await new Promise<never>((_resolve, reject) => {
        const onEnd = (): void => reject(watching.signal.reason)
        if (watching.signal.aborted) onEnd()
        else watching.signal.addEventListener('abort', onEnd, { once: true })
      })
    } finally {
      stop?.()
      watching.dispose()
    }
  }

  #emptyRegistry(): RendezvousRegistry {
    return new RendezvousRegistry(this.#network.clock, {}, new Uint8Array(8))
  }

  #toRegistration(entry: Entry): Registration {
    const [seq = '0', ...addresses] = new TextDecoder().decode(entry.record).split('\n')
    return { peer: entry.peer, addresses, seq: BigInt(seq), ttlS: this.registry.ttlOf(entry) }
  }
}

function accepted<T>(result: T | string): T {
  if (typeof result === 'string')
    throw new NetworkError('REFUSED', `the rendezvous server refused: ${result}`)
  return result
}
