import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SwarmConnection } from '../src/index.ts'
import { connected, hold, recorder, World } from './world.ts'

const HOUR_MS = 60 * 60 * 1_000
const [OLD, NEW, THIRD] = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

let world: World
beforeEach(() => {
  world = new World({ faults: { delayMs: [5, 20] } })
})
afterEach(async () => {
  await world.stop()
  await world.clock.advance(100)
  expect(world.clock.pending, 'timers left after everything was stopped').toBe(0)
  expect(world.network.channels).toBe(0)
})

/** Somebody in the mesh of a topic, and the channels that it was given. */
async function peer(topic = OLD) {
  const manager = await world.manager()
  const { channels, provider } = recorder()
  const swarm = await manager.joinSwarm({ topic, topology: 'mesh', protocolProvider: provider })
  return { manager, channels, swarm }
}

const set = (swarm: SwarmConnection, ...topics: Uint8Array[]) => world.clock.settle(swarm.setTopics(topics))

describe('a swarm whose topic changes', () => {
  test('keeps its channels, under both topics and when the old one is left', async () => {
    const [one, two] = [await peer(), await peer()]
    await world.until(one.swarm, connected)
    await world.until(two.swarm, connected)
    const before = [one.channels.length, two.channels.length]
    for (const { swarm } of [one, two]) await set(swarm, NEW, OLD)
    await world.clock.advance(HOUR_MS)
    for (const { swarm } of [one, two]) await set(swarm, NEW)
    await world.clock.advance(HOUR_MS)
    expect([one.channels.length, two.channels.length]).toEqual(before)
    expect([one.swarm.peers, two.swarm.peers]).toEqual([[two.manager.peer], [one.manager.peer]])
    expect(one.swarm.state).toMatchObject({ status: 'connected', relays: [{ status: 'online' }] })
  })

  test('is met under each of them, with one channel to each peer', async () => {
    const both = await peer()
    await set(both.swarm, NEW, OLD)
    const [late, ahead, alike] = [await peer(), await peer(NEW), await peer(NEW)]
    await set(alike.swarm, NEW, OLD)
    await world.clock.advance(HOUR_MS)
    const ids = [late, ahead, alike].map(({ manager }) => manager.peer).sort()
    expect(both.swarm.peers).toEqual(ids)
    expect(late.swarm.peers).toEqual([both, alike].map(({ manager }) => manager.peer).sort())
    expect(alike.channels.length).toBe(3)
  })

  test('is found by nobody under a topic that it has left, neither at a relay nor by its address', async () => {
    const [one, watcher] = [await peer(), await peer()]
    await world.until(watcher.swarm, connected)
    await set(one.swarm, NEW)
    await world.clock.settle(watcher.manager.stop())
    const again = await world.manager()
    const swarm = await again.joinSwarm({
      ...{ topic: OLD, topology: 'guest', protocolProvider: hold },
      addresses: one.manager.addresses(),
    })
    await world.clock.advance(3 * HOUR_MS)
    expect(swarm.peers).toEqual([])
    expect(one.channels.length).toBe(1)
  })

  test('meets at a known address who has one of its topics, whichever that is', async () => {
    const host = await peer(OLD)
    const manager = await world.manager({ relays: [] })
    const swarm = await manager.joinSwarm({
      ...{ topic: NEW, topology: 'mesh', protocolProvider: hold },
      addresses: host.manager.addresses(),
    })
    await set(swarm, NEW, THIRD, OLD)
    await world.until(swarm, connected)
    expect(swarm.peers).toEqual([host.manager.peer])
  })

  test('comes back to a topic that it is just leaving', async () => {
    const [one, two] = [await peer(), await peer()]
    await world.until(one.swarm, connected)
    const left = one.swarm.setTopics([NEW])
    const back = one.swarm.setTopics([OLD])
    await world.clock.settle(Promise.all([left, back]))
    const third = await peer()
    await world.until(third.swarm, ({ peers }) => peers.length === 2)
    expect(third.swarm.peers).toEqual([one, two].map(({ manager }) => manager.peer).sort())
  })

  test('takes no topic of another swarm, and stays as it was', async () => {
    const manager = await world.manager()
    const options = { topology: 'mesh', protocolProvider: hold } as const
    const swarm = await manager.joinSwarm({ topic: OLD, ...options })
    const other = await manager.joinSwarm({ topic: NEW, ...options })
    await expect(swarm.setTopics([THIRD, NEW])).rejects.toMatchObject({ code: 'ALREADY_JOINED' })
    await expect(swarm.setTopics([])).rejects.toThrow(TypeError)
    await expect(swarm.setTopics([new Uint8Array(31)])).rejects.toThrow(TypeError)
    await world.clock.settle(other.close())
    await set(swarm, THIRD, NEW)
    await expect(manager.joinSwarm({ topic: THIRD, ...options })).rejects.toMatchObject({
      code: 'ALREADY_JOINED',
    })
    await world.clock.settle(swarm.close())
    await expect(swarm.setTopics([OLD])).rejects.toMatchObject({ code: 'CLOSED' })
    for (const topic of [OLD, NEW, THIRD]) await manager.joinSwarm({ topic, ...options })
  })

  test('leaves all of them when it is closed', async () => {
    const one = await peer()
    await set(one.swarm, NEW, OLD)
    await world.clock.advance(HOUR_MS)
    await world.clock.settle(one.swarm.close())
    for (const topic of [OLD, NEW]) {
      const { swarm } = await peer(topic)
      await world.clock.advance(HOUR_MS)
      expect([swarm.state.status, swarm.peers]).toEqual(['searching', []])
      await world.clock.settle(swarm.close())
    }
    expect(world.network.opens).toEqual([])
  })
})
