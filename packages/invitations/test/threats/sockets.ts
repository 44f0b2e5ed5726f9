import { Libp2pNode, NetworkError, type NetworkNode, systemClock } from '@vestibule/network'
import { createRelay, type Relay } from '@vestibule/network/relay'
import { memoryDisk } from '../scenario/disk.ts'
import { type Peopled, Person } from '../scenario/world.ts'

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0/ws']

/** People and attackers on real libp2p: WebSockets on loopback, one relay, the real clock. */
export class Sockets implements Peopled {
  readonly clock = {
    now: () => systemClock.now(),
    after: (ms: number, fn: () => void) => systemClock.after(ms, fn),
    settle: <T>(promise: Promise<T>): Promise<T> => promise,
    advance: (ms: number) => new Promise<void>((resolve) => void systemClock.after(ms, resolve)),
  }
  readonly network = {
    createNode: ({ reachable = false }: { readonly reachable?: boolean } = {}): NetworkNode =>
      new Libp2pNode(reachable ? { listen: LOOPBACK } : {}),
    random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
  }
  readonly relay: { readonly address: string }
  readonly random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
  readonly #relay: Relay
  readonly #people: Person[] = []

  private constructor(relay: Relay) {
    this.#relay = relay
    this.relay = { address: relay.addresses[0] ?? '' }
  }

  async rest(): Promise<void> {}

  static async open(): Promise<Sockets> {
    return new Sockets(await createRelay({ listen: LOOPBACK }))
  }

  /**
   * Somebody who can be reached directly.
   * @param options `skewMs`: how far the own clock is ahead; `isRefused`: the relay has nothing to do with them
   */
  async person(name: string, { skewMs = 0, isRefused = false } = {}): Promise<Person> {
    const { network } = this
    const createNode: typeof network.createNode = (options) => {
      const node = network.createNode(options)
      if (isRefused)
        node.connectRelay = async () => {
          throw new NetworkError('UNREACHABLE', 'the relay does not answer')
        }
      return node
    }
    const { clock, relay, random, rest } = this
    const surroundings = { clock, relay, random, rest, network: { ...network, createNode } }
    const person = new Person(surroundings, name, { disk: memoryDisk(), skewMs, reachable: true })
    this.#people.push(person)
    await person.start()
    return person
  }

  async close(): Promise<void> {
    for (const person of this.#people) await person.stop()
    await this.#relay.stop()
  }
}
