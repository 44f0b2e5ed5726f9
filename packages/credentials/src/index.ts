export { type ExpectedAdmission, verifyAdmission } from './admission.ts'
export {
  type AdmittedFeed,
  type Auth,
  type AuthorizedDevice,
  type CancelledInvitation,
  type ChangedRole,
  type Claim,
  type DelegatedInvitation,
  type DeviceProfile,
  type Epoch,
  type FeedHead,
  type FeedPurpose,
  type IdentityProfile,
  type IdentityRecovery,
  type InvitationAttempts,
  type LeftSpace,
  MAX_HEADS,
  MAX_NAME_BYTES,
  MAX_SEALED_KEY_BYTES,
  MAX_SEALED_KEYS,
  MAX_SEALED_SECRETS_BYTES,
  type MemberProfile,
  type Profile,
  type RemovedMember,
  type RevokedDevice,
  type SealedKey,
  type SpaceGenesis,
  type SpaceMember,
  type UnknownClaim,
} from './claims/claims.ts'
export type { Credential } from './credential.ts'
export { MAX_CHAIN_LENGTH, MAX_CREDENTIAL_BYTES, MAX_PARENTS } from './envelope.ts'
export { CredentialsError, type CredentialsErrorCode } from './errors.ts'
export { FEED_PROOF_BYTES, type FeedBinding, proveFeed, verifyFeedProof } from './feed-proof.ts'
export { type Added, Membership } from './fold/membership.ts'
export type { Admission } from './fold/outputs/comings.ts'
export type { Cut } from './fold/outputs/cuts.ts'
export type { Device } from './fold/outputs/devices.ts'
export type { EpochState } from './fold/outputs/epochs.ts'
export type { Feed } from './fold/outputs/feeds.ts'
export type { Fork } from './fold/outputs/forks.ts'
export type { InvitationStanding, LiveInvitation } from './fold/outputs/invitations.ts'
export type { Member } from './fold/outputs/members.ts'
export type { Why, WhyCode } from './fold/outputs/why.ts'
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
export { proveRecovery, type RecoveryBinding } from './recovery-proof.ts'
export { isAtLeast, mayAdmit, ROLES, type Role } from './roles.ts'
export { type VerifyOptions, verifyCredential, verifyCredentials } from './verify.ts'
