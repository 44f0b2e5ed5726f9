/** Why a credential, a presentation, an admission, a snapshot or an export was refused. */
export type CredentialsErrorCode =
  /** Not an encoding of a credential, or not the one encoding of its value. */
  | 'MALFORMED'
  /** Longer, with more parents or with a longer chain than any credential may be. */
  | 'TOO_LARGE'
  /** The signature of the credential, or of one in its chain, is not its signer's. */
  | 'BAD_SIGNATURE'
  /** The key of an admitted feed, or its device, did not sign that it belongs to them and this member, for this purpose. */
  | 'BAD_FEED_PROOF'
  /** The recovery key did not sign that it speaks for this identity. */
  | 'BAD_RECOVERY_PROOF'
  /** The signer is not the issuer, and the chain from one to the other is absent or ends too early. */
  | 'MISSING_CHAIN'
  /** A chain that goes through one key twice. */
  | 'CYCLIC_CHAIN'
  /** A chain with a link that nothing needs, or one that does not name the key below it. */
  | 'BAD_CHAIN'
  /** A credential of another type than its place asks for: in a chain, in a presentation, in an admission. */
  | 'WRONG_TYPE'
  /** Issued by somebody whose word this is not, or not the issuer that was asked for. */
  | 'WRONG_ISSUER'
  /** Its time, or that of a credential in its chain, is over. */
  | 'EXPIRED'
  /** A presentation of another space, or an admission to one; a snapshot of another. */
  | 'WRONG_SPACE'
  /** A presentation made for another challenge. */
  | 'WRONG_NONCE'
  /** A presentation made for another channel. */
  | 'WRONG_CHANNEL'
  /** An admission that starts from another genesis, or a snapshot that does. */
  | 'WRONG_GENESIS'
  /** An admission of somebody else. */
  | 'WRONG_MEMBER'
  /** An admission with another role than was promised. */
  | 'WRONG_ROLE'
  /** An admission by somebody who may not admit, or not at this role. */
  | 'NOT_ALLOWED'
  /** A snapshot that is not as it was written. Nothing is lost by it: the credentials themselves give the same. */
  | 'DAMAGED'
  /** A snapshot as another version of this package writes it. The credentials themselves give the same. */
  | 'OTHER_VERSION'
  /** Something that a W3C Verifiable Credential can't say: an unknown claim, a presentation, a time after the year 9999. */
  | 'NOT_EXPORTABLE'

/** A refusal. The text says more for people; programs look at `code` only. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
  readonly code: CredentialsErrorCode
  constructor(code: CredentialsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
