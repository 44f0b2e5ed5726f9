import { CredentialsError, verifyPresentation } from '@vestibule/credentials'
import { equalBytes, type PublicKey, pae } from '@vestibule/keys'
import { WireError } from '@vestibule/keys/wire'
import type { Channel } from '@vestibule/network'
import { SpaceError } from '../error.ts'
import type { SigningContext } from '../signing-context.ts'
import { MAX_HANDSHAKE_FRAME_BYTES, PROTOCOL_VERSION, SpaceFrame, type Verdict } from './frame.ts'

/** Who is at the other end of a channel: proven, and a member. */
export interface SpacePeer {
  /** The transport's name for this session of theirs. */
  readonly peer: string
  readonly identityKey: PublicKey
  readonly deviceKey: PublicKey
}

/** What a handshake is about. */
export interface HandshakeOptions {
  readonly spaceKey: PublicKey
  readonly signingContext: SigningContext
  readonly isMember: (identity: PublicKey) => boolean
  /** 32 bytes, used once. */
  readonly nonce: Uint8Array
  readonly signal: AbortSignal
}

/**
 * Both ends show that they are members' devices, over both challenges, both peers and the space. Until that is
 * done nothing of the space has been sent in either direction.
 *
 * @throws SpaceError `NOT_A_MEMBER` (the other end is none, or showed nothing valid), `REFUSED_BY_PEER`,
 *   `UNSUPPORTED_VERSION`, `MALFORMED`; network errors
 */
export async function shakeHands(channel: Channel, options: HandshakeOptions): Promise<SpacePeer> {
  const { nonce, signal } = options
  const send = (frame: SpaceFrame) => channel.send(SpaceFrame.encode(frame), { signal })
  await send({ hello: { version: PROTOCOL_VERSION, nonce } })
  const { hello } = await receive(channel, signal)
  if (hello === undefined || equalBytes(hello.nonce, nonce))
    throw new SpaceError('MALFORMED', 'expected a challenge of the other end’s own')
  if (hello.version !== PROTOCOL_VERSION) {
    await refuse(channel, 'UNSUPPORTED_VERSION', signal)
    throw new SpaceError('UNSUPPORTED_VERSION', `the other end speaks version ${hello.version}`)
  }
  await send({ presentation: await presentation(channel, options, hello.nonce) })
  const answer = await receive(channel, signal)
  if (answer.verdict !== undefined) throw refusedByPeer(answer.verdict)
  const peer = await identify(channel, options, hello.nonce, answer.presentation)
  if (typeof peer === 'string') {
    await refuse(channel, peer, signal)
    throw new SpaceError('NOT_A_MEMBER', `the other end was refused: ${peer}`)
  }
  // An end that refused has closed already; what it said is still there to be read.
  const sending = send({ verdict: 'ACCEPTED' })
  sending.catch(() => undefined)
  const { verdict } = await receive(channel, signal)
  if (verdict !== 'ACCEPTED') throw refusedByPeer(verdict)
  await sending
  return peer
}

function presentation(
  channel: Channel,
  options: HandshakeOptions,
  theirNonce: Uint8Array,
): Promise<Uint8Array> {
  return options.signingContext.present({
    space: options.spaceKey,
    nonce: theirNonce,
    channelBinding: binding(channel.localPeer, channel.remotePeer, options.nonce),
  })
}

async function identify(
  channel: Channel,
  { spaceKey, nonce, isMember }: HandshakeOptions,
  theirNonce: Uint8Array,
  encoded: Uint8Array | undefined,
): Promise<SpacePeer | Verdict> {
  try {
    const { identity, device } = await verifyPresentation(encoded ?? new Uint8Array(), {
      space: spaceKey,
      nonce,
      channelBinding: binding(channel.remotePeer, channel.localPeer, theirNonce),
    })
    if (!isMember(identity)) return 'NOT_A_MEMBER'
    return { peer: channel.remotePeer, identityKey: identity, deviceKey: device }
  } catch (error) {
    if (error instanceof CredentialsError) return 'BAD_PRESENTATION'
    throw error
  }
}

/** The prover stands first, so that a presentation can't be sent back to whoever made it. */
const binding = (prover: string, verifier: string, proverNonce: Uint8Array): Uint8Array =>
  pae('vestibule space channel v1', prover, verifier, proverNonce)

async function receive(channel: Channel, signal: AbortSignal): Promise<SpaceFrame> {
  return parseFrame(await channel.receive({ signal, maxBytes: MAX_HANDSHAKE_FRAME_BYTES }))
}

/** The refusal is told, and then the channel is ended for good. */
async function refuse(channel: Channel, verdict: Verdict, signal: AbortSignal): Promise<void> {
  await channel.send(SpaceFrame.encode({ verdict }), { signal })
  await channel.close()
}

const refusedByPeer = (verdict: Verdict | undefined): SpaceError =>
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
