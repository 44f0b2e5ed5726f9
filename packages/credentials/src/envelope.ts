import { paeIn } from '@vestibule/keys'
import {
  bytes,
  type MessageOf,
  message,
  nested,
  optional,
  repeated,
  string,
  uint64,
} from '@vestibule/keys/wire'
import { shortBytes } from './bytes.ts'

/** Most bytes of one encoded credential, its chain included. */
export const MAX_CREDENTIAL_BYTES = 16 * 1024
/** Most `AuthorizedDevice` credentials between a signer and its issuer. */
export const MAX_CHAIN_LENGTH = 8
/** Most parents of one credential. */
export const MAX_PARENTS = 256
/** Longest name of a claim's type, in bytes. */
export const MAX_TYPE_BYTES = 64

// All are views of what was read, which a credential keeps anyway.
const STATEMENT = {
  type: string(1, { max: MAX_TYPE_BYTES }),
  signer: bytes(2, { length: 32, shared: true }),
  payload: bytes(3, { shared: true }),
  signature: bytes(4, { length: 64, shared: true }),
}

/** One signed statement. A chain is a flat list of these, so that nothing can be nested in it. */
export const Statement = message('Statement', STATEMENT)
/** A signed statement. */
export type Statement = MessageOf<typeof Statement>

/** A statement with the chain from its signer up to its issuer, lowest first. */
export const Envelope = message('Envelope', {
  ...STATEMENT,
  chain: repeated(nested(5, Statement), { max: MAX_CHAIN_LENGTH }),
})
/** What travels. */
export type Envelope = MessageOf<typeof Envelope>

/** What every credential says about itself, whatever its type; the claim's bytes are read by its type. */
export const Payload = message('Payload', {
  issuer: bytes(1, { length: 32, shared: true }),
  parents: repeated(bytes(2, { length: 32, shared: true }), { max: MAX_PARENTS }),
  issuedAtMs: uint64(3),
  expiresAtMs: optional(uint64(4)),
  claim: bytes(5, { shared: true }),
})
/** The signed part, decoded. */
export type Payload = MessageOf<typeof Payload>

/**
 * What is signed, and what is hashed to the id. The type and the signer stand beside the payload and are
 * covered as they travel: the signer has to be known before the payload may be decoded, and two copies of
 * it could differ.
 */
export function signedBytes({ type, signer, payload }: Omit<Statement, 'signature'>): Uint8Array {
  return paeIn(shortBytes, 'vestibule credential v1', type, signer, payload)
}
