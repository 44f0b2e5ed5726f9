import { sha256 } from '@noble/hashes/sha2.js'
import { type PublicKey, pae, SIGNATURE_BYTES } from '@vestibule/keys'
import { bool, bytes, message, optional, uint32 } from '@vestibule/keys/wire'
import type { Channel } from '@vestibule/network'
import { MAX_ADMISSION_BYTES } from '../admission/admission.ts'

export const RECOVERY_VERSION = 1
/** How long either end may take to show what it has to. */
export const RECOVERY_TIMEOUT_MS = 30_000
/** A space, with the recovery credential and the seal around it. */
export const MAX_ANSWER_BYTES = MAX_ADMISSION_BYTES + 32 * 1024

/** What whoever has lost everything says: that it holds the recovery key. */
export const RecoveryProof = message('RecoveryProof', {
  version: uint32(1),
  signature: bytes(2, { length: SIGNATURE_BYTES }),
})

/** What a member or another device says: a challenge first, then what it has, an answer for each space. */
export const RecoveryAnswer = message('RecoveryAnswer', {
  version: uint32(1),
  nonce: optional(bytes(2, { length: 32 })),
  /** Sealed to the agreement key of the phrase. */
  found: optional(bytes(3, { max: MAX_ANSWER_BYTES })),
  done: optional(bool(4)),
})

/** The topic under which a recovery key is looked for. The members of its identity's spaces know it, and no relay does. */
export const recoveryTopic = (recoveryKey: PublicKey): Uint8Array =>
  sha256(pae('vestibule recovery topic v1', recoveryKey.toBytes()))

/** What the recovery key signs: for this challenge, on this channel. The prover stands first. */
export function recoveryRequest(
  recoveryKey: PublicKey,
  nonce: Uint8Array,
  prover: Channel['localPeer'],
  verifier: Channel['remotePeer'],
): Uint8Array {
  return pae('vestibule recovery request v1', recoveryKey.toBytes(), nonce, prover, verifier)
}

/** What an answer is sealed for, so that one for another challenge does not open. */
export const answerPurpose = (recoveryKey: PublicKey, nonce: Uint8Array): Uint8Array =>
  pae('vestibule recovery answer v1', recoveryKey.toBytes(), nonce)
