import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { equalBytes, pae } from '@vestibule/keys'

/** A topic is 32 secret bytes. Whoever has them may meet the others; a relay only ever sees their hash. */
export const TOPIC_BYTES = 32
/** What relays see of a topic: `SHA-256("vestibule topic" ‖ topic)`. */
export const HASHED_TOPIC_BYTES = 32
/** A proof is the hashed topic, so that the other side knows which swarm is meant, and a MAC. */
export const PROOF_BYTES = HASHED_TOPIC_BYTES + 32

type Direction = 'initiator' | 'responder'

/** The hash under which peers of a topic find each other, 32 bytes. */
export function hashTopic(topic: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8ToBytes('vestibule topic'), topic))
}

/** @throws TypeError */
export function checkTopic(topic: Uint8Array): void {
  if (topic.length !== TOPIC_BYTES)
    throw new TypeError(`a topic is ${TOPIC_BYTES} bytes, got ${topic.length}`)
}

/** The rendezvous namespace of a topic: its hash in hexadecimal. */
export function topicNamespace(topic: Uint8Array): string {
  return bytesToHex(hashTopic(topic))
}

/**
 * The first frame of each direction. It binds both peer ids and the direction, so neither a relay nor another
 * peer can use one that it saw.
 */
export function topicProof(
  topic: Uint8Array,
  direction: Direction,
  initiatorPeer: string,
  responderPeer: string,
): Uint8Array {
  const mac = hmac(sha256, topic, pae('vestibule topic proof', direction, initiatorPeer, responderPeer))
  return concatBytes(hashTopic(topic), mac)
}

/** Whether a frame is the proof that it should be. Takes the same time for every wrong one. */
export function isTopicProof(
  frame: Uint8Array,
  topic: Uint8Array,
  direction: Direction,
  initiatorPeer: string,
  responderPeer: string,
): boolean {
  return equalBytes(frame, topicProof(topic, direction, initiatorPeer, responderPeer))
}
