import type { PublicKey } from '@vestibule/keys'
import type { Claim, UnknownClaim } from './claims/claims.ts'

/**
 * A credential whose signature and chain have been checked. It can't be changed; byte strings in it are
 * copies at every access. Only `verifyCredential` and `issueCredential` make them.
 */
export interface Credential {
  /** Hex of the SHA-256 of the signed bytes. It depends neither on the signature nor on the chain. */
  readonly id: string
  /** The name of the claim's type as it was signed, that of an unknown one too. */
  readonly type: string
  /** Whose word it is. */
  readonly issuer: PublicKey
  /** The key that signed: the issuer's own, or that of one of its devices. */
  readonly signer: PublicKey
  /** Milliseconds since 1970, as the issuer's clock said; nothing is decided by it. */
  readonly issuedAtMs: number
  /** Milliseconds since 1970. */
  readonly expiresAtMs?: number
  /** Ids of the credentials that it comes after, ascending. */
  readonly parents: readonly string[]
  readonly claim: Claim | UnknownClaim
  /** From the signer's own `AuthorizedDevice` up to the one that the issuer signed; empty when the issuer signed. */
  readonly chain: readonly Credential[]
  /** The bytes as they came, to store and to pass on. A copy at every access. */
  readonly encoded: Uint8Array
}
