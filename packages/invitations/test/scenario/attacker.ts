import { Keyring, type Redacted, Redacted as Secret } from '@vestibule/keys'
import { type Channel, NetworkManager, type NetworkNode, type SwarmConnection } from '@vestibule/network'
import { MemoryStorage, SigningContext } from '@vestibule/space'
import { GuestSession } from '../../src/driver/guest-session.ts'
import { type GuestFeeds, provenRequest } from '../../src/kind/space-guest.ts'
import type { InvitationLink } from '../../src/link/link.ts'
import { deriveLinkKeys, type LinkKeys } from '../../src/link/link-keys.ts'
import type { HostMessage } from '../../src/protocol/messages.ts'
import type { Surroundings } from './world.ts'

/** What an attacker has; whatever is left out is its own. */
export interface Loot {
  /** Keys that it makes of the link; without the link's secret they are wrong. */
  readonly keys?: LinkKeys
  readonly keyring?: Keyring
  readonly signingContext?: SigningContext
  /** Whether it signs as the known guest of the link; as honest guests do unless given. */
  readonly answersAsKnown?: boolean
  /** Where it looks for the host, instead of where the link says. */
  readonly addresses?: readonly string[]
}

/** A guest that does what it likes: one connection on an invitation's topic, moved on message by message. */
export class Attacker {
  readonly #world: Surroundings
  readonly #link: InvitationLink
  readonly #loot: Required<Loot>
  readonly #node: NetworkNode
  readonly #swarm: SwarmConnection
  readonly #manager: NetworkManager
  readonly #signal = new AbortController().signal
  readonly session: GuestSession
  readonly channel: Channel
  /** Every frame that it sent. */
  readonly sent: Uint8Array[]
  /** What becomes of a frame before it goes out. */
  mangle: (frame: Uint8Array) => Uint8Array = (frame) => frame
  isOpen = true
  /** How the channel ended. */
  readonly ended: Promise<string>

  private constructor(
    world: Surroundings,
    link: InvitationLink,
    loot: Required<Loot>,
    node: NetworkNode,
    manager: NetworkManager,
    swarm: SwarmConnection,
    channel: Channel,
  ) {
    this.#world = world
    this.#link = link
    this.#loot = loot
    this.#node = node
    this.#manager = manager
    this.#swarm = swarm
    this.sent = []
    this.channel = through(channel, (frame) => {
      const mangled = this.mangle(frame.slice())
      this.sent.push(mangled)
      return mangled
    })
    this.session = new GuestSession('attacker', this.channel, { link, keys: loot.keys, random: world.random })
    this.ended = channel.ended.then((end) => {
      this.isOpen = false
      return end
    })
  }

  /** Finds the host and opens a channel to it. */
  static async enter(world: Surroundings, link: InvitationLink, loot: Loot = {}): Promise<Attacker> {
    const keyring = loot.keyring ?? new Keyring()
    const { clock } = world
    const storage = new MemoryStorage()
    const signingContext =
      loot.signingContext ??
      (await SigningContext.create({ keyring, storage, displayName: 'mallory', clock }))
    const keys = loot.keys ?? deriveLinkKeys(link.secret)
    const addresses = loot.addresses ?? link.hosts
    const answersAsKnown = loot.answersAsKnown ?? true
    const complete = { keys, keyring, signingContext, addresses, answersAsKnown }
    return Attacker.#enter(world, link, complete, world.network.createNode())
  }

  static async #enter(world: Surroundings, link: InvitationLink, loot: Required<Loot>, node: NetworkNode) {
    const { clock, network, relay } = world
    const manager = new NetworkManager({
      node: several(node),
      clock,
      random: network.random,
      relays: [relay.address],
    })
    await node.start()
    await manager.start()
    const opened = Promise.withResolvers<Channel>()
    const swarm = await manager.joinSwarm({
      topic: deriveLinkKeys(link.secret).topic,
      topology: 'guest',
      addresses: loot.addresses,
      protocolProvider: async (channel) => {
        opened.resolve(channel)
        await channel.ended
      },
    })
    const channel = await clock.settle(opened.promise)
    return new Attacker(world, link, loot, node, manager, swarm, channel)
  }

  /** Another connection of the same peer. */
  again(): Promise<Attacker> {
    return Attacker.#enter(this.#world, this.#link, this.#loot, this.#node)
  }

  /** Another connection of the same person, from another peer. */
  elsewhere(): Promise<Attacker> {
    return Attacker.#enter(this.#world, this.#link, this.#loot, this.#world.network.createNode())
  }

  read(): Promise<HostMessage> {
    return this.session.read(this.#signal)
  }

  /** Messages 1 and 2. @returns what came back */
  async greet(resume = false): Promise<HostMessage> {
    await this.session.hello(resume)
    const answer = await this.read()
    if (answer.type === 'offer') await this.session.acceptsOffer(answer)
    return answer
  }

  /** Messages 3 and 4. */
  async agree(code: string | undefined, attempt = 1): Promise<HostMessage> {
    const secret: Redacted<string> | undefined = code === undefined ? undefined : new Secret(code)
    await this.session.share(attempt, secret)
    const answer = await this.read()
    if (answer.type === 'share') this.session.acceptsShare(answer.share)
    return answer
  }

  async feeds(): Promise<GuestFeeds> {
    const { keyring } = this.#loot
    return { controlFeedKey: await keyring.createKey(), dataFeedKey: await keyring.createKey() }
  }

  /** Message 5. */
  async prove(feeds?: GuestFeeds): Promise<void> {
    const own = feeds ?? (await this.feeds())
    const asked = this.#loot.answersAsKnown ? this.#link.guest : undefined
    await this.session.prove((th2) => provenRequest(this.#loot, own, th2, asked))
  }

  /** Messages 1 to 5, and what comes after it. */
  async ask(code: string | undefined, feeds?: GuestFeeds): Promise<HostMessage> {
    await this.greet()
    await this.agree(code)
    await this.prove(feeds)
    return this.read()
  }

  /** Gives up this connection; its peer may open others. */
  async hangUp(): Promise<void> {
    await this.#swarm.close()
    await this.#manager.stop()
  }

  async leave(): Promise<void> {
    await this.hangUp()
    await this.#node.stop()
  }
}

function through(channel: Channel, change: (frame: Uint8Array) => Uint8Array): Channel {
  const { localPeer, remotePeer, initiator, ended } = channel
  return {
    localPeer,
    remotePeer,
    initiator,
    ended,
    send: (frame, options) => channel.send(change(frame), options),
    receive: (options) => channel.receive(options),
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
  }
}

/** A node that several managers may use, as no honest one's does: nobody dials it, and none of them stops it. */
function several(node: NetworkNode): NetworkNode {
  return {
    get peer() {
      return node.peer
    },
    addresses: () => node.addresses(),
    handle: () => () => undefined,
    open: (target, protocol, options) => node.open(target, protocol, options),
    connectRelay: (address, options) => node.connectRelay(address, options),
    start: async () => undefined,
    stop: async () => undefined,
  }
}
