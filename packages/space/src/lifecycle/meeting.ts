import { type Clock, NetworkError, type NetworkManager, type SwarmConnection } from '@vestibule/network'
import { Serial } from '../concurrency/serial.ts'
import { SpaceError } from '../error.ts'
import { SpaceTopics } from '../read-keys/topics.ts'
import type { Space } from '../space.ts'
import type { SpaceStore } from '../space-store.ts'
import type { Storage } from '../storage/storage.ts'

/** What a space is met with. */
export interface MeetingParts {
  readonly storage: Storage
  readonly networkManager: Pick<NetworkManager, 'joinSwarm'>
  readonly clock: Clock
}

/** A space's part in its swarm, under the topics that follow from its read keys. */
export class Meeting {
  readonly #space: Space
  readonly #clock: Clock
  readonly #topics: SpaceTopics
  readonly #swarm: SwarmConnection
  readonly #serial = new Serial()
  readonly #unsubscribe: () => void
  #cancel: (() => void) | undefined
  #closed = false

  private constructor(space: Space, clock: Clock, topics: SpaceTopics, swarm: SwarmConnection) {
    this.#space = space
    this.#clock = clock
    this.#topics = topics
    this.#swarm = swarm
    this.#unsubscribe = space.subscribe({ onReadKeys: () => void this.#follow() })
  }

  /**
   * @param addresses multiaddrs at which members may be
   * @throws network and storage errors
   */
  static async join(
    { space, store }: { readonly space: Space; readonly store: SpaceStore },
    { storage, networkManager, clock }: MeetingParts,
    addresses: readonly string[],
  ): Promise<Meeting> {
    const topics = await SpaceTopics.open(store, storage, clock)
    const [topic = new Uint8Array()] = topics.look()
    const swarm = await networkManager.joinSwarm({
      topic,
      topology: 'mesh',
      addresses,
      protocolProvider: (channel, { signal }) => space.serve(channel, signal),
    })
    const meeting = new Meeting(space, clock, topics, swarm)
    await meeting.#follow()
    return meeting
  }

  /** Leaves the swarm, and with it all channels. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    this.#cancel?.()
    await this.#swarm.close()
    await this.#serial.idle()
  }

  /** Meets under the topics as of now. What fails to be stored is a problem, and is tried again at the next change. */
  async #follow(): Promise<void> {
    try {
      await this.#serial.run(async () => {
        if (this.#closed) return
        this.#cancel?.()
        const topics = this.#topics.look()
        const { nextMs } = this.#topics
        this.#cancel = nextMs === undefined ? undefined : this.#clock.after(nextMs, () => void this.#follow())
        // What is not stored when this is cut off is found out anew, with more time.
        await this.#swarm.setTopics(topics)
        await this.#topics.keep()
      })
    } catch (error) {
      if (error instanceof SpaceError) this.#space.report(error)
      // Whoever closed the swarm knows.
      else if (!(error instanceof NetworkError && error.code === 'CLOSED')) throw error
    }
  }
}
