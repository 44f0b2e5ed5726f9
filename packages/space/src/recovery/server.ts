import { randomBytes } from '@noble/hashes/utils.js'
import type { Credential } from '@vestibule/credentials'
import { type PublicKey, sealToAgreementKey, verifySignature } from '@vestibule/keys'
import {
  type Channel,
  type Clock,
  NetworkError,
  type NetworkManager,
  type SwarmConnection,
  typedChannel,
} from '@vestibule/network'
import { Serial } from '../concurrency/serial.ts'
import { SpaceError } from '../error.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import type { Space } from '../space.ts'
import { encodeContent, type IdentityBackup } from './content.ts'
import {
  answerPurpose,
  RECOVERY_TIMEOUT_MS,
  RECOVERY_VERSION,
  RecoveryAnswer,
  RecoveryProof,
  recoveryRequest,
  recoveryTopic,
} from './protocol.ts'

/** So many members of a space answer for each recovery key; which ones, everybody can tell. */
const MEMBERS_PER_KEY = 8
/** Keys that one device answers for, its own first. */
const MAX_KEYS = 64
/** Recovery keys of one identity that are answered for, the most senior first. */
const MAX_KEYS_PER_IDENTITY = 4
/** Ends that are answered at a time, for each key. */
const MAX_PEERS = 4

interface Parts {
  readonly networkManager: Pick<NetworkManager, 'joinSwarm'>
  readonly signingContext: SigningContext
  readonly clock: Clock
  readonly spaces: () => readonly Space[]
}

/**
 * Answers those who come back with nothing but their phrase: while spaces are open, under the topics of the own
 * recovery key and of those of other members. Nobody hears anything before it has proven to hold the recovery key, and
 * what it then gets is sealed to the phrase.
 */
export class RecoveryServer {
  readonly #parts: Parts
  readonly #swarms = new Map<PublicKey, SwarmConnection>()
  readonly #serial = new Serial()
  #pending = false
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Joins and leaves topics as the spaces now say. A topic that can't be joined is tried again with the next change. */
  async update(): Promise<void> {
    if (this.#pending) return
    this.#pending = true
    await this.#serial.run(async () => {
      this.#pending = false
      const wanted = this.#closed ? new Set<PublicKey>() : this.#wanted()
      for (const [key, swarm] of this.#swarms) {
        if (wanted.has(key)) continue
        this.#swarms.delete(key)
        await swarm.close()
      }
      for (const key of wanted) if (!this.#swarms.has(key)) await this.#join(key)
    })
  }

  /** Leaves all topics. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#serial.idle()
    await this.update()
  }

  #wanted(): Set<PublicKey> {
    const { signingContext, spaces } = this.#parts
    const own = keyOf(signingContext.recovery)
    const wanted = new Set(own === undefined ? [] : [own])
    const perIdentity = new Map<PublicKey, number>()
    for (const space of spaces())
      for (const recovery of space.recoveries()) {
        const key = keyOf(recovery)
        if (key === undefined || wanted.has(key) || wanted.size >= MAX_KEYS) continue
        const others = perIdentity.get(recovery.issuer) ?? 0
        if (others >= MAX_KEYS_PER_IDENTITY || !isServer(key, recovery.issuer, space, signingContext))
          continue
        perIdentity.set(recovery.issuer, others + 1)
        wanted.add(key)
      }
    return wanted
  }

  async #join(key: PublicKey): Promise<void> {
    try {
      const swarm = await this.#parts.networkManager.joinSwarm({
        topic: recoveryTopic(key),
        topology: 'host',
        maxPeers: MAX_PEERS,
        protocolProvider: (channel, { signal }) => this.#answer(key, channel, signal),
      })
      this.#swarms.set(key, swarm)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
    }
  }

  async #answer(key: PublicKey, channel: Channel, signal: AbortSignal): Promise<void> {
    const deadline = new AbortController()
    const cancel = this.#parts.clock.after(RECOVERY_TIMEOUT_MS, () =>
      deadline.abort(new NetworkError('TIMED_OUT', 'the other end took too long')),
    )
    const within = { signal: AbortSignal.any([signal, deadline.signal]) }
    try {
      const rpc = typedChannel(channel, { send: RecoveryAnswer, receive: RecoveryProof, maxBytes: 1024 })
      const nonce = randomBytes(32)
      const { signature } = await rpc.request({ version: RECOVERY_VERSION, nonce }, within)
      const request = recoveryRequest(key, nonce, channel.remotePeer, channel.localPeer)
      if (!(await verifySignature(key, request, signature)))
        throw new SpaceError('BAD_SIGNATURE', 'the other end does not hold the recovery key')
      for await (const { agreementKey, answer } of this.#found(key)) {
        const info = answerPurpose(key, nonce)
        const found = await sealToAgreementKey(agreementKey, encodeContent(answer), { info })
        await rpc.send({ version: RECOVERY_VERSION, found }, within)
      }
      await rpc.send({ version: RECOVERY_VERSION, done: true }, within)
      await channel.close()
    } finally {
      cancel()
    }
  }

  async *#found(key: PublicKey): AsyncGenerator<{ agreementKey: Uint8Array; answer: IdentityBackup }> {
    const { signingContext, spaces } = this.#parts
    for (const space of spaces()) {
      const recovery = space.recoveries().find((one) => keyOf(one) === key)
      const member = space.members().find(({ identityKey }) => identityKey === recovery?.issuer)
      if (recovery?.claim.type !== 'IdentityRecovery' || member === undefined) continue
      const { profile, identityKey } = member
      const admission = await space.admissionFor(identityKey).catch(unlessNoKey)
      if (admission === undefined) continue
      const answer = { recovery, profile, spaces: [admission] }
      yield { agreementKey: recovery.claim.agreementKey, answer }
    }
    const { recovery, profile } = signingContext
    // An identity without spaces, or whose spaces have not heard of the key yet.
    if (recovery?.claim.type === 'IdentityRecovery' && keyOf(recovery) === key)
      yield { agreementKey: recovery.claim.agreementKey, answer: { recovery, profile, spaces: [] } }
  }
}

/** Without a read key that the member may have here, there are others who have one. */
function unlessNoKey(error: unknown): undefined {
  if (!(error instanceof SpaceError) || error.code !== 'READ_KEY_MISSING') throw error
}

/** The own devices answer, and the members whose keys are nearest to it (by XOR): no more are needed in a large space. */
function isServer(key: PublicKey, identity: PublicKey, space: Space, own: SigningContext): boolean {
  if (identity === own.identityKey) return true
  const wanted = prefixOf(key)
  const distance = (member: PublicKey): number => (prefixOf(member) ^ wanted) >>> 0
  const limit = distance(own.identityKey)
  let nearer = 0
  for (const { identityKey: member } of space.members())
    if (member !== identity && distance(member) < limit && ++nearer === MEMBERS_PER_KEY) return false
  return true
}

/** The first 32 bits of a key, which are as good as random. */
const prefixOf = (key: PublicKey): number => Number.parseInt(key.toHex().slice(0, 8), 16)

const keyOf = (recovery: Credential | undefined): PublicKey | undefined =>
  recovery?.claim.type === 'IdentityRecovery' ? recovery.claim.recoveryKey : undefined
