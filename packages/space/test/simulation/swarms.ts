import { type Clock, NetworkError, type SwarmOptions } from '@vestibule/network'
import { MemoryNetwork } from '@vestibule/network/testing'
import type { Life } from './disk.ts'

interface Member {
  readonly peer: string
  readonly options: SwarmOptions
  readonly closing: AbortController
  /** Peers that there is a channel with. */
  readonly links: Set<string>
  /** Until when a peer is left alone. */
  readonly resting: Map<string, number>
}

/** How often somebody with too few connections looks for more. */
const LOOK_EVERY_MS = 2_000
/** How long somebody who was lost, or refused, is left alone. */
const RETRY_MS = 8_000

/**
 * Swarms over the channels of a network in memory, which are lost with their connections, delayed, and cut by
 * partitions. Whoever is in a swarm tries the others one after the other until it has as many as it wants.
 */
export class Swarms {
  /** How many channels a member wants in a swarm. */
  wanted = 3
  readonly network: MemoryNetwork
  readonly #clock: Clock
  readonly #swarms = new Map<string, Member[]>()
  readonly #closing: AbortController[] = []
  #round = 0

  constructor(clock: Clock, seed: number) {
    this.#clock = clock
    this.network = new MemoryNetwork({ clock, seed, faults: { delayMs: [5, 80] } })
    this.#look()
  }

  /** What one process sees of the network. */
  of(peer: string, life: Life) {
    life.onDeath(() => {
      for (const members of this.#swarms.values())
        members.splice(0, Number.POSITIVE_INFINITY, ...members.filter((one) => one.peer !== peer))
      this.network.disconnect(peer)
    })
    return {
      joinSwarm: async (options: SwarmOptions) => {
        const closing = new AbortController()
        this.#closing.push(closing)
        const member: Member = {
          ...{ peer, options, closing },
          ...{ links: new Set(), resting: new Map() },
        }
        const setTopics = async (topics: readonly Uint8Array[]): Promise<void> => {
          if (life.alive) this.#place(member, topics)
        }
        await setTopics([options.topic])
        const close = async (): Promise<void> => {
          this.#place(member, [])
          member.closing.abort(new NetworkError('CLOSED', 'left the swarm'))
        }
        const state = { status: 'searching' as const, peers: [], relays: [] }
        return { peers: [], state, subscribe: () => () => {}, setTopics, close, [Symbol.asyncDispose]: close }
      },
    }
  }

  /** Ends what processes that died, or run still, wait for; Node keeps whatever listens to a signal made of others. */
  end(): void {
    for (const closing of this.#closing) closing.abort(new NetworkError('CLOSED', 'the run is over'))
  }

  /** Puts a member under these topics and no others; its channels stay. */
  #place(member: Member, topics: readonly Uint8Array[]): void {
    const wanted = new Set(topics.map((topic) => Buffer.from(topic).toString('hex')))
    for (const topic of wanted) if (!this.#swarms.has(topic)) this.#swarms.set(topic, [])
    for (const [topic, members] of this.#swarms) {
      const at = members.indexOf(member)
      if (wanted.has(topic) && at < 0) members.push(member)
      else if (!wanted.has(topic) && at >= 0) members.splice(at, 1)
    }
  }

  /** Topics under which a peer is to be found now. */
  topicsOf(peer: string): string[] {
    return [...this.#swarms].flatMap(([topic, members]) =>
      members.some((one) => one.peer === peer) ? topic : [],
    )
  }

  #look(): void {
    this.#clock.after(LOOK_EVERY_MS, () => {
      this.#round++
      for (const members of [...this.#swarms.values()])
        for (const [i, member] of members.entries()) {
          const other = members[(i + 1 + (this.#round % Math.max(1, members.length - 1))) % members.length]
          if (other !== undefined && member.links.size < this.wanted) this.#connect(member, other)
        }
      this.#look()
    })
  }

  #connect(near: Member, far: Member): void {
    if (near.peer === far.peer || near.links.has(far.peer)) return
    if ((near.resting.get(far.peer) ?? 0) > this.#clock.now()) return
    if (near.options.topology === far.options.topology && near.options.topology !== 'mesh') return
    if (!this.network.canReach(near.peer, far.peer)) return
    const channels = this.network.connect(near.peer, far.peer)
    for (const [own, other, channel] of [
      [near, far, channels[0]],
      [far, near, channels[1]],
    ] as const) {
      own.links.add(other.peer)
      void channel.ended.then(() => {
        own.links.delete(other.peer)
        own.resting.set(other.peer, this.#clock.now() + RETRY_MS)
      })
      const served = Promise.resolve(own.options.protocolProvider(channel, { signal: own.closing.signal }))
      served.then(() => channel.close()).catch(() => channel.abort())
    }
  }
}
