import { type Channel, NetworkManager } from '@vestibule/network'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { parseInvitation } from '../../src/link/link.ts'
import { deriveLinkKeys } from '../../src/link/link-keys.ts'
import { Attacker } from '../scenario/attacker.ts'
import { answer, ended, type Invited, namesOf, type Peopled, statesOf, World } from '../scenario/world.ts'
import { Sockets } from './sockets.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Poses as the host to whoever looks for it, and passes on what it hears to the real one, and back. */
async function between(world: Peopled, { link }: Pick<Invited, 'link'>, host: readonly string[] = []) {
  const { clock, network } = world
  const loot = host.length > 0 ? { addresses: host } : {}
  const towardsHost = await Attacker.enter(world, parseInvitation(link), loot)
  const passed: string[] = []
  const pass = async (from: Channel, to: Channel, whose: string): Promise<void> => {
    for (;;) {
      const frame = await from.receive()
      passed.push(whose)
      await to.send(frame)
    }
  }
  const node = network.createNode({ reachable: true })
  const manager = new NetworkManager({ node, clock, random: network.random, relays: [world.relay.address] })
  await manager.start()
  const { topic } = deriveLinkKeys(parseInvitation(link).secret)
  await manager.joinSwarm({
    topic,
    topology: 'host',
    protocolProvider: async (channel) => {
      const { channel: other } = towardsHost
      await Promise.race([pass(channel, other, 'guest'), pass(other, channel, 'host')])
    },
  })
  cleanups.push(async () => {
    await clock.settle(manager.stop())
    await clock.settle(towardsHost.leave())
  })
  return { passed, peer: manager.peer, towardsHost }
}

describe('somebody who has the link and is between the two', () => {
  test('can pass on what they say and is no further: nothing but the first message and its refusal', async () => {
    const world = new World()
    const [ada, bob] = [await world.person('ada'), await world.person('bob')]
    const invitation = await ada.invite(await ada.createSpace())
    cleanups.push(() => world.close())
    const { passed, peer, towardsHost } = await between(world, invitation)
    // The guest can reach nobody else.
    world.network.partition([bob.peer, peer, world.relay.id], [ada.peer, towardsHost.channel.localPeer])
    const provider = bob.accept(invitation.link)
    const states = statesOf(provider)
    answer(provider, invitation.code ?? '')
    await world.clock.advance(5_000)
    expect(passed).toEqual(['guest', 'host'])
    expect(states).toEqual(['INIT', 'CONNECTING'])
    expect(invitation.observable.invitation.state).toBe('CONNECTING')
    world.network.heal()
    expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
    expect((await ada.record(invitation.link))?.progress.charged).toBe(0)
  })

  test('and is the relay as well, over libp2p, hides the host at most', { timeout: 60_000 }, async () => {
    const world = await Sockets.open()
    cleanups.push(() => world.close())
    // It does not let the host register, so that nobody finds it there; its accomplice has found out its address.
    const [ada, bob] = [await world.person('ada', { isRefused: true }), await world.person('bob')]
    const host = ada.running.networkManager.addresses()
    const space = await ada.createSpace()
    // What the guest gets of the network is the relay's word alone.
    vi.spyOn(ada.running.networkManager, 'addresses').mockReturnValue([])
    const invitation = await ada.invite(space, { authMethod: 'NONE' })
    const { passed } = await between(world, invitation, host)
    const provider = bob.accept(invitation.link, { timeout: 4_000 })
    const states = statesOf(provider)
    expect(await ended(provider)).toBe('TIMEOUT TIMED_OUT')
    expect(new Set(passed)).toEqual(new Set(['guest', 'host']))
    expect(states).toEqual(['INIT', 'CONNECTING', 'TIMEOUT'])
    expect(namesOf(space)).toEqual(['ada'])
    expect(invitation.observable.invitation.state).toBe('CONNECTING')
  })
})
