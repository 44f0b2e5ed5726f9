import { sha512 } from '@noble/hashes/sha2.js'
import { pae } from '@vestibule/keys'

/**
 * What both ends have seen so far, and the statements that are signed over it (protocol.md, "The exchange").
 * Everything hashed, signed or MACed is a PAE that begins with a label of its own, so that no value made for
 * one purpose can serve another.
 */

/** Protocol version in message 1 and in every label. */
export const INVITATION_PROTOCOL_VERSION = 1
/** Length of `nG` and `nH`. */
export const NONCE_BYTES = 32

/** `TH0`: the invitation, and the two peers as the transport authenticated them. */
export function transcript0(parts: {
  /** `invHash`, 64 bytes. */
  readonly linkHash: Uint8Array
  readonly invitationId: Uint8Array
  readonly guestPeer: string
  readonly hostPeer: string
}): Uint8Array {
  const { linkHash, invitationId, guestPeer, hostPeer } = parts
  return pae('inv/1', linkHash, invitationId, 'guest', guestPeer, 'host', hostPeer)
}

/** `TH1`, 64 bytes: with both nonces and the exact bytes of the preview. */
export function transcript1(
  th0: Uint8Array,
  guestNonce: Uint8Array,
  hostNonce: Uint8Array,
  preview: Uint8Array,
): Uint8Array {
  return sha512(pae('inv/1 TH1', th0, guestNonce, hostNonce, preview))
}

/** `TH2`, 64 bytes: with the attempt and both shares. */
export function transcript2(
  th1: Uint8Array,
  attempt: number,
  guestShare: Uint8Array,
  hostShare: Uint8Array,
): Uint8Array {
  return sha512(pae('inv/1 TH2', th1, attempt, guestShare, hostShare))
}

/** `sid` of the CPace exchange of one attempt, 64 bytes. */
export function attemptId(th1: Uint8Array, attempt: number): Uint8Array {
  return sha512(pae('inv/1 sid', th1, attempt))
}

/** What `HK` signs in message 2. */
export function offerStatement(th1: Uint8Array): Uint8Array {
  return pae('inv/1 offer', th1)
}

/**
 * What `HK` signs under a refusal that answers message 1, so that a guest need not believe a stranger on the
 * topic that its invitation has ended.
 */
export function refusalStatement(
  th0: Uint8Array,
  guestNonce: Uint8Array,
  refusal: { readonly code: string; readonly attemptsLeft?: number; readonly retryAfterMs?: number },
): Uint8Array {
  const { code, attemptsLeft = 0, retryAfterMs = 0 } = refusal
  return pae('inv/1 refuse', th0, guestNonce, code, attemptsLeft, retryAfterMs)
}

/** The keys whose possession a guest proves in message 5. */
export type ProvenKey = 'IDENTITY' | 'DEVICE' | 'CONTROL_FEED' | 'DATA_FEED' | 'KNOWN_KEY'

/** What each of the guest's keys signs in message 5. `request` is its exact encoding. */
export function proofStatement(which: ProvenKey, th2: Uint8Array, request: Uint8Array): Uint8Array {
  return pae('inv/1 proof', which, th2, sha512(pae('inv/1 request', request)))
}

/** What `HK` signs in message 6. `answer` is its exact encoding. */
export function admitStatement(th2: Uint8Array, answer: Uint8Array): Uint8Array {
  return pae('inv/1 admit', th2, sha512(pae('inv/1 answer', answer)))
}
