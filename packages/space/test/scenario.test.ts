import { Keyring } from '@vestibule/keys'
import { NetworkManager } from '@vestibule/network'
import { MemoryNetwork, VirtualClock } from '@vestibule/network/testing'
import { describe, expect, test } from 'vitest'
import { MemoryStorage, SigningContext, type Space, SpaceManager } from '../src/index.ts'
import { bring, namesOf, Person, textsOf } from './world.ts'

const MINUTE = 60_000

/** People on a network in memory, found through its relay. */
async function meet(seed: number, ...names: string[]) {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, seed, faults: { delayMs: [5, 80] } })
  const relay = network.createRelay()
  const people: { person: Person; network: NetworkManager; peer: string }[] = []
  for (const name of names) {
    const keyring = new Keyring()
    const storage = new MemoryStorage()
    const signingContext = await SigningContext.create({ keyring, storage, displayName: name, clock })
    const { random } = network
    const manager = new NetworkManager({ node: network.createNode(), clock, random, relays: [relay.address] })
    await clock.settle(manager.start())
    const spaces = new SpaceManager({ keyring, storage, signingContext, networkManager: manager, clock })
    await clock.settle(spaces.open())
    const person = new Person({ name, keyring, storage, signingContext, manager: spaces })
    people.push({ person, network: manager, peer: manager.peer })
  }
  const close = async (): Promise<void> => {
    for (const { person, network } of people) {
      await clock.settle(person.manager.close())
      await clock.settle(network.stop())
    }
    await clock.advance(MINUTE)
    expect(clock.pending).toBe(0)
    expect(network.channels).toBe(0)
  }
  return { clock, network, relay, people, close }
}

describe('members on a network', () => {
  test('find each other through a relay, and have the same in the end', async () => {
    const { clock, people, close } = await meet(1, 'ada', 'bob', 'cem', 'dan')
    const [ada, ...guests] = people.map(({ person }) => person) as [Person, ...Person[]]
    const hers = await clock.settle(ada.manager.createSpace({ name: 'Kitchen' }))
    const spaces: Space[] = [hers]
    for (const guest of guests) spaces.push(await clock.settle(bring(hers, guest)))
    await clock.advance(MINUTE)
    for (const space of spaces) expect(namesOf(space)).toEqual(['ada', 'bob', 'cem', 'dan'])
    for (const space of spaces) expect(space.peers()).toHaveLength(3)
    for (const [i, space] of spaces.entries()) await space.write(`from ${i}`)
    await clock.settle(Promise.all(spaces.map((space) => space.delivered())))
    await clock.advance(MINUTE)
    const [first, ...others] = spaces.map(textsOf)
    expect(first).toHaveLength(4)
    for (const texts of others) expect(texts).toEqual(first)
    await close()
  })

  test('that were apart come together when the network does, though connections keep breaking', async () => {
    for (const seed of [2, 3, 4]) {
      const { clock, network, relay, people, close } = await meet(seed, 'ada', 'bob', 'cem')
      const [ada, bob, cem] = people.map(({ person }) => person) as [Person, Person, Person]
      const hers = await clock.settle(ada.manager.createSpace({ name: 'Kitchen' }))
      const his = await clock.settle(bring(hers, bob, 'ADMIN'))
      const third = await clock.settle(bring(hers, cem))
      await clock.advance(MINUTE)
      const [a, b, c] = people.map(({ peer }) => peer) as [string, string, string]
      network.partition([a], [b, c, relay.id])
      network.setFaults({ loss: 0.02 })
      for (let i = 0; i < 10; i++) {
        await hers.write(`ada ${i}`)
        await his.write(`bob ${i}`)
        await third.write(`cem ${i}`)
        await clock.advance(1_000)
      }
      expect(textsOf(hers).filter((text) => text?.startsWith('ada'))).toHaveLength(10)
      network.heal()
      await clock.advance(10 * MINUTE)
      network.setFaults({ loss: 0 })
      // A swarm gives up on a peer that failed three times, until it hears of it again.
      for (const { peer } of people) relay.disconnect(peer)
      await clock.advance(10 * MINUTE)
      for (const space of [hers, his, third]) expect(textsOf(space), `seed ${seed}`).toHaveLength(30)
      expect(textsOf(his)).toEqual(textsOf(hers))
      expect(textsOf(third)).toEqual(textsOf(hers))
      await close()
    }
  })
})
