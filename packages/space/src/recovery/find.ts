import type { PublicKey } from '@vestibule/keys'
import {
  type Channel,
  type Clock,
  NetworkError,
  type NetworkManager,
  systemClock,
  typedChannel,
} from '@vestibule/network'
import type { SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { verifyHead } from '../feed/entry.ts'
import type { RecoveryAuthority } from '../identity/signing-context.ts'
import { type IdentityBackup, parseContent } from './content.ts'
import {
  answerPurpose,
  MAX_ANSWER_BYTES,
  RECOVERY_TIMEOUT_MS,
  RECOVERY_VERSION,
  RecoveryAnswer,
  RecoveryProof,
  recoveryRequest,
  recoveryTopic,
} from './protocol.ts'

/** How long to wait for further ends when the last one that was met is done. */
const SETTLE_MS = 3_000
/** Most bytes taken from one end. */
const MAX_ANSWERS_BYTES = 64 * 1024 * 1024

/** Where to look, and with what. */
export interface FindIdentityOptions {
  readonly authority: RecoveryAuthority
  /** Has to be started. */
  readonly networkManager: Pick<NetworkManager, 'joinSwarm'>
  /** Multiaddrs at which a device or a member may be, asked beside the relays. */
  readonly addresses?: readonly string[]
  /** Ends the search. */
  readonly signal: AbortSignal
  readonly clock?: Clock
}

/**
 * Looks for an identity on the network by its recovery phrase alone: its own other devices, and members of its spaces,
 * answer whoever proves to hold the recovery key. Resolves a few seconds after the last of those who were met has
 * answered, with what all of them had. Nothing is written.
 *
 * Of a space only what the identity itself has written in is believed, so that nobody who merely knows the recovery
 * key can slip a space in.
 *
 * @throws the signal's reason when nobody has answered until then; network errors
 * @example
 * const keyring = new Keyring()
 * const authority = { keyring, keys: await keyring.importRecoveryKeys(phrase) }
 * const backup = await findIdentity({ authority, networkManager, signal: AbortSignal.timeout(60_000) })
 */
export async function findIdentity(options: FindIdentityOptions): Promise<IdentityBackup> {
  const { authority, networkManager, addresses = [], signal, clock = systemClock } = options
  const found = new Found()
  signal.throwIfAborted()
  const quiet = new Quiet(clock, () => found.backup() !== undefined)
  signal.addEventListener('abort', quiet.end, { once: true })
  const swarm = await networkManager.joinSwarm({
    topic: recoveryTopic(authority.keys.recoveryKey),
    topology: 'guest',
    addresses,
    protocolProvider: (channel, context) =>
      quiet.while((deadline) => {
        const within = AbortSignal.any([context.signal, deadline])
        return ask(channel, authority, within, (answer) => found.take(answer))
      }),
  })
  try {
    await quiet.ended
  } finally {
    signal.removeEventListener('abort', quiet.end)
    quiet.end()
    await swarm.close()
  }
  const backup = found.backup()
  if (backup === undefined) throw signal.reason
  return backup
}

/** Ends a while after the last end was done, once anything was found. */
class Quiet {
  readonly ended: Promise<void>
  readonly #clock: Clock
  readonly #isFound: () => boolean
  #resolve: () => void = () => {}
  #busy = 0
  #cancel: (() => void) | undefined

  constructor(clock: Clock, isFound: () => boolean) {
    this.#clock = clock
    this.#isFound = isFound
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  readonly end = (): void => {
    this.#cancel?.()
    this.#resolve()
  }

  /** Runs a task within the time that one end has. One that fails is as if it had not been. */
  async while(task: (deadline: AbortSignal) => Promise<void>): Promise<void> {
    const deadline = new AbortController()
    const cancel = this.#clock.after(RECOVERY_TIMEOUT_MS, () =>
      deadline.abort(new NetworkError('TIMED_OUT', 'the other end took too long')),
    )
    this.#busy++
    this.#cancel?.()
    try {
      await task(deadline.signal)
    } finally {
      cancel()
      this.#busy--
      if (this.#busy === 0 && this.#isFound()) this.#cancel = this.#clock.after(SETTLE_MS, this.end)
    }
  }
}

/** One end's answers, as they come. */
async function ask(
  channel: Channel,
  { keyring, keys }: RecoveryAuthority,
  signal: AbortSignal,
  take: (answer: IdentityBackup) => Promise<void>,
): Promise<void> {
  const { recoveryKey } = keys
  const types = { send: RecoveryProof, receive: RecoveryAnswer, maxBytes: MAX_ANSWER_BYTES + 1024 }
  const rpc = typedChannel(channel, types)
  const { version, nonce } = await rpc.receive({ signal })
  if (version !== RECOVERY_VERSION || nonce === undefined)
    throw new SpaceError('UNSUPPORTED_VERSION', `the other end speaks version ${version}`)
  const request = recoveryRequest(recoveryKey, nonce, channel.localPeer, channel.remotePeer)
  const signature = await keyring.sign(recoveryKey, request)
  await rpc.send({ version: RECOVERY_VERSION, signature }, { signal })
  const info = answerPurpose(recoveryKey, nonce)
  for (let room = MAX_ANSWERS_BYTES; room > 0; ) {
    const { found, done } = await rpc.receive({ signal })
    if (done === true) return
    if (found === undefined) continue
    room -= found.length
    await take(await parseContent(await keyring.openSealed(keys.agreementKey, found, { info }), keys))
  }
  throw new SpaceError('TOO_LARGE', 'the other end answers without an end')
}

/** What was found so far, of the first identity that answered; a phrase is for one. */
class Found {
  #first: IdentityBackup | undefined
  readonly #spaces = new Map<PublicKey, SpaceAdmission>()

  async take(answer: IdentityBackup): Promise<void> {
    const { issuer } = answer.recovery
    this.#first ??= answer
    if (this.#first.recovery.issuer !== issuer) return
    for (const space of answer.spaces) {
      const other = this.#spaces.get(space.spaceKey)
      if (other !== undefined && lengthOf(other) >= lengthOf(space)) continue
      if (await hasWritten(issuer, space)) this.#spaces.set(space.spaceKey, space)
    }
  }

  backup(): IdentityBackup | undefined {
    return this.#first && { ...this.#first, spaces: [...this.#spaces.values()] }
  }
}

/** How much of its history somebody had who gave this. */
const lengthOf = ({ heads }: SpaceAdmission): number => heads.reduce((sum, { length }) => sum + length, 0)

/**
 * Whether the identity has written in the space: one of its devices agreed to a feed, and the feed's key signed a head
 * that names the space.
 */
async function hasWritten(
  identity: PublicKey,
  { spaceKey, credentials, heads }: SpaceAdmission,
): Promise<boolean> {
  const devices = new Set([identity])
  for (const { claim, issuer } of credentials)
    if (claim.type === 'AuthorizedDevice' && issuer === identity) devices.add(claim.device)
  for (const { claim } of credentials) {
    if (claim.type !== 'AdmittedFeed' || claim.space !== spaceKey || claim.member !== identity) continue
    const head = heads.find(({ feed, length }) => feed === claim.feed && length > 0)
    if (devices.has(claim.device) && head !== undefined && (await verifyHead(head))) return true
  }
  return false
}
