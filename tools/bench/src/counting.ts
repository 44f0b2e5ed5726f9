import type { KeyStore } from '@vestibule/keys'
import { type Channel, NetworkManager, type SwarmConnection, type SwarmOptions } from '@vestibule/network'
import type { Storage, StorageWrite } from '@vestibule/space'

/** What one end of an invitation wrote durably: each is at least one wait for the disk. */
export interface Writes {
  readonly transactions: number
  readonly keys: number
}

/** Counts what passes through the ports of one peer. */
export class Tally {
  #transactions = 0
  #keys = 0
  #frames: number[] = []

  /** Forgets what was counted so far. */
  reset(): void {
    this.#transactions = 0
    this.#keys = 0
    this.#frames = []
  }

  get writes(): Writes {
    return { transactions: this.#transactions, keys: this.#keys }
  }

  /** Lengths in bytes of the frames sent and received as a guest, in their order, both directions in one list. */
  get frames(): readonly number[] {
    return [...this.#frames]
  }

  storage(inner: Storage): Storage {
    return {
      get: (key) => inner.get(key),
      list: (...range) => inner.list(...range),
      transact: (writes: readonly StorageWrite[]) => {
        if (writes.length > 0) this.#transactions++
        return inner.transact(writes)
      },
      close: () => inner.close(),
    }
  }

  keyStore(inner: KeyStore): KeyStore {
    return {
      names: () => inner.names(),
      read: (name) => inner.read(name),
      add: (name, record) => {
        this.#keys++
        return inner.add(name, record)
      },
      delete: (name) => inner.delete(name),
      describe: (name) => inner.describe(name),
    }
  }

  /** A channel that notes the lengths of its frames. */
  channel(inner: Channel): Channel {
    return {
      localPeer: inner.localPeer,
      remotePeer: inner.remotePeer,
      initiator: inner.initiator,
      ended: inner.ended,
      send: (frame, options) => {
        this.#frames.push(frame.length)
        return inner.send(frame, options)
      },
      receive: async (options) => {
        const frame = await inner.receive(options)
        this.#frames.push(frame.length)
        return frame
      },
      close: () => inner.close(),
      abort: (reason) => inner.abort(reason),
    }
  }
}

/** A network whose channels as a guest are noted: those of the invitations that are accepted over it. */
export class TalliedNetwork extends NetworkManager {
  readonly #tally: Tally

  constructor(tally: Tally, options: ConstructorParameters<typeof NetworkManager>[0]) {
    super(options)
    this.#tally = tally
  }

  override joinSwarm(options: SwarmOptions): Promise<SwarmConnection> {
    if (options.topology !== 'guest') return super.joinSwarm(options)
    const { protocolProvider } = options
    return super.joinSwarm({
      ...options,
      protocolProvider: (channel, context) => protocolProvider(this.#tally.channel(channel), context),
    })
  }
}
