import { hexToBytes, randomBytes } from '@noble/hashes/utils.js'
import { proveFeed, verifyFeedProof } from '@vestibule/credentials'
import { equalBytes, Keyring, type PublicKey, pae, Redacted } from '@vestibule/keys'
import type { Channel, SwarmConnection } from '@vestibule/network'
import {
  type Candidate,
  encodeAdmission,
  MemoryStorage,
  SigningContext,
  SpaceManager,
} from '@vestibule/space'
import { describe, expect, test } from 'vitest'
import { GuestSession } from '../src/driver/guest-session.ts'
import { HostSession } from '../src/driver/host-session.ts'
import { SpaceGuest } from '../src/kind/space-guest.ts'
import { verifiedCandidate } from '../src/kind/space-host.ts'
import { InvitationLink } from '../src/link/link.ts'
import { commitment, deriveLinkKeys } from '../src/link/link-keys.ts'
import { type GuestMessage, type HostMessage, provenRequestCodec } from '../src/protocol/messages.ts'
import { parseStoredAcceptance } from '../src/records.ts'

const clock = { now: () => 1_700_000_000_000, after: () => () => undefined }
const { signal } = new AbortController()

/** Nobody is ever met here. */
const joinSwarm = async (): Promise<SwarmConnection> => {
  const close = async (): Promise<void> => undefined
  const state = { status: 'searching' as const, peers: [], relays: [] }
  return { peers: [], state, subscribe: () => close, setTopics: close, close, [Symbol.asyncDispose]: close }
}

async function person(displayName: string, keyring = new Keyring()) {
  const storage = new MemoryStorage()
  const signingContext = await SigningContext.create({ keyring, storage, displayName, clock })
  const manager = new SpaceManager({ keyring, storage, signingContext, networkManager: { joinSwarm }, clock })
  await manager.open()
  return { keyring, storage, signingContext, manager }
}

/** Two ends of a channel that never ends; everything sent before it is asked for. */
function channels(one: string, other: string): readonly [Channel, Channel] {
  const queues: [Uint8Array[], Uint8Array[]] = [[], []]
  const end = (from: 0 | 1, localPeer: string, remotePeer: string): Channel => ({
    localPeer,
    remotePeer,
    initiator: from === 0,
    ended: new Promise(() => undefined),
    send: async (frame) => void queues[from].push(frame.slice()),
    receive: async () => queues[1 - from]?.shift() ?? Promise.reject(new Error('nothing was sent')),
    close: async () => undefined,
    abort: () => undefined,
  })
  return [end(0, one, other), end(1, other, one)]
}

const only = <M extends { readonly type: string }, T extends M['type']>(read: M, type: T) => {
  if (read.type !== type) throw new Error(`${read.type} in place of ${type}`)
  return read as Extract<M, { type: T }>
}

/** Ada's space, her invitation, and Bob's session with her up to message 5, with whatever keyring Bob has. */
async function exchange(bobs = new Keyring()) {
  const [ada, bob] = [await person('Ada'), await person('Bob', bobs)]
  if (bobs instanceof Lying) bobs.lies = true
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const secret = new Redacted(randomBytes(16))
  const keys = deriveLinkKeys(secret)
  const link = InvitationLink.create({
    ...({ kind: 'SPACE', type: 'INTERACTIVE', authMethod: 'NONE', multiUse: false, secret } as const),
    hostKey: await ada.keyring.createKey(),
    commitment: commitment(keys, 'SPACE', hexToBytes(space.genesisId)),
    expiresAtMs: clock.now() + 60_000,
    ...{ relays: [], hosts: [] },
  })
  const [near, far] = channels('bob', 'ada')
  const shared = { link, keys, random: (length: number) => randomBytes(length) }
  const guest = new GuestSession('g', near, shared)
  const preview = { spaceName: 'Kitchen', inviterName: 'Ada', role: 'EDITOR' } as const
  const host = new HostSession('h', far, { ...shared, keyring: ada.keyring, code: () => undefined, preview })
  const atHost = async <T extends GuestMessage['type']>(type: T) => only(await host.read(signal), type)
  const atGuest = async <T extends HostMessage['type']>(type: T) => only(await guest.read(signal), type)

  await guest.hello(false)
  expect(host.provesLink(await atHost('hello'))).toBe(true)
  await host.offer()
  expect(await guest.acceptsOffer(await atGuest('offer'))).toBe(true)
  await guest.share(1, undefined)
  await atHost('share')
  expect(await host.answerShare(1)).toBe(true)
  expect(guest.acceptsShare((await atGuest('share')).share)).toBe(true)
  const kind = new SpaceGuest({ ...bob, spaceManager: bob.manager }, link)
  const feeds = parseStoredAcceptance(await kind.prepare())
  await guest.prove((th2) => kind.request(th2))
  await atHost('proof')
  expect(host.compare()).toBe(true)
  const close = () => Promise.all([ada, bob].map(({ manager }) => manager.close()))
  /** What the host makes of message 5. */
  const verify = async (): Promise<{ verdict: string; candidate: Candidate | undefined }> => {
    let candidate: Candidate | undefined
    const verdict = await host.verify({
      preview: () => preview,
      verify: async (proven, th2) => {
        candidate = await verifiedCandidate(provenRequestCodec.parse(proven), th2)
        if (candidate === undefined) return 'PROOF_INVALID'
        const { identityKey: key, deviceKey } = candidate
        return { key, shown: { deviceKey, displayName: '' }, admit: async () => new Uint8Array(0) }
      },
      onRemovals: () => () => undefined,
      isRemoved: () => false,
    })
    return { verdict, candidate }
  }
  /** The host admits somebody as this guest and answers; the guest reads it. */
  const admit = async (candidate: Candidate) => {
    await host.answer(encodeAdmission(await space.admit(candidate, { role: 'EDITOR' })))
    const answer = await atGuest('admitted')
    expect(await guest.acceptsAnswer(answer, (admission) => kind.read(admission))).toBe(true)
    await guest.membership?.store({ role: 'EDITOR', addresses: [], alsoWrite: [] })
    const joined = bob.manager.get(space.key)
    if (joined === undefined) throw new Error('not joined')
    return joined
  }
  return { bob, space, feeds, verify, admit, close }
}

type Lie = (sign: Keyring['sign'], key: PublicKey, statement: Uint8Array) => Promise<Uint8Array>

/** Signs as it should, except where a feed's key agrees to be admitted. */
class Lying extends Keyring {
  readonly #lie: Lie
  /** Not while it makes what its identity has from the beginning. */
  lies = false

  constructor(lie: Lie) {
    super()
    this.#lie = lie
  }

  override sign(key: PublicKey, statement: Uint8Array): Promise<Uint8Array> {
    const label = pae('vestibule feed admission v1').slice(8)
    const isFeedProof = equalBytes(statement.slice(8, 8 + label.length), label)
    return this.lies && isFeedProof
      ? this.#lie(super.sign.bind(this), key, statement)
      : super.sign(key, statement)
  }
}

describe('the feeds in a request', () => {
  test('come with proofs that do not name the space, and that the whole space verifies later', async () => {
    const { bob, space, feeds, verify, admit, close } = await exchange()
    const { verdict, candidate } = await verify()
    expect(verdict).toBe('verified')
    if (candidate === undefined) throw new Error('no candidate')
    const { identityKey: member, deviceKey: device } = bob.signingContext
    const { controlFeedKey: feed, controlFeedProof: proof } = candidate
    expect(await verifyFeedProof({ member, device, feed, purpose: 'CONTROL', proof })).toBe(true)
    expect([feed, candidate.dataFeedKey]).toEqual([feeds.controlFeedKey, feeds.dataFeedKey])
    const his = await admit(candidate)
    expect(his.members()).toEqual(space.members())
    await close()
  })

  test('whose proofs do not hold make the host refuse the request, before it admits anybody', async () => {
    const lies: Lie[] = [
      async () => new Uint8Array(64),
      async (_, __, statement) => {
        const other = new Keyring()
        return other.sign(await other.createKey(), statement)
      },
      (sign, key, statement) => sign(key, statement.slice(1)),
    ]
    for (const [i, lie] of lies.entries()) {
      const { space, verify, close } = await exchange(new Lying(lie))
      const verdict = { verdict: 'PROOF_INVALID', candidate: undefined }
      expect(await verify(), `case ${i}`).toEqual(verdict)
      expect(space.members()).toHaveLength(1)
      await close()
    }
  })

  test('are each proven by themselves, by their key and by the device: three of the four signatures are not enough', async () => {
    for (const wrong of [0, 1, 2, 3]) {
      let made = 0
      const { verify, close } = await exchange(
        new Lying((sign, key, statement) =>
          made++ === wrong ? Promise.resolve(new Uint8Array(64)) : sign(key, statement),
        ),
      )
      expect((await verify()).verdict).toBe('PROOF_INVALID')
      expect(made).toBe(4)
      await close()
    }
  })

  test('that a host swaps for those of an earlier request make the guest refuse, and store nothing', async () => {
    const signer = new Keyring()
    const { bob, verify, admit, close } = await exchange(signer)
    const { verdict, candidate } = await verify()
    expect(verdict).toBe('verified')
    const { identityKey: member, deviceKey: device } = bob.signingContext
    const feed = await signer.createKey()
    const before = await bob.storage.list('')
    const swapped = {
      ...(candidate as Candidate),
      controlFeedKey: feed,
      controlFeedProof: await proveFeed({ signer, member, device, feed, purpose: 'CONTROL' }),
    }
    await expect(admit(swapped)).rejects.toMatchObject({ code: 'BAD_ADMISSION' })
    expect(await bob.storage.list('')).toEqual(before)
    await close()
  })
})
