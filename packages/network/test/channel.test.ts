import { describe, test } from 'vitest'
import { type Channel, Libp2pNode, systemClock } from '../src/index.ts'
import { channelSuite, MemoryNetwork } from '../src/testing.ts'

channelSuite('memory', { describe, test }, async () => {
  const network = new MemoryNetwork({ clock: systemClock })
  const [a, b] = [network.createNode(), network.createNode()]
  await Promise.all([a.start(), b.start()])
  const incoming = new Promise<Channel>((resolve) => b.handle('/test/1', resolve))
  const near = await a.open({ addresses: b.addresses() }, '/test/1')
  return {
    near,
    far: await incoming,
    breakConnection: () => network.disconnect(a.peer),
    stop: async () => {
      await a.stop()
      await b.stop()
    },
  }
})

channelSuite('memory with delays', { describe, test }, async () => {
  const network = new MemoryNetwork({ clock: systemClock, faults: { delayMs: [0, 2] } })
  const [a, b] = [network.createNode(), network.createNode()]
  await Promise.all([a.start(), b.start()])
  const incoming = new Promise<Channel>((resolve) => b.handle('/test/1', resolve))
  const near = await a.open({ addresses: b.addresses() }, '/test/1')
  return {
    near,
    far: await incoming,
    breakConnection: () => network.disconnect(a.peer),
    stop: async () => {
      await a.stop()
      await b.stop()
    },
  }
})

channelSuite('libp2p', { describe, test }, async () => {
  const a = new Libp2pNode()
  const b = new Libp2pNode({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  await Promise.all([a.start(), b.start()])
  const incoming = new Promise<Channel>((resolve) => b.handle('/test/1', resolve))
  const near = await a.open({ addresses: b.addresses() }, '/test/1')
  return {
    near,
    far: await incoming,
    breakConnection: () => a.stop(),
    stop: async () => {
      await a.stop()
      await b.stop()
    },
  }
})
