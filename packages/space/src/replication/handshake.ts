import { CredentialsError, type Presented, verifyPresentation } from '@vestibule/credentials'
import { equalBytes, type PublicKey, pae } from '@vestibule/keys'
import { WireError } from '@vestibule/keys/wire'
import type { Channel } from '@vestibule/network'
import { SpaceError } from '../error.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import {
  MAX_HANDSHAKE_FRAME_BYTES,
  MAX_PATH_BYTES,
  MAX_PATH_LENGTH,
  PROTOCOL_VERSION,
  SpaceFrame,
  type Verdict,
} from './frame.ts'

/** Who is at the other end of a channel: proven, and a member. */
export interface SpacePeer {
  /** The transport's name for this session of theirs. */
  readonly peer: string
  readonly identityKey: PublicKey
  readonly deviceKey: PublicKey
}

/** What a handshake has shown. */
export interface Shaken {
  readonly peer: SpacePeer
  readonly presented: Presented
}

/** What a handshake is about. */
export interface HandshakeOptions {
  readonly spaceKey: PublicKey
  readonly signingContext: SigningContext
  /** The own line of admissions, encoded; may be empty. */
  readonly path: readonly Uint8Array[]
  /** Whether a device no longer speaks for its identity. */
  readonly isRevoked: (presented: Presented) => boolean
  readonly isMember: (identity: PublicKey) => boolean
  /** Whether a line of admissions, encoded, shows somebody to be a member who is not known yet. */
  readonly isAdmittedBy: (identity: PublicKey, path: readonly Uint8Array[]) => Promise<boolean>
  /** The credential by which somebody is no longer a member, encoded; it is shown to whom it is about. */
  readonly removalOf?: (identity: PublicKey) => Uint8Array | undefined
  /** The other end shows that the own identity is no longer a member. */
  readonly onRemoval?: (encoded: Uint8Array) => Promise<void>
  /** 32 bytes, used once. */
  readonly nonce: Uint8Array
  readonly signal: AbortSignal
}

/**
 * Both ends show that they are members' devices, over both challenges, both peers and the space. Until that is
 * done nothing of the space is sent to anybody who is not known to be a member. A member who is new to the other end
 * shows how it was admitted; two who don't know each other at all don't come together.
 *
 * @throws SpaceError `NOT_A_MEMBER` (the other end is none, a revoked device of one, or showed nothing valid), `REFUSED_BY_PEER`,
 *   `UNSUPPORTED_VERSION`, `MALFORMED`; network errors
 */
export async function shakeHands(channel: Channel, options: HandshakeOptions): Promise<Shaken> {
  const { nonce, signal } = options
  const send = (frame: SpaceFrame) => say(channel, frame, signal)
  await send({ hello: { version: PROTOCOL_VERSION, nonce } })
  const { hello } = await receive(channel, signal)
  if (hello === undefined || equalBytes(hello.nonce, nonce))
    throw new SpaceError('MALFORMED', 'expected a challenge of the other end’s own')
  if (hello.version !== PROTOCOL_VERSION) {
    await refuse(channel, 'UNSUPPORTED_VERSION', signal)
    throw new SpaceError('UNSUPPORTED_VERSION', `the other end speaks version ${hello.version}`)
  }
  await send({ presentation: await present(channel, options, hello.nonce) })
  const { presentation, verdict } = await receive(channel, signal)
  if (verdict !== undefined) throw refusedByPeer(verdict)
  const presented = await identify(channel, options, hello.nonce, presentation)
  if (presented === undefined) return refuseAs('BAD_PRESENTATION', channel, signal)
  if (options.isRevoked(presented)) return refuseAs('NOT_A_MEMBER', channel, signal)
  const { identity: identityKey, device: deviceKey } = presented
  const peer = { peer: channel.remotePeer, identityKey, deviceKey }
  await decide(channel, peer, options)
  return { peer, presented }
}

/** Both say whether they know the other as a member; one who does not may be shown. */
async function decide(
  channel: Channel,
  { identityKey }: SpacePeer,
  options: HandshakeOptions,
): Promise<void> {
  const { signal } = options
  const known = options.isMember(identityKey)
  const credentials = fitting(options.path)
  const path = known && credentials.length > 0 ? { path: { credentials } } : {}
  // An end that refused has closed already; what it said is still there to be read.
  const sending = say(channel, { verdict: known ? 'ACCEPTED' : 'UNKNOWN', ...path }, signal)
  const first = await receive(channel, signal)
  const unknownHere = first.verdict === 'UNKNOWN'
  if (first.verdict !== 'ACCEPTED' && !unknownHere) return refused(first, options)
  await sending
  if (!known) {
    const shown = !unknownHere && (await options.isAdmittedBy(identityKey, first.path?.credentials ?? []))
    if (!shown) return refuseAs('NOT_A_MEMBER', channel, signal, options.removalOf?.(identityKey))
    await say(channel, { verdict: 'ACCEPTED' }, signal)
  } else if (unknownHere) {
    const answer = await receive(channel, signal)
    if (answer.verdict !== 'ACCEPTED') return refused(answer, options)
  }
}

function say(channel: Channel, frame: SpaceFrame, signal: AbortSignal): Promise<void> {
  const sending = channel.send(SpaceFrame.encode(frame), { signal })
  // Whoever waits for it hears of a failure; until then it is nobody's.
  sending.catch(() => undefined)
  return sending
}

async function refused({ verdict, removal }: SpaceFrame, { onRemoval }: HandshakeOptions): Promise<never> {
  if (removal !== undefined) await onRemoval?.(removal)
  throw refusedByPeer(verdict)
}

async function refuseAs(
  verdict: Verdict,
  channel: Channel,
  signal: AbortSignal,
  removal?: Uint8Array,
): Promise<never> {
  await refuse(channel, verdict, signal, removal)
  throw new SpaceError('NOT_A_MEMBER', `the other end was refused: ${verdict}`)
}

function present(channel: Channel, options: HandshakeOptions, theirNonce: Uint8Array): Promise<Uint8Array> {
  return options.signingContext.present({
    space: options.spaceKey,
    nonce: theirNonce,
    channelBinding: binding(channel.localPeer, channel.remotePeer, options.nonce),
  })
}

async function identify(
  channel: Channel,
  { spaceKey, nonce }: HandshakeOptions,
  theirNonce: Uint8Array,
  presentation: Uint8Array | undefined,
): Promise<Presented | undefined> {
  try {
    return await verifyPresentation(presentation ?? new Uint8Array(), {
      space: spaceKey,
      nonce,
      channelBinding: binding(channel.remotePeer, channel.localPeer, theirNonce),
    })
  } catch (error) {
    if (error instanceof CredentialsError) return undefined
    throw error
  }
}

/** A line that is too long is left out whole: then only those who have heard of the admission know of it. */
function fitting(path: readonly Uint8Array[]): readonly Uint8Array[] {
  const size = path.reduce((sum, { length }) => sum + length, 0)
  return path.length <= MAX_PATH_LENGTH && size <= MAX_PATH_BYTES ? path : []
}

/** The prover stands first, so that a presentation can't be sent back to whoever made it. */
const binding = (prover: string, verifier: string, proverNonce: Uint8Array): Uint8Array =>
  pae('vestibule space channel v1', prover, verifier, proverNonce)

async function receive(channel: Channel, signal: AbortSignal): Promise<SpaceFrame> {
  return parseFrame(await channel.receive({ signal, maxBytes: MAX_HANDSHAKE_FRAME_BYTES }))
}

/** The refusal is told, and then the channel is ended for good. */
async function refuse(
  channel: Channel,
  verdict: Verdict,
  signal: AbortSignal,
  removal?: Uint8Array,
): Promise<void> {
  await channel.send(SpaceFrame.encode({ verdict, ...(removal && { removal }) }), { signal })
  await channel.close()
}

export const refusedByPeer = (verdict: Verdict | undefined): SpaceError =>
  new SpaceError('REFUSED_BY_PEER', `the other end did not accept this device: ${verdict ?? 'no verdict'}`)

/** @throws SpaceError `MALFORMED` */
export function parseFrame(encoded: Uint8Array): SpaceFrame {
  try {
    return SpaceFrame.parseLenient(encoded)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new SpaceError('MALFORMED', 'not a frame of this protocol', { cause })
  }
}
