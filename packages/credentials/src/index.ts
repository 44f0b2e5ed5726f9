export { type ExpectedAdmission, verifyAdmission } from './admission.ts'
export {
  type AdmittedFeed,
  type Auth,
  type AuthorizedDevice,
  type Claim,
  type FeedPurpose,
  MAX_NAME_BYTES,
  type Profile,
  type SpaceGenesis,
  type SpaceMember,
  type UnknownClaim,
} from './claims.ts'
export type { Credential } from './credential.ts'
export { MAX_CHAIN_LENGTH, MAX_CREDENTIAL_BYTES, MAX_PARENTS } from './envelope.ts'
export { CredentialsError, type CredentialsErrorCode } from './errors.ts'
export { type FeedBinding, proveFeed, verifyFeedProof } from './feed-proof.ts'
export { type Added, type Feed, type Member, Membership } from './fold/membership.ts'
export { type IssueOptions, issueCredential } from './issue.ts'
export {
  channelBinding,
  issuePresentation,
  NONCE_BYTES,
  type PresentationContext,
  type PresentationOptions,
  type Presented,
  verifyPresentation,
} from './presentation.ts'
export { isAtLeast, mayAdmit, ROLES, type Role } from './roles.ts'
export { type VerifyOptions, verifyCredential } from './verify.ts'
