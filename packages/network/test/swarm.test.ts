import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { delay } from '../src/clock.ts'
import { type Channel, NetworkError, SWARM_PROTOCOL, topicNamespace } from '../src/index.ts'
import { hashTopic, topicProof } from '../src/swarm/topic.ts'
import { BLACK_HOLE } from '../src/testing.ts'
import { connected, echo, hold, recorder, searching, TOPIC, World } from './world.ts'

const HOUR_MS = 60 * 60 * 1_000
const MINUTE_MS = 60 * 1_000
const other = new Uint8Array(32).fill(8)

let world: World
beforeEach(() => {
  world = new World({ faults: { delayMs: [5, 20] } })
})
afterEach(async () => {
  await world.stop()
  // What is on its way in the network arrives; nothing else may wait.
  await world.clock.advance(100)
  expect(world.clock.pending, 'timers left after everything was stopped').toBe(0)
  expect(world.network.channels).toBe(0)
})

describe('meeting', () => {
  test('peers find each other by presence, whoever comes first', async () => {
    for (const hostFirst of [true, false]) {
      const host = await world.manager()
      const guest = await world.manager()
      const join = [
        () => host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold }),
        () => guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold }),
      ]
      const swarms = []
      for (const next of hostFirst ? join : join.reverse()) {
        swarms.push(await next())
        await world.clock.advance(MINUTE_MS)
      }
      for (const swarm of swarms) expect(swarm.state.status).toBe('connected')
      await Promise.all(swarms.map((swarm) => world.clock.settle(swarm.close())))
    }
  })

  test('a guest who waits hears of a new host at once, without asking again', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    const waiting = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.clock.advance(10 * MINUTE_MS)
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await world.clock.advance(300)
    expect(waiting.peers).toEqual([host.peer])
  })

  test('a host that cannot be dialled is reached through the relay', async () => {
    const host = await world.manager({ reachable: false })
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.until(swarm, connected)
    expect(swarm.peers).toEqual([host.peer])
  })

  test('a feed replicates: what one sends the other gets, in order', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
    const answers = new Promise<number[]>((resolve) => {
      void guest.joinSwarm({
        topic: TOPIC,
        topology: 'guest',
        protocolProvider: async (channel) => {
          const got: number[] = []
          for (let i = 0; i < 100; i++) void channel.send(new Uint8Array([i]))
          for (let i = 0; i < 100; i++) got.push((await channel.receive())[0] ?? -1)
          resolve(got)
        },
      })
    })
    expect(await world.clock.settle(answers)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('known addresses are dialled at once, no relay needed', async () => {
    const host = await world.manager({ relays: [] })
    const guest = await world.manager({ relays: [] })
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: hold,
      addresses: host.addresses(),
    })
    await world.until(swarm, connected)
    expect(world.opens(guest)).toBe(1)
  })

  test('a known address is dialled again until somebody is there', async () => {
    const host = await world.manager({ relays: [] })
    const guest = await world.manager({ relays: [] })
    const swarm = await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: hold,
      addresses: host.addresses(),
    })
    await world.clock.advance(10 * MINUTE_MS)
    expect(world.opens(guest)).toBeLessThan(50)
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await world.until(swarm, connected)
  })

  test("the guest's first frame follows its proof without a further round trip", async () => {
    world.network.setFaults({ delayMs: 50 })
    const host = await world.manager({ relays: [] })
    const guest = await world.manager({ relays: [] })
    const arrived = new Promise<number>((resolve) => {
      void host.joinSwarm({
        topic: TOPIC,
        topology: 'host',
        protocolProvider: async (channel) => {
          await channel.receive()
          resolve(world.clock.now())
        },
      })
    })
    const start = world.clock.now()
    void guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: (channel) => channel.send(new Uint8Array(1)),
      addresses: host.addresses(),
    })
    // There and back to open the channel, and one way for the proof and the frame behind it.
    expect((await world.clock.settle(arrived)) - start).toBe(150)
  })
})

describe('whom it dials', () => {
  test('the host never dials', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    await host.joinSwarm({
      topic: TOPIC,
      topology: 'host',
      protocolProvider: hold,
      addresses: guest.addresses(),
    })
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.until(swarm, connected)
    world.network.disconnect(host.peer)
    await world.clock.advance(10 * MINUTE_MS)
    expect(world.opens(host)).toBe(0)
  })

  test('a guest is never registered, and takes no channel', async () => {
    const guest = await world.manager()
    const stranger = await world.manager()
    await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.clock.advance(MINUTE_MS)
    expect(world.relay.registry.size).toBe(0)
    const swarm = await stranger.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: hold,
      addresses: guest.addresses(),
    })
    await world.clock.advance(MINUTE_MS)
    expect(swarm.peers).toEqual([])
  })

  test('repeated updates cost one dial', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.until(swarm, connected)
    for (let i = 0; i < 20; i++) {
      world.relay.registerFake(topicNamespace(TOPIC), host.peer, [...host.addresses(), `/memory/${i}`])
      await world.clock.advance(1_000)
    }
    expect(world.opens(guest)).toBe(1)
  })

  test('no second dial to a peer while one is pending', async () => {
    const guest = await world.manager()
    await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: hold,
      addresses: [`${BLACK_HOLE}/p2p/slow`],
    })
    for (let i = 0; i < 20; i++) {
      world.relay.registerFake(topicNamespace(TOPIC), 'slow', [`${BLACK_HOLE}/${i}/p2p/slow`])
      await world.clock.advance(200)
    }
    expect(world.opens(guest)).toBe(1)
  })

  test('a failed session is redialled', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    for (let i = 1; i <= 5; i++) {
      await world.until(swarm, connected)
      expect(world.opens(guest)).toBe(i)
      await world.clock.advance(MINUTE_MS)
      world.network.disconnect(host.peer, guest.peer)
      await world.until(swarm, searching)
    }
  })

  test('a registered peer that fails three times is left alone until there is news of it', async () => {
    const guest = await world.manager()
    await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    world.relay.registerFake(topicNamespace(TOPIC), 'nobody', ['/memory/nowhere/p2p/nobody'])
    await world.clock.advance(HOUR_MS)
    expect(world.opens(guest)).toBe(3)
  })

  test('in a mesh, which lives long, a peer that was given up is asked again now and then', async () => {
    const member = await world.manager()
    await member.joinSwarm({ topic: TOPIC, topology: 'mesh', protocolProvider: hold })
    world.relay.registerFake(topicNamespace(TOPIC), 'nobody', ['/memory/nowhere/p2p/nobody'])
    await world.clock.advance(HOUR_MS)
    expect(world.opens(member)).toBeGreaterThan(3 + 20)
    expect(world.opens(member)).toBeLessThan(3 + 40)
  })

  test('a proven host that refuses is not asked for ever', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    await host.joinSwarm({
      topic: TOPIC,
      topology: 'host',
      protocolProvider: () => Promise.reject(new Error('not you')),
    })
    await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.clock.advance(HOUR_MS)
    expect(world.opens(guest)).toBe(3)
  })

  test('a refusal releases the dial: 200 peers that hang up do not keep the host from being found', async () => {
    const host = await world.manager()
    const refusers = await world.manager()
    const guest = await world.manager()
    for (let i = 0; i < 200; i++)
      world.relay.registerFake(topicNamespace(TOPIC), `refuser-${i}`, refusers.addresses())
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    const start = world.clock.now()
    await world.until(swarm, connected)
    expect(world.clock.now() - start).toBeLessThan(5_000)
  })

  test('1,000 fake registrations do not hide the host', async () => {
    for (const hostFirst of [true, false]) {
      const host = await world.manager()
      const guest = await world.manager()
      const topic = new Uint8Array(32).fill(hostFirst ? 1 : 2)
      const joinHost = async () => {
        const swarm = await host.joinSwarm({ topic, topology: 'host', protocolProvider: hold })
        await world.until(swarm, searching)
      }
      if (hostFirst) await joinHost()
      for (let i = 0; i < 1_000; i++)
        world.relay.registerFake(topicNamespace(topic), `fake-${i}`, [`${BLACK_HOLE}/p2p/fake-${i}`])
      if (!hostFirst) await joinHost()
      const swarm = await guest.joinSwarm({ topic, topology: 'guest', protocolProvider: hold })
      const start = world.clock.now()
      await world.until(swarm, connected)
      expect(swarm.peers).toEqual([host.peer])
      expect(world.clock.now() - start).toBeLessThan(2 * MINUTE_MS)
    }
  })

  test('an admitted guest does not come back', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: (channel) => channel.send(new Uint8Array(1)),
    })
    await world.clock.advance(HOUR_MS)
    expect(world.opens(guest)).toBe(1)
  })

  test('a swarm takes no more peers than it was told', async () => {
    const host = await world.manager()
    const hosting = await host.joinSwarm({
      topic: TOPIC,
      topology: 'host',
      protocolProvider: hold,
      maxPeers: 2,
    })
    for (let i = 0; i < 4; i++) {
      const guest = await world.manager()
      await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    }
    await world.clock.advance(MINUTE_MS)
    expect(hosting.peers).toHaveLength(2)
  })
})

describe('a mesh', () => {
  test('connects everybody with everybody, one channel each, however often they cross', async () => {
    const recorders = Array.from({ length: 6 }, recorder)
    const swarms = []
    for (const { provider } of recorders) {
      const manager = await world.manager()
      swarms.push(await manager.joinSwarm({ topic: TOPIC, topology: 'mesh', protocolProvider: provider }))
    }
    await world.clock.advance(MINUTE_MS)
    for (const swarm of swarms) expect(swarm.peers).toHaveLength(5)
    expect(world.network.channels).toBe(15)
  })

  test('two that dial each other in the same instant keep the same channel', async () => {
    world.network.setFaults({ delayMs: 10 })
    const [first, second] = [recorder(), recorder()]
    const a = await world.manager({ relays: [] })
    const b = await world.manager({ relays: [] })
    const join = { topic: TOPIC, topology: 'mesh' } as const
    await a.joinSwarm({ ...join, protocolProvider: first.provider, addresses: b.addresses() })
    await b.joinSwarm({ ...join, protocolProvider: second.provider, addresses: a.addresses() })
    await world.clock.advance(MINUTE_MS)
    expect([world.opens(a), world.opens(b)]).toEqual([1, 1])
    expect([first.channels.length, second.channels.length]).toEqual([1, 1])
    expect(first.channels[0]?.initiator).toBe(true)
    expect(second.channels[0]?.initiator).toBe(false)
  })

  test('finds itself again after a partition', async () => {
    const managers = [await world.manager(), await world.manager(), await world.manager()]
    const swarms = await Promise.all(
      managers.map((manager) =>
        manager.joinSwarm({ topic: TOPIC, topology: 'mesh', protocolProvider: hold }),
      ),
    )
    await world.clock.advance(MINUTE_MS)
    world.network.partition(
      [managers[0]?.peer ?? '', world.relay.id],
      [managers[1]?.peer ?? '', managers[2]?.peer ?? ''],
    )
    await world.clock.advance(10 * MINUTE_MS)
    expect(swarms.map((swarm) => swarm.peers.length)).toEqual([0, 1, 1])
    world.network.heal()
    await world.clock.advance(MINUTE_MS)
    expect(swarms.map((swarm) => swarm.peers.length)).toEqual([2, 2, 2])
  })
})

describe('a stranger', () => {
  /** Opens a raw swarm channel, sends a frame, and says what came back. */
  async function knock(frame: Uint8Array): Promise<{ readonly end: string; readonly frames: number }> {
    const host = await world.manager()
    const stranger = world.network.createNode()
    await stranger.start()
    const called = recorder()
    const swarm = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: called.provider })
    const channel = await world.clock.settle(stranger.open({ addresses: host.addresses() }, SWARM_PROTOCOL))
    let frames = 0
    void (async () => {
      while (true) {
        await channel.receive()
        frames++
      }
    })().catch(() => undefined)
    await channel.send(frame)
    const end = await world.clock.settle(channel.ended)
    expect(called.channels).toEqual([])
    expect(swarm.peers).toEqual([])
    await stranger.stop()
    return { end, frames }
  }

  test('who knows only the address is refused and learns nothing', async () => {
    expect(await knock(new Uint8Array(64))).toEqual({ end: 'aborted', frames: 0 })
  })

  test('who knows the hashed topic, as a relay does, is refused the same way', async () => {
    const frame = new Uint8Array(64)
    frame.set(hashTopic(TOPIC))
    expect(await knock(frame)).toEqual({ end: 'aborted', frames: 0 })
  })

  test("who replays another peer's proof is refused the same way", async () => {
    expect(await knock(topicProof(TOPIC, 'initiator', '1Peer9', '1Peer1'))).toEqual({
      end: 'aborted',
      frames: 0,
    })
  })

  test('who says too much is cut off', async () => {
    expect(await knock(new Uint8Array(65))).toEqual({ end: 'aborted', frames: 0 })
  })

  test('who says nothing is cut off after ten seconds', async () => {
    const host = await world.manager()
    const stranger = world.network.createNode()
    await stranger.start()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const channel = await world.clock.settle(stranger.open({ addresses: host.addresses() }, SWARM_PROTOCOL))
    const start = world.clock.now()
    await world.clock.settle(channel.ended)
    expect(world.clock.now() - start).toBeLessThan(11_000)
    await stranger.stop()
  })

  test('who poses as a host gets no answer of the guest past its first words', async () => {
    const stranger = world.network.createNode()
    await stranger.start()
    let seen: Channel | undefined
    stranger.handle(SWARM_PROTOCOL, (channel) => {
      seen = channel
      void channel.send(topicProof(other, 'responder', channel.remotePeer, channel.localPeer))
      void channel.send(new Uint8Array([1]))
    })
    const guest = await world.manager({ relays: [] })
    const outcome = new Promise((resolve) => {
      void guest.joinSwarm({
        topic: TOPIC,
        topology: 'guest',
        addresses: stranger.addresses(),
        protocolProvider: (channel) => channel.receive().then(resolve, resolve),
      })
    })
    expect(await world.clock.settle(outcome)).toMatchObject({ code: 'REFUSED' })
    expect(await world.clock.settle(seen?.ended ?? Promise.resolve(''))).toBe('aborted')
    await stranger.stop()
  })
})

describe('relays that come and go', () => {
  test('an unreachable relay is a state, not an error, and known addresses still lead somewhere', async () => {
    world.relay.stop()
    const host = await world.manager()
    const guest = await world.manager()
    const hosting = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await world.until(hosting, (state) => state.status === 'unreachable-relay')
    expect(hosting.state.relays).toEqual([{ address: world.relay.address, status: 'unreachable' }])
    const swarm = await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: hold,
      addresses: host.addresses(),
    })
    await world.until(swarm, connected)
    expect(swarm.state.relays[0]?.status).toBe('unreachable')
  })

  test('after a relay restarts everybody is registered and found again', async () => {
    const host = await world.manager({ reachable: false })
    const hosting = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await world.until(hosting, searching)
    world.relay.stop()
    await world.until(hosting, (state) => state.status === 'unreachable-relay')
    await world.clock.advance(HOUR_MS)
    world.relay.start()
    await world.until(hosting, searching)
    const guest = await world.manager()
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.until(swarm, connected)
  })

  test('a guest who gave up on a host tries again when the relay is back', async () => {
    const host = await world.manager({ reachable: false })
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    await world.until(swarm, connected)
    world.network.partition([host.peer, world.relay.id], [guest.peer])
    await world.clock.advance(HOUR_MS)
    world.network.heal()
    await world.until(swarm, connected)
  })

  test('a registration is renewed before its time is over', async () => {
    const host = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    for (let hours = 0; hours < 100; hours++) {
      await world.clock.advance(HOUR_MS)
      expect(world.relay.registry.discover(topicNamespace(TOPIC))).toMatchObject({
        entries: [{ peer: host.peer }],
      })
    }
  })

  test('relays of a link are used besides those of the manager', async () => {
    const second = world.network.createRelay()
    const host = await world.manager({ relays: [second.address], reachable: false })
    const guest = await world.manager()
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    const swarm = await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: hold,
      relays: [second.address, world.relay.address],
    })
    await world.until(swarm, connected)
    expect(swarm.state.relays).toHaveLength(2)
    await world.clock.settle(host.stop())
    await world.clock.settle(guest.stop())
    second.stop()
  })

  test('a relay that no swarm needs any more is let go', async () => {
    const host = await world.manager()
    const swarm = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await world.until(swarm, searching)
    expect(world.relay.connections).toBe(1)
    await world.clock.settle(swarm.close())
    await world.clock.advance(1_000)
    expect(world.relay.connections).toBe(0)
  })
})

describe('leaving', () => {
  test('closing a swarm unregisters it and leaves the others alone', async () => {
    const host = await world.manager()
    const guest = await world.manager()
    const join = { topology: 'host', protocolProvider: hold } as const
    const first = await host.joinSwarm({ ...join, topic: TOPIC })
    await host.joinSwarm({ ...join, topic: other })
    const ours = await guest.joinSwarm({ topic: TOPIC, topology: 'guest', protocolProvider: hold })
    const theirs = await guest.joinSwarm({ topic: other, topology: 'guest', protocolProvider: hold })
    await world.until(ours, connected)
    await world.until(theirs, connected)
    await world.clock.settle(Promise.all([first.close(), first.close()]))
    expect(first.state.status).toBe('closed')
    await world.until(ours, searching)
    expect(theirs.peers).toEqual([host.peer])
    expect(world.relay.registry.discover(topicNamespace(TOPIC))).toMatchObject({ entries: [] })
    expect(world.relay.registry.discover(topicNamespace(other))).toMatchObject({
      entries: [{ peer: host.peer }],
    })
  })

  test('a topic can be joined once at a time, and again after it was left', async () => {
    const host = await world.manager()
    const options = { topic: TOPIC, topology: 'host', protocolProvider: hold } as const
    const swarm = await host.joinSwarm(options)
    await world.until(swarm, searching)
    await expect(host.joinSwarm(options)).rejects.toMatchObject({ code: 'ALREADY_JOINED' })
    const closing = swarm.close()
    const again = await world.clock.settle(host.joinSwarm(options))
    await world.clock.settle(closing)
    await world.until(again, searching)
    await world.clock.advance(MINUTE_MS)
    expect(world.relay.registry.size).toBe(1)
  })

  test('what a provider sent arrives before the end when it returns, its failure is an abort', async () => {
    const host = await world.manager({ relays: [] })
    const guest = await world.manager({ relays: [] })
    await host.joinSwarm({
      topic: TOPIC,
      topology: 'host',
      protocolProvider: async (channel) => {
        const [kind] = await channel.receive()
        void channel.send(new Uint8Array([9]))
        if (kind === 1) throw new Error('no')
      },
    })
    const ask = async (kind: number) => {
      const result = new Promise<unknown[]>((resolve) => {
        void guest.joinSwarm({
          topic: TOPIC,
          topology: 'guest',
          addresses: host.addresses(),
          protocolProvider: async (channel) => {
            await channel.send(new Uint8Array([kind]))
            const got = await channel.receive().catch((error: NetworkError) => error.code)
            resolve([got, await channel.receive().catch((error: NetworkError) => error.code)])
          },
        })
      })
      const got = await world.clock.settle(result)
      await world.clock.settle(guest.stop())
      await guest.start()
      return got
    }
    expect(await ask(0)).toEqual([new Uint8Array([9]), 'CLOSED'])
    expect(await ask(1)).toMatchObject({ 1: 'ABORTED' })
  })

  test('a provider is told when its swarm closes and when its channel breaks', async () => {
    const host = await world.manager({ relays: [] })
    const guest = await world.manager({ relays: [] })
    const reasons: unknown[] = []
    const listen = (channel: Channel, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve) => {
        void channel
        signal.addEventListener('abort', () => {
          reasons.push((signal.reason as NetworkError).code)
          resolve()
        })
      })
    await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: listen })
    const swarm = await guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      protocolProvider: listen,
      addresses: host.addresses(),
    })
    await world.until(swarm, connected)
    world.network.disconnect(host.peer)
    await world.until(swarm, searching)
    await world.clock.advance(100)
    expect(reasons).toEqual(['ABORTED', 'ABORTED'])
    await world.until(swarm, connected)
    await world.clock.settle(swarm.close())
    expect(reasons.slice(2)).toContain('CLOSED')
  })

  test('aborting its signal leaves a swarm, and an aborted signal joins none', async () => {
    const host = await world.manager()
    const controller = new AbortController()
    const options = {
      topic: TOPIC,
      topology: 'host',
      protocolProvider: hold,
      signal: controller.signal,
    } as const
    const swarm = await host.joinSwarm(options)
    await world.until(swarm, searching)
    controller.abort()
    await world.until(swarm, (state) => state.status === 'closed')
    await world.clock.settle(swarm.close())
    await expect(host.joinSwarm(options)).rejects.toThrow('aborted')
    expect(world.relay.registry.size).toBe(0)
  })

  test('starting and stopping twice is the same as once, and both can follow each other', async () => {
    const manager = await world.manager()
    await Promise.all([manager.start(), manager.start()])
    await Promise.all([manager.stop(), manager.stop()])
    await expect(
      manager.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold }),
    ).rejects.toMatchObject({
      code: 'STOPPED',
    })
    await manager.start()
    const swarm = await manager.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: hold })
    await world.until(swarm, searching)
  })

  test('a topic of another length is a mistake of the caller', async () => {
    const manager = await world.manager()
    await expect(
      manager.joinSwarm({ topic: new Uint8Array(31), topology: 'host', protocolProvider: hold }),
    ).rejects.toThrow(TypeError)
    expect(new NetworkError('CLOSED', 'over').code).toBe('CLOSED')
  })
})

describe('a bad network', () => {
  test('lost connections, delays and partitions end with everybody connected', async () => {
    for (const seed of [1, 2, 3]) {
      const rough = new World({ seed, faults: { delayMs: [1, 400], loss: 0.05 } })
      const managers = await Promise.all(Array.from({ length: 5 }, () => rough.manager()))
      const chatter = async (channel: Channel, { signal }: { signal: AbortSignal }): Promise<void> => {
        while (true) {
          await delay(rough.clock, 2_000, signal)
          await channel.send(new Uint8Array(10), { signal })
          await channel.receive({ signal })
        }
      }
      const swarms = await Promise.all(
        managers.map((manager) =>
          manager.joinSwarm({ topic: TOPIC, topology: 'mesh', protocolProvider: chatter }),
        ),
      )
      await rough.clock.advance(2 * MINUTE_MS)
      rough.network.partition(managers.slice(0, 2).map((manager) => manager.peer))
      await rough.clock.advance(MINUTE_MS)
      rough.network.heal()
      rough.network.setFaults({ loss: 0 })
      await rough.clock.advance(5 * MINUTE_MS)
      for (const swarm of swarms) expect(swarm.peers, `seed ${seed}`).toHaveLength(4)
      await rough.stop()
      await rough.clock.advance(1_000)
      expect(rough.clock.pending).toBe(0)
    }
  })
})
