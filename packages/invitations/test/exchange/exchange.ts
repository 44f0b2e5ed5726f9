import '../crypto-here.ts'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { verifyCredential } from '@vestibule/credentials'
import { Keyring, type PublicKey, Redacted } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import { seededRandom } from '@vestibule/network/testing'
import { MemoryStorage, SigningContext } from '@vestibule/space'
import { GuestSession } from '../../src/driver/guest-session.ts'
import { HostSession } from '../../src/driver/host-session.ts'
import type { Applicant, HostKind, Unproven } from '../../src/kind/kind.ts'
import { provenRequest } from '../../src/kind/space-guest.ts'
import { SpaceHost, verifiedCandidate } from '../../src/kind/space-host.ts'
import { encodeInvitation, InvitationLink, parseInvitation } from '../../src/link/link.ts'
import { commitment, deriveLinkKeys } from '../../src/link/link-keys.ts'
import { provenRequestCodec } from '../../src/protocol/messages.ts'
import { World } from '../scenario/world.ts'

/** A whole exchange: all that went into it, and all that was said. Byte strings are in hex. */
export interface ExchangeVector {
  readonly link: string
  readonly code: string
  readonly peers: { readonly guest: string; readonly host: string }
  readonly preview: { readonly spaceName: string; readonly inviterName: string; readonly role: 'EDITOR' }
  /** Seeds of Ed25519 keys; that of HK is the host's, the others are the guest's. */
  readonly seeds: Readonly<Record<'hostKey' | 'identity' | 'device' | 'controlFeed' | 'dataFeed', string>>
  readonly guest: {
    readonly displayName: string
    readonly agreementKey: string
    /** Credentials that lead from the device to the identity. */
    readonly chain: readonly string[]
  }
  readonly random: Readonly<Record<'guestNonce' | 'hostNonce' | 'guestShare' | 'hostShare', string>>
  /** What the host's answer holds. */
  readonly admission: string
  /** Messages 1 to 6, as they go over the channel. */
  readonly frames: readonly string[]
}

const PEERS = {
  guest: '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X',
  host: '12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3',
}

/** Two ends of one line on which every frame is written down. */
function line(frames: string[]): { readonly guest: Channel; readonly host: Channel } {
  const inbox = { guest: [] as Uint8Array[], host: [] as Uint8Array[] }
  const end = (own: 'guest' | 'host', other: 'guest' | 'host'): Channel => ({
    localPeer: PEERS[own],
    remotePeer: PEERS[other],
    initiator: own === 'guest',
    ended: new Promise(() => undefined),
    send: async (frame) => {
      frames.push(bytesToHex(frame))
      inbox[other].push(frame)
    },
    receive: async () => {
      const frame = inbox[own].shift()
      if (frame === undefined) throw new Error('nothing was sent')
      return frame
    },
    close: async () => undefined,
    abort: () => undefined,
  })
  return { guest: end('guest', 'host'), host: end('host', 'guest') }
}

const inTurn = (...parts: readonly string[]): (() => Uint8Array) => {
  const left = [...parts]
  return () => hexToBytes(left.shift() ?? '')
}

interface Talk {
  readonly code: string
  /** Makes the plaintext of message 5. */
  readonly request: (th2: Uint8Array) => Promise<Uint8Array>
  readonly kind: Pick<HostKind, 'verify'>
  /** What the host answers to whom it verified, in hex. */
  readonly answer: () => Promise<string>
}

/** Messages 1 to 6 between two sessions. */
async function talk(
  guest: GuestSession,
  host: HostSession,
  { code, request, kind, answer }: Talk,
): Promise<void> {
  const { signal } = new AbortController()
  await guest.hello(false)
  await host.read(signal)
  await host.offer()
  const offer = await guest.read(signal)
  if (offer.type !== 'offer' || !(await guest.acceptsOffer(offer))) throw new Error('no offer')
  await guest.share(1, new Redacted(code))
  await host.read(signal)
  if (!(await host.answerShare(1))) throw new Error('no share')
  const share = await guest.read(signal)
  if (share.type !== 'share' || !guest.acceptsShare(share.share)) throw new Error('no agreement')
  await guest.prove(request)
  await host.read(signal)
  if (!host.compare() || (await host.verify(kind as HostKind)) !== 'verified') throw new Error('not verified')
  await host.answer(hexToBytes(await answer()))
  const answered = await guest.read(signal)
  const read = async () => ({ store: async () => ({}) })
  if (answered.type !== 'admitted' || !(await guest.acceptsAnswer(answered, read)))
    throw new Error('not admitted')
}

/** The same exchange once more, from what is published. @returns its frames */
export async function repeatExchange(vector: ExchangeVector): Promise<readonly string[]> {
  const { seeds, random, guest, preview, code } = vector
  const [hostKeyring, guestKeyring] = [new Keyring(), new Keyring()]
  await hostKeyring.importKey(hexToBytes(seeds.hostKey))
  const [identityKey, deviceKey, controlFeedKey, dataFeedKey] = await Promise.all(
    [seeds.identity, seeds.device, seeds.controlFeed, seeds.dataFeed].map((seed) =>
      guestKeyring.importKey(hexToBytes(seed)),
    ),
  )
  const chain = await Promise.all(guest.chain.map((one) => verifyCredential(hexToBytes(one))))
  const link = parseInvitation(vector.link)
  const keys = deriveLinkKeys(link.secret)
  const frames: string[] = []
  const ends = line(frames)
  const signingContext = {
    identityKey,
    deviceKey,
    agreementKey: hexToBytes(guest.agreementKey),
    chain,
    profile: { displayName: guest.displayName },
  } as unknown as SigningContext
  const guestSession = new GuestSession('guest', ends.guest, {
    link,
    keys,
    random: inTurn(random.guestNonce, random.guestShare),
  })
  const hostSession = new HostSession('host', ends.host, {
    link,
    keys,
    keyring: hostKeyring,
    preview,
    code: () => new Redacted(code),
    random: inTurn(random.hostNonce, random.hostShare),
  })
  if (controlFeedKey === undefined || dataFeedKey === undefined) throw new TypeError('no feeds')
  const feeds = { controlFeedKey, dataFeedKey }
  const request = (th2: Uint8Array) => provenRequest({ keyring: guestKeyring, signingContext }, feeds, th2)
  // The answer is published, so nobody is admitted anew; the proofs are checked all the same.
  const checks = { verify: async (proven: Uint8Array, th2: Uint8Array) => verifying(proven, th2) }
  await talk(guestSession, hostSession, { code, request, kind: checks, answer: async () => vector.admission })
  return frames
}

async function verifying(proven: Uint8Array, th2: Uint8Array): Promise<Applicant | Unproven> {
  const candidate = await verifiedCandidate(provenRequestCodec.parse(proven), th2)
  if (candidate === undefined) return 'PROOF_INVALID'
  const { identityKey: key, deviceKey } = candidate
  return { key, shown: { deviceKey, displayName: '' }, admit: async () => new Uint8Array(0) }
}

/** A keyring whose keys come from seeds that are known afterwards. */
class KnownKeyring extends Keyring {
  readonly seeds = new Map<string, string>()
  readonly #random: (length: number) => Uint8Array

  constructor(random: (length: number) => Uint8Array) {
    super()
    this.#random = random
  }

  override async createKey(): Promise<PublicKey> {
    const seed = this.#random(32)
    const key = await this.importKey(seed)
    this.seeds.set(String(key), bytesToHex(seed))
    return key
  }

  seedOf(key: PublicKey): string {
    return this.seeds.get(String(key)) ?? ''
  }
}

/** An exchange between new people about a new space. What seals the space's read keys is fresh each time. */
export async function recordExchange(): Promise<ExchangeVector> {
  const drawn = seededRandom(6)
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(drawn() * 256))
  const world = new World()
  const ada = await world.person('Ada')
  const space = await ada.createSpace('Garden')
  const [hostKeyring, keyring] = [new KnownKeyring(bytes), new KnownKeyring(bytes)]
  const { clock } = ada.running
  const storage = new MemoryStorage()
  const bob = await SigningContext.create({ keyring, storage, displayName: 'Bob', clock })
  const secret = new Redacted(bytes(16))
  const keys = deriveLinkKeys(secret)
  const hostKey = await hostKeyring.createKey()
  const link = InvitationLink.create({
    kind: 'SPACE',
    type: 'INTERACTIVE',
    authMethod: 'SHARED_SECRET',
    multiUse: false,
    secret,
    hostKey,
    commitment: commitment(keys, 'SPACE', hexToBytes(space.genesisId)),
    expiresAtMs: Date.UTC(2035, 0, 1),
    relays: ['/dns4/relay.example.org/tcp/443/wss'],
    hosts: [],
  })
  const code = '493027'
  const feeds = { controlFeedKey: await keyring.createKey(), dataFeedKey: await keyring.createKey() }
  const preview = { spaceName: 'Garden', inviterName: 'Ada', role: 'EDITOR' } as const
  const random = {
    guestNonce: bytesToHex(bytes(32)),
    hostNonce: bytesToHex(bytes(32)),
    guestShare: bytesToHex(bytes(64)),
    hostShare: bytesToHex(bytes(64)),
  }
  const frames: string[] = []
  const ends = line(frames)
  const guestSession = new GuestSession('guest', ends.guest, {
    link,
    keys,
    random: inTurn(random.guestNonce, random.guestShare),
  })
  const hostSession = new HostSession('host', ends.host, {
    link,
    keys,
    keyring: hostKeyring,
    preview,
    code: () => new Redacted(code),
    random: inTurn(random.hostNonce, random.hostShare),
  })
  let admission = ''
  const answer = async (): Promise<string> => {
    if (hostSession.applicant === undefined) throw new Error('nobody asks')
    admission = bytesToHex(await world.clock.settle(hostSession.applicant.admit()))
    return admission
  }
  const request = (th2: Uint8Array) => provenRequest({ keyring, signingContext: bob }, feeds, th2)
  const target = { spaceKey: space.key, role: 'EDITOR', history: 'all', madeAfter: [] } as const
  const kind = new SpaceHost(space, ada.running.signingContext, target, keys.invitationId)
  await talk(guestSession, hostSession, { code, request, kind, answer })
  await world.close()
  return {
    link: encodeInvitation(link),
    code,
    peers: PEERS,
    preview,
    seeds: {
      hostKey: hostKeyring.seedOf(hostKey),
      identity: keyring.seedOf(bob.identityKey),
      device: keyring.seedOf(bob.deviceKey),
      controlFeed: keyring.seedOf(feeds.controlFeedKey),
      dataFeed: keyring.seedOf(feeds.dataFeedKey),
    },
    guest: {
      displayName: 'Bob',
      agreementKey: bytesToHex(bob.agreementKey),
      chain: bob.chain.map(({ encoded }) => bytesToHex(encoded)),
    },
    random,
    admission,
    frames,
  }
}
