import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test, vi } from 'vitest'
import {
  type Channel,
  Libp2pNode,
  NetworkManager,
  type NetworkManagerOptions,
  type SwarmConnection,
  type SwarmState,
} from '../src/index.ts'
import { createRelay, type RelayOptions } from '../src/relay.ts'
import { rendezvousClient } from '../src/rendezvous.ts'
import { connected, echo, hold, searching, TOPIC } from './world.ts'

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0/ws']
const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function relay(options: Partial<RelayOptions> = {}) {
  const started = await createRelay({ listen: LOOPBACK, ...options })
  cleanups.push(() => started.stop())
  return started
}

async function manager(options: NetworkManagerOptions = {}) {
  const started = new NetworkManager(options)
  cleanups.push(() => started.stop())
  await started.start()
  return started
}

function until(swarm: SwarmConnection, is: (state: SwarmState) => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (is(swarm.state)) return resolve()
    const stop = swarm.subscribe((state) => {
      if (!is(state)) return
      stop()
      resolve()
    })
  })
}

/** Joins as a guest, sends a frame and gives what comes back. */
function ask(
  guest: NetworkManager,
  options: { addresses?: string[] } = {},
): Promise<{ swarm: Promise<SwarmConnection>; answer: Uint8Array }> {
  return new Promise((resolve) => {
    const swarm = guest.joinSwarm({
      topic: TOPIC,
      topology: 'guest',
      ...options,
      protocolProvider: async (channel, context) => {
        await channel.send(new Uint8Array([1, 2, 3]))
        resolve({ swarm, answer: await channel.receive() })
        await hold(channel, context)
      },
    })
  })
}

test('two peers talk without a relay', async () => {
  const host = await manager({ listen: LOOPBACK })
  await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  const guest = await manager()
  const { answer } = await ask(guest, { addresses: host.addresses() })
  expect(answer).toEqual(new Uint8Array([1, 2, 3]))
})

test('two peers that cannot be dialled talk through the relay', async () => {
  const server = await relay()
  const host = await manager({ relays: server.addresses })
  const hosting = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  await until(hosting, searching)
  expect(host.addresses().every((address) => address.includes('/p2p-circuit/'))).toBe(true)
  const guest = await manager({ relays: server.addresses })
  const { answer } = await ask(guest)
  expect(answer).toEqual(new Uint8Array([1, 2, 3]))
  expect(server.stats()).toMatchObject({ connections: 2, reservations: 1, registrations: 1 })
  await hosting.close()
  // The protocol has no answer to that, so it may still be on its way.
  await vi.waitFor(() => expect(server.stats().registrations).toBe(0))
})

test('a guest who came first is told of the host', async () => {
  const server = await relay()
  const guest = await manager({ relays: server.addresses })
  const asking = ask(guest)
  const host = await manager({ relays: server.addresses })
  await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  expect((await asking).answer).toEqual(new Uint8Array([1, 2, 3]))
})

test('many guests come through one relay in the same instant', async () => {
  const server = await relay()
  const host = await manager({ relays: server.addresses })
  await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  const guests = await Promise.all(Array.from({ length: 12 }, () => manager({ relays: server.addresses })))
  const answers = await Promise.all(guests.map((guest) => ask(guest)))
  expect(answers).toHaveLength(12)
})

test('a relay that was restarted is used again', async () => {
  const privateKey = new Uint8Array(32).fill(3)
  const first = await relay({ privateKey })
  const [address = ''] = first.addresses
  const host = await manager({ relays: [address] })
  const hosting = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  await until(hosting, searching)
  await first.stop()
  await until(hosting, (state) => state.status === 'unreachable-relay')
  expect(host.addresses()).toEqual([])
  const port = /tcp\/(\d+)/.exec(address)?.[1]
  const second = await relay({ privateKey, listen: [`/ip4/127.0.0.1/tcp/${port}/ws`] })
  await until(hosting, searching)
  expect(second.stats()).toMatchObject({ reservations: 1, registrations: 1 })
  const guest = await manager({ relays: [address] })
  expect((await ask(guest)).answer).toEqual(new Uint8Array([1, 2, 3]))
})

test('a relay that is not there keeps nobody from starting or meeting', async () => {
  const relays = ['/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5']
  const host = await manager({ relays, listen: LOOPBACK })
  const hosting = await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  await until(hosting, (state) => state.status === 'unreachable-relay')
  const guest = await manager({ relays })
  const { swarm } = await ask(guest, { addresses: host.addresses() })
  await until(await swarm, connected)
  expect((await swarm).state.relays).toEqual([{ address: relays[0], status: 'unreachable' }])
})

test('a lost connection is noticed, and dialled again', async () => {
  const host = await manager({ listen: LOOPBACK })
  await host.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  const [address = ''] = host.addresses()
  const proxy = await tcpProxy(Number(/tcp\/(\d+)/.exec(address)?.[1]))
  cleanups.push(() => proxy.close())
  const guest = await manager()
  const { swarm } = await ask(guest, { addresses: [address.replace(/tcp\/\d+/, `tcp/${proxy.port}`)] })
  await until(await swarm, connected)
  proxy.cut()
  await until(await swarm, searching)
  await until(await swarm, connected)
})

test('a length of 4 GiB ends the channel, and nothing is allocated for it', async () => {
  const node = new Libp2pNode({ listen: LOOPBACK })
  cleanups.push(() => node.stop())
  await node.start()
  const incoming = new Promise<Channel>((resolve) => node.handle('/test/1', resolve))
  const raw = await plainLibp2p()
  const [address = ''] = node.addresses()
  const stream = await raw.dialProtocol(multiaddr(address), '/test/1')
  const before = process.memoryUsage().arrayBuffers
  stream.send(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]))
  const channel = await incoming
  await expect(channel.receive()).rejects.toMatchObject({ code: 'TOO_LARGE' })
  expect(await channel.ended).toBe('too-large')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
})

test('lengths that are no minimal varint, and frames that are cut, end the channel', async () => {
  const node = new Libp2pNode({ listen: LOOPBACK })
  cleanups.push(() => node.stop())
  await node.start()
  const raw = await plainLibp2p()
  const [address = ''] = node.addresses()
  for (const [bytes, code, cut] of [
    [[0x81, 0x00, 1], 'MALFORMED', false],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 'MALFORMED', false],
    [[0x05, 1, 2], 'ABORTED', true],
  ] as const) {
    const incoming = new Promise<Channel>((resolve) => {
      const stop = node.handle('/test/1', (channel) => {
        stop()
        resolve(channel)
      })
    })
    const stream = await raw.dialProtocol(multiaddr(address), '/test/1')
    stream.send(new Uint8Array(bytes))
    if (cut) await stream.close()
    const channel = await incoming
    await expect(channel.receive()).rejects.toMatchObject({ code })
    expect(await channel.ended).toBe('aborted')
  }
})

test('any libp2p 3 node can use the rendezvous server by itself', async () => {
  const server = await relay()
  const [address = ''] = server.addresses
  const [one, two] = [await plainLibp2p(), await plainLibp2p()]
  const client = one.services.rendezvous.at(address)
  expect(await client.register('my-app')).toBe(7_200)
  const found = await two.services.rendezvous.at(address).discover('my-app')
  expect(found.registrations).toMatchObject([{ peer: one.peerId.toString() }])
  await expect(client.register('x'.repeat(256))).rejects.toMatchObject({ code: 'REFUSED' })
})

test('a peer that speaks another protocol, or is another peer, is told apart from one that is not there', async () => {
  const node = new Libp2pNode({ listen: LOOPBACK })
  const other = new Libp2pNode()
  for (const each of [node, other]) {
    cleanups.push(() => each.stop())
    await each.start()
  }
  const open = (addresses: string[]) => other.open({ addresses }, '/nothing/1')
  await expect(open(node.addresses())).rejects.toMatchObject({ code: 'REFUSED' })
  const wrong = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
  const [address = ''] = node.addresses()
  const lonely = new Libp2pNode()
  cleanups.push(() => lonely.stop())
  await lonely.start()
  await expect(
    lonely.open({ peer: node.peer, addresses: ['/ip4/127.0.0.1/tcp/1/ws'] }, '/nothing/1'),
  ).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await expect(
    lonely.open({ addresses: [address.replace(/\/p2p\/.*/, `/p2p/${wrong}`)] }, '/nothing/1'),
  ).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await expect(open(['nonsense'])).rejects.toMatchObject({ code: 'UNREACHABLE' })
})

async function plainLibp2p() {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), rendezvous: rendezvousClient() },
  })
  cleanups.push(() => node.stop())
  return node
}

/** A TCP proxy on a port of its own whose connections can be cut without a word. */
async function tcpProxy(port: number): Promise<{ port: number; cut(): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('close', () => to.destroy())
      // A reset is what this is for.
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    port: (server.address() as { port: number }).port,
    cut,
    close: () => {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

test('a dial that is given up leaves no socket', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket.resume()))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const relays = [`/ip4/127.0.0.1/tcp/${port}/ws/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5`]
  const node = await manager({ relays })
  await node.joinSwarm({ topic: TOPIC, topology: 'host', protocolProvider: echo })
  await vi.waitFor(() => expect(sockets).toHaveLength(1))
  await node.stop()
  await vi.waitFor(() => expect(sockets[0]?.destroyed).toBe(true))
})
