import { FEED_PROOF_BYTES } from '@vestibule/credentials'
import type { GuestMessage, JoinRequest } from '../src/protocol/messages.ts'

export const fill = (length: number, byte = 7): Uint8Array => new Uint8Array(length).fill(byte)

/** A request with every key in its place; nobody holds one of them. */
export const request: JoinRequest = {
  identity: fill(32, 1),
  chain: [fill(100), fill(200)],
  device: fill(32, 2),
  agreementKey: fill(32, 3),
  controlFeed: fill(32, 4),
  dataFeed: fill(32, 5),
  displayName: 'Ada',
  controlFeedProof: fill(FEED_PROOF_BYTES, 6),
  dataFeedProof: fill(FEED_PROOF_BYTES, 7),
}

export const hello: GuestMessage = {
  type: 'hello',
  version: 1,
  invitationId: fill(16),
  nonce: fill(32),
  resume: true,
  mac: fill(64),
}
