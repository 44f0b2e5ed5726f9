import { NetworkManager, type SwarmConnection } from '@vestibule/network'
import { MemoryNetwork, VirtualClock } from '@vestibule/network/testing'
import { expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { heldInOrder } from '../../src/read-keys/current.ts'
import { topicOf } from '../../src/read-keys/topic.ts'
import type { SpaceStore } from '../../src/space-store.ts'
import { withSeededCrypto } from '../simulation/chance.ts'
import { bring, Person, textsOf, until, World } from '../world.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Swarms as they are, over a network in memory with a relay, and days that pass at once. */
class Days extends World {
  declare readonly clock: VirtualClock
  readonly network: MemoryNetwork
  readonly #relays: string[]
  readonly #managers = new Map<string, NetworkManager>()

  constructor() {
    const clock = new VirtualClock()
    super(clock)
    this.network = new MemoryNetwork({ clock, faults: { delayMs: [5, 20] } })
    this.#relays = [this.network.createRelay().address]
  }

  override networkManager(name: string): NetworkManager {
    const { clock, network } = this
    const node = network.createNode()
    const manager = new NetworkManager({ node, clock, random: network.random, relays: this.#relays })
    void manager.start()
    this.#managers.set(name, manager)
    return manager
  }

  /** As if the machine had been switched off. */
  async off({ name, manager }: Person): Promise<void> {
    await this.clock.settle(manager.close())
    await this.clock.settle(this.#managers.get(name)?.stop() ?? Promise.resolve())
  }

  async on(person: Person): Promise<[Person, Space]> {
    const again = await this.clock.settle(person.restart(this, person.storage))
    return [again, again.manager.list()[0] as Space]
  }

  pass(days: number): Promise<void> {
    return this.clock.advance(days * DAY_MS)
  }

  until(space: Space, holds: () => boolean): Promise<void> {
    return this.clock.settle(until(space, holds))
  }

  async end(...people: Person[]): Promise<void> {
    for (const person of people) await this.off(person)
    for (const manager of this.#managers.values()) await this.clock.settle(manager.stop())
  }
}

/** A test whose clock never runs ahead of cryptography on another thread. */
const onDays = (name: string, run: () => Promise<void>): void => test(name, () => withSeededCrypto(1, run))

const storeOf = (space: Space): SpaceStore => (space as unknown as { readonly store: SpaceStore }).store
/** The topics that follow from the read keys that a space holds, in the order of their epochs. */
const topicsOf = (space: Space): Uint8Array[] =>
  heldInOrder(storeOf(space)).map((key) => topicOf(key, space.key))

/** Ada's space with Bob and Cem, all connected. */
async function kitchen() {
  const days = new Days()
  const join = (name: string) => days.clock.settle(Person.join(days, name))
  const [ada, bob, cem] = [await join('ada'), await join('bob'), await join('cem')]
  const hers = await days.clock.settle(ada.manager.createSpace({ name: 'Kitchen' }))
  const his = await days.clock.settle(bring(hers, bob))
  const theirs = await days.clock.settle(bring(hers, cem))
  for (const space of [hers, his, theirs]) await days.until(space, () => space.peers().length === 2)
  return { days, ada, bob, cem, hers, his, theirs }
}

/** Somebody who only looks who meets under a topic. */
function watch(days: Days, name: string, topic: Uint8Array): Promise<SwarmConnection> {
  const protocolProvider = async () => undefined
  return days.networkManager(name).joinSwarm({ topic, topology: 'guest', protocolProvider })
}

/** Whom a watcher who begins now finds in an hour. */
async function found(days: Days, name: string, topic: Uint8Array): Promise<number> {
  const before = days.network.opens.length
  const swarm = await watch(days, name, topic)
  await days.clock.advance(60 * 60 * 1000)
  await days.clock.settle(swarm.close())
  const peers = days.network.opens.slice(before)
  return new Set(peers.map(({ to }) => to)).size
}

onDays(
  'members who are connected when the read key is renewed stay so, and when the old topic is left',
  async () => {
    const { days, ada, bob, cem, hers, his, theirs } = await kitchen()
    const gone: number[] = []
    for (const space of [hers, his, theirs])
      space.subscribe({ onPeers: (peers) => void gone.push(2 - peers.length) })
    await days.clock.settle(hers.rotateReadKey())
    for (const space of [his, theirs]) await days.until(space, () => topicsOf(space).length === 2)
    await days.pass(8)
    expect(gone).toEqual([])
    await days.clock.settle(theirs.write('still here'))
    await days.until(hers, () => textsOf(hers).includes('still here'))
    await days.end(ada, bob, cem)
  },
)

onDays(
  'a removed member finds others under the topic that it knows for seven days, over restarts, and then nobody',
  async () => {
    const { days, ada, bob, cem, hers, his, theirs } = await kitchen()
    const [known = new Uint8Array()] = topicsOf(theirs)
    await days.clock.settle(hers.removeMember(cem.signingContext.identityKey))
    await days.until(his, () => topicsOf(his).length === 2)
    await days.off(cem)
    await days.pass(3)
    await days.off(ada)
    await days.pass(1)
    const [again, space] = await days.on(ada)
    await days.until(space, () => space.peers().length === 1)
    expect(await found(days, 'watcher on day 4', known)).toBe(2)
    await days.pass(2.8)
    expect(await found(days, 'watcher before the end of day 7', known)).toBe(2)
    await days.pass(0.2)
    expect(await found(days, 'watcher after day 7', known)).toBe(0)
    const [, current = new Uint8Array()] = topicsOf(space)
    expect(await found(days, 'who has the new key', current)).toBe(2)
    expect([space.peers().length, his.peers().length]).toEqual([1, 1])
    await days.end(again, bob)
  },
)

onDays(
  'a member who was away for six days meets the others, one that was away for longer does not',
  async () => {
    const { days, ada, bob, cem, hers, his, theirs } = await kitchen()
    await days.off(bob)
    await days.off(cem)
    await days.clock.settle(hers.rotateReadKey())
    await days.clock.settle(hers.write('under the new one'))
    await days.pass(3)
    await days.off(ada)
    const [again, space] = await days.on(ada)
    await days.pass(3)
    const [back, hisAgain] = await days.on(bob)
    await days.until(hisAgain, () => textsOf(hisAgain).includes('under the new one'))
    expect(topicsOf(hisAgain)).toEqual(topicsOf(space))
    await days.off(back)
    await days.pass(2)
    const [late, lost] = await days.on(cem)
    await days.pass(1)
    expect([lost.peers(), space.peers()]).toEqual([[], []])
    // Who heard of the new key a day ago is under the old topic, too.
    const [, between] = await days.on(back)
    await days.until(lost, () => textsOf(lost).includes('under the new one'))
    expect(between.peers().length).toBeGreaterThan(0)
    expect([his.state, theirs.state]).toEqual(['closed', 'closed'])
    await days.end(again, late, back)
  },
)
