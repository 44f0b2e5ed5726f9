import { randomBytes } from '@noble/hashes/utils.js'
import { proveFeed } from '@vestibule/credentials'
import { createRecoveryPhrase, equalBytes, Keyring, type PublicKey } from '@vestibule/keys'
import {
  type Channel,
  type ChannelEnd,
  type Clock,
  NetworkError,
  type NetworkManager,
  type SwarmOptions,
} from '@vestibule/network'
import { createBatch, emptyHead, type FeedBatch } from '../src/feed/entry.ts'
import {
  acceptIdentity,
  type Candidate,
  encodeAdmission,
  encodeDeviceAdmission,
  type IdentityBackup,
  MemoryStorage,
  parseAdmission,
  parseDeviceAdmission,
  type RecoveryAuthority,
  SigningContext,
  type Space,
  SpaceManager,
  type Storage,
} from '../src/index.ts'
import { SpaceFrame } from '../src/replication/frame.ts'
import { shakeHands } from '../src/replication/handshake.ts'
import type { SpaceStore } from '../src/space-store.ts'

/** Time stands still; timers never fire. */
export const stillClock = { now: () => 1_700_000_000_000, after: () => () => {} }

/** Two ends of a channel in memory: what one sends the other receives. */
export function channelPair(one: string, other: string): [Channel, Channel] {
  const ends: [End, End] = [new End(one, other, true), new End(other, one, false)]
  ends[0].other = ends[1]
  ends[1].other = ends[0]
  return ends
}

class End implements Channel {
  readonly localPeer: string
  readonly remotePeer: string
  readonly initiator: boolean
  readonly ended: Promise<ChannelEnd>
  other!: End
  #queue: Uint8Array[] = []
  #waiting: (() => void)[] = []
  #end: NetworkError | undefined
  #resolveEnded!: (end: ChannelEnd) => void

  constructor(localPeer: string, remotePeer: string, initiator: boolean) {
    this.localPeer = localPeer
    this.remotePeer = remotePeer
    this.initiator = initiator
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    this.other.#queue.push(frame.slice())
    this.other.#wake()
  }

  async receive({ signal, maxBytes = 1 << 20 }: { signal?: AbortSignal; maxBytes?: number } = {}) {
    for (;;) {
      signal?.throwIfAborted()
      const frame = this.#queue.shift()
      if (frame !== undefined) {
        if (frame.length > maxBytes) throw new NetworkError('TOO_LARGE', 'too large')
        return frame
      }
      if (this.#end !== undefined) throw this.#end
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  async close(): Promise<void> {
    this.#finish('CLOSED')
    this.other.#finish('CLOSED')
  }

  abort(): void {
    this.#queue = []
    this.#finish('ABORTED')
    this.other.#finish('ABORTED')
  }

  #finish(code: 'CLOSED' | 'ABORTED'): void {
    this.#end ??= new NetworkError(code, 'the channel has ended')
    this.#resolveEnded(code === 'CLOSED' ? 'closed' : 'aborted')
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** Somebody's part in a swarm. */
interface Membership extends SwarmOptions {
  readonly closing: AbortController
  /** Whom there is a channel with. */
  readonly links: Set<Membership>
}

/** Everybody in a swarm is connected to everybody else at once; whoever is cut off is connected to nobody. */
export class World {
  #swarms = new Map<string, Map<string, Membership>>()
  #off = new Set<string>()
  #cuts = new Map<string, AbortController>()
  readonly clock: Clock

  constructor(clock: Clock = stillClock) {
    this.clock = clock
  }

  networkManager(peer: string): Pick<NetworkManager, 'joinSwarm'> {
    return {
      joinSwarm: async (options: SwarmOptions) => {
        const member: Membership = { ...options, closing: new AbortController(), links: new Set() }
        const setTopics = async (topics: readonly Uint8Array[]) => this.#place(peer, member, topics)
        await setTopics([options.topic])
        const close = async (): Promise<void> => {
          await setTopics([])
          member.closing.abort(new NetworkError('CLOSED', 'left the swarm'))
        }
        const state = { status: 'searching' as const, peers: [], relays: [] }
        return { peers: [], state, subscribe: () => () => {}, setTopics, close, [Symbol.asyncDispose]: close }
      },
    }
  }

  /** Names of those who are to be found under a topic. */
  under(topic: Uint8Array): string[] {
    return [...(this.#swarms.get(topic.join())?.keys() ?? [])].sort()
  }

  /** Puts a member under these topics and no others; its channels stay. */
  #place(peer: string, member: Membership, topics: readonly Uint8Array[]): void {
    const wanted = new Set(topics.map((topic) => topic.join()))
    for (const [topic, swarm] of this.#swarms)
      if (!wanted.has(topic) && swarm.get(peer) === member) swarm.delete(peer)
    for (const topic of wanted) {
      const swarm = this.#swarms.get(topic) ?? new Map<string, Membership>()
      this.#swarms.set(topic, swarm)
      if (swarm.get(peer) === member) continue
      for (const [other, theirs] of swarm)
        if (!member.links.has(theirs)) this.#connect(peer, member, other, theirs)
      swarm.set(peer, member)
    }
  }

  /** Cuts a peer off, or connects it again. */
  setOnline(peer: string, online: boolean): void {
    if (online) this.#off.delete(peer)
    else this.#off.add(peer)
    if (!online) this.#cuts.get(peer)?.abort(new NetworkError('ABORTED', 'cut off'))
    this.#cuts.delete(peer)
    if (online) this.reconnect(peer)
  }

  /** Channels from this peer to all others. */
  reconnect(peer: string): void {
    const met = new Set<Membership>()
    for (const swarm of this.#swarms.values()) {
      const own = swarm.get(peer)
      for (const [other, theirs] of own === undefined ? [] : swarm) {
        if (other === peer || met.has(theirs)) continue
        met.add(theirs)
        if (own !== undefined) this.#connect(peer, own, other, theirs)
      }
    }
  }

  #connect(a: string, ours: Membership, b: string, theirs: Membership): void {
    if (this.#off.has(a) || this.#off.has(b)) return
    if (ours.topology === theirs.topology && ours.topology !== 'mesh') return
    const [mine, yours] = channelPair(a, b)
    for (const [own, other, { ended }] of [
      [ours, theirs, mine],
      [theirs, ours, yours],
    ] as const) {
      own.links.add(other)
      void ended.then(() => own.links.delete(other))
    }
    const cut = AbortSignal.any([this.#cut(a), this.#cut(b)])
    for (const [options, channel] of [
      [ours, mine],
      [theirs, yours],
    ] as const)
      void Promise.resolve(
        options.protocolProvider(channel, { signal: AbortSignal.any([options.closing.signal, cut]) }),
      ).catch(() => channel.abort())
  }

  #cut(peer: string): AbortSignal {
    const controller = this.#cuts.get(peer) ?? new AbortController()
    this.#cuts.set(peer, controller)
    return controller.signal
  }
}

/** A person on a device, with an open manager. */
export class Person {
  readonly name: string
  readonly keyring: Keyring
  readonly storage: Storage
  readonly signingContext: SigningContext
  readonly manager: SpaceManager

  constructor(parts: Pick<Person, 'name' | 'keyring' | 'storage' | 'signingContext' | 'manager'>) {
    this.name = parts.name
    this.keyring = parts.keyring
    this.storage = parts.storage
    this.signingContext = parts.signingContext
    this.manager = parts.manager
  }

  static async join(
    world: World,
    name: string,
    storage: Storage = new MemoryStorage(),
    keyring = new Keyring(),
  ): Promise<Person> {
    const signingContext = await SigningContext.create({
      keyring,
      storage,
      displayName: name,
      clock: world.clock,
    })
    return Person.#open(world, { name, keyring, storage, signingContext })
  }

  /** The same person after a restart, with another handle to the same storage. */
  async restart(world: World, storage: Storage): Promise<Person> {
    const { name, keyring } = this
    const signingContext = await SigningContext.open({ keyring, storage, clock: world.clock })
    return Person.#open(world, { name, keyring, storage, signingContext })
  }

  static async #open(
    world: World,
    parts: Pick<Person, 'name' | 'keyring' | 'storage' | 'signingContext'>,
  ): Promise<Person> {
    const networkManager = world.networkManager(parts.name)
    const manager = new SpaceManager({ ...parts, networkManager, clock: world.clock })
    await manager.open()
    return new Person({ ...parts, manager })
  }

  /** The same person on a bare machine, with nothing but the phrase, and what was found by it. */
  static async recover(
    world: World,
    name: string,
    { recovery, profile, spaces }: IdentityBackup,
    phrase: RecoveryAuthority,
  ): Promise<Person> {
    const parts = { keyring: new Keyring(), storage: new MemoryStorage(), clock: world.clock }
    const { displayName } = profile
    const options = { ...parts, displayName, recovery, recoveryKeyring: phrase.keyring }
    const person = await Person.#open(world, {
      ...parts,
      name,
      signingContext: await SigningContext.recover(options),
    })
    await person.manager.identity.restore({ spaces })
    return person
  }

  /**
   * The same person on a fresh device, which this one admits over the wire format, as an invitation does. Without spaces
   * it stays offline, or it would take them up by itself.
   */
  async secondDevice(world: World, name: string, options: { withSpaces?: boolean } = {}): Promise<Person> {
    const [keyring, storage] = [new Keyring(), new MemoryStorage()]
    const own = { deviceKey: await keyring.createKey(), agreementKey: await keyring.createAgreementKey() }
    const admission = await this.manager.identity.admitDevice({ ...own, label: name })
    const received = await parseDeviceAdmission(
      encodeDeviceAdmission(options.withSpaces === false ? { ...admission, spaces: [] } : admission),
    )
    if (options.withSpaces === false) world.setOnline(name, false)
    const signingContext = await acceptIdentity(received, { keyring, storage, clock: world.clock, ...own })
    return Person.#open(world, { name, keyring, storage, signingContext })
  }

  async candidate(): Promise<Candidate> {
    const { identityKey, chain, deviceKey, agreementKey, profile } = this.signingContext
    const [controlFeedKey, dataFeedKey] = [await this.keyring.createKey(), await this.keyring.createKey()]
    const own = { signer: this.keyring, member: identityKey, device: deviceKey }
    return {
      ...{ identityKey, chain, deviceKey, agreementKey, profile, controlFeedKey, dataFeedKey },
      controlFeedProof: await proveFeed({ ...own, feed: controlFeedKey, purpose: 'CONTROL' }),
      dataFeedProof: await proveFeed({ ...own, feed: dataFeedKey, purpose: 'DATA' }),
    }
  }
}

/** Believes everybody to be a member, and has nothing to show for itself. */
export const trusting = {
  isRevoked: () => false,
  isMember: () => true,
  isAdmittedBy: async () => true,
  path: [],
}

/** A phrase on paper: its keys in a keyring that is forgotten with the test. */
export async function paper(): Promise<RecoveryAuthority> {
  const keyring = new Keyring()
  return { keyring, keys: await keyring.importRecoveryKeys(createRecoveryPhrase()) }
}

/** Admits a person over the wire format, as an invitation does. */
export async function bring(
  space: Space,
  guest: Person,
  role: 'READER' | 'EDITOR' | 'ADMIN' | 'OWNER' = 'EDITOR',
  addresses: readonly string[] = [],
  history: 'all' | 'none' = 'all',
): Promise<Space> {
  const candidate = await guest.candidate()
  const admission = await space.admit(candidate, { role, history })
  const received = await parseAdmission(encodeAdmission(admission))
  return guest.manager.acceptSpace(received, { ...candidate, role, addresses })
}

/** Puts entries into somebody's control feed, empty so far, and waits until the space has stored them. */
export async function publish(
  space: Space,
  person: Person,
  feed: PublicKey,
  payloads: Uint8Array[],
): Promise<void> {
  const { batch } = await createBatch(person.keyring, emptyHead(space.key, feed), payloads)
  await send(space, person, feed, [batch])
}

/** Sends batches of a feed in somebody's name, and waits until the space has stored them. */
export async function send(
  space: Space,
  person: Person,
  feed: PublicKey,
  batches: readonly FeedBatch[],
): Promise<void> {
  const never = new AbortController().signal
  const [channel, theirs] = channelPair(person.name, 'host')
  const served = space.serve(theirs, never).catch((error: Error) => error.name)
  const { signingContext } = person
  const own = { spaceKey: space.key, signingContext, nonce: randomBytes(32), signal: never }
  await shakeHands(channel, { ...trusting, ...own })
  for (const batch of batches)
    await channel.send(SpaceFrame.encode({ entries: { feed: feed.toBytes(), batch } }))
  const last = batches.at(-1)
  const length = last && last.from + last.payloads.length
  const isStored = (head: { feed: Uint8Array; length: number }) =>
    equalBytes(head.feed, feed.toBytes()) && head.length === length
  for (let stored = false; !stored; )
    stored = SpaceFrame.parseLenient(await channel.receive()).heads?.heads.some(isStored) ?? false
  await channel.close()
  await served
}

/** What a space keeps, which its face does not show. */
export const storeOf = (space: Space): SpaceStore =>
  (space as unknown as { readonly store: SpaceStore }).store

/** Waits until a condition holds, looking again at every event of the space. */
export const until = (space: Space, holds: () => boolean): Promise<void> => untilAll([space], holds)

/** Waits until a condition holds, looking again at every event of the spaces. */
export async function untilAll(spaces: readonly Space[], holds: () => boolean): Promise<void> {
  if (holds()) return
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!holds()) return
      for (const stop of stops) stop()
      resolve()
    }
    const events = {
      ...{ onMembers: look, onMessage: look, onMessages: look, onRemoval: look },
      ...{ onPeers: look, onProblem: look, onReadKeys: look, onDelegations: look },
    }
    const stops = spaces.map((space) => space.subscribe(events))
  })
}

export const namesOf = (space: Space): string[] =>
  space
    .members()
    .map(({ profile }) => profile.displayName)
    .sort()

export const textsOf = (space: Space): (string | undefined)[] => space.messages().map(({ text }) => text)

/** Each of two writes a message, and has both in the end. */
export async function greet(hers: Space, his: Space): Promise<void> {
  await hers.write('hello')
  await until(his, () => his.messages().length === 1)
  await his.write('hello Ada')
  await until(hers, () => hers.messages().length === 2)
}
