import { bytesToHex } from '@noble/hashes/utils.js'
import { scope } from '../abort.ts'
import type { Channel } from '../channel/channel.ts'
import type { Clock } from '../clock.ts'
import { NetworkError } from '../errors.ts'
import { HASHED_TOPIC_BYTES, isTopicProof, PROOF_BYTES, topicProof } from './topic.ts'

/** Protocol id of swarm channels. */
export const SWARM_PROTOCOL = '/vestibule/swarm/1'
/** How long either side waits for the other's proof. */
export const PROOF_TIMEOUT_MS = 10_000

/** Reads the first frame of an incoming channel. @returns the namespace it names, and the frame */
export async function readProof(
  channel: Channel,
  clock: Clock,
): Promise<{ readonly namespace: string; readonly proof: Uint8Array }> {
  const waiting = scope([], { clock, ms: PROOF_TIMEOUT_MS, what: 'the proof of the topic' })
  try {
    const proof = await channel.receive({ signal: waiting.signal, maxBytes: PROOF_BYTES })
    return { namespace: bytesToHex(proof.subarray(0, HASHED_TOPIC_BYTES)), proof }
  } finally {
    waiting.dispose()
  }
}

/** Whether an incoming channel's proof is one for this topic. */
export function provesTopic(channel: Channel, proof: Uint8Array, topic: Uint8Array): boolean {
  return isTopicProof(proof, topic, 'initiator', channel.remotePeer, channel.localPeer)
}

/** The responder's proof, for an initiator whose own was good. */
export function answerProof(channel: Channel, topic: Uint8Array): Promise<void> {
  return channel.send(topicProof(topic, 'responder', channel.remotePeer, channel.localPeer))
}

/**
 * The initiator's side: sends the proof, and resolves once the other's arrived and is good. Any other outcome
 * aborts the channel.
 * @throws NetworkError `REFUSED` if the other side hangs up or proves nothing, `TIMED_OUT`
 */
export async function exchangeProofs(channel: Channel, topic: Uint8Array, clock: Clock): Promise<void> {
  const { localPeer, remotePeer } = channel
  const waiting = scope([], { clock, ms: PROOF_TIMEOUT_MS, what: 'the proof of the topic' })
  try {
    await channel.send(topicProof(topic, 'initiator', localPeer, remotePeer), { signal: waiting.signal })
    const answer = await channel.receive({ signal: waiting.signal, maxBytes: PROOF_BYTES })
    if (!isTopicProof(answer, topic, 'responder', localPeer, remotePeer))
      throw new NetworkError('REFUSED', 'the other side does not know the topic')
  } catch (cause) {
    const error =
      cause instanceof NetworkError && (cause.code === 'REFUSED' || cause.code === 'TIMED_OUT')
        ? cause
        : new NetworkError('REFUSED', 'the other side did not take part in the swarm', { cause })
    channel.abort(error)
    throw error
  } finally {
    waiting.dispose()
  }
}
