export type { SpaceAct } from './acts/history.ts'
export { MemberActs } from './acts/member-acts.ts'
export type { SpaceListener } from './acts/space-listener.ts'
export type { AcceptOptions } from './admission/accept.ts'
export {
  encodeAdmission,
  type FeedContent,
  genesisIdOf,
  MAX_ADMISSION_BYTES,
  parseAdmission,
  type SpaceAdmission,
} from './admission/admission.ts'
export type { AdmitOptions, Candidate } from './admission/admit.ts'
export type { ArchiveSource, ExportOptions } from './archive/archive-file.ts'
export type { ImportOutcome } from './archive/import-space.ts'
export type { DelegateOptions } from './delegation/delegate.ts'
export type { Delegation } from './delegation/delegation.ts'
export { DelegationActs } from './delegation/delegation-acts.ts'
export { MAX_SERVING_SECRETS_BYTES } from './delegation/sealed-secrets.ts'
export { SpaceError, type SpaceErrorCode, StorageError, type StorageErrorCode } from './error.ts'
export type { FeedBatch, FeedHead, SignedHead } from './feed/entry.ts'
export { type AcceptIdentityOptions, acceptIdentity } from './identity/accept-identity.ts'
export {
  type DeviceAdmission,
  type DeviceCandidate,
  encodeDeviceAdmission,
  parseDeviceAdmission,
} from './identity/device-admission.ts'
export type { IdentityDevice } from './identity/devices.ts'
export { Identity, type IdentityListener, type Revoked } from './identity/identity.ts'
export {
  type RecoveryAuthority,
  SigningContext,
  type SigningContextOptions,
} from './identity/signing-context.ts'
export type { Missing } from './lifecycle/missing.ts'
export type { SpaceSummary } from './lifecycle/summary.ts'
export { MAX_MESSAGE_BYTES, MAX_MESSAGE_TYPE_BYTES, type Message } from './message.ts'
export {
  defineMessage,
  type MessageCodec,
  type MessageType,
  type TypedMessage,
} from './messages/message-type.ts'
export type { HistoryOptions, TypedMessages } from './messages/typed-messages.ts'
export type { ReadKey } from './read-keys/read-key.ts'
export { MAX_BACKUP_BYTES, openBackup } from './recovery/backup.ts'
export type { IdentityBackup } from './recovery/content.ts'
export { type FindIdentityOptions, findIdentity } from './recovery/find.ts'
export type { ForkedFeed } from './replication/forked-feed.ts'
export type { SpacePeer } from './replication/handshake.ts'
export type { Departure, Member } from './roster.ts'
export { Space } from './space.ts'
export { SpaceManager, type SpaceManagerListener, type SpaceManagerOptions } from './space-manager.ts'
export { MemoryStorage } from './storage/memory-storage.ts'
export { MAX_KEY_LENGTH, type Storage, type StoragePart, type StorageWrite } from './storage/storage.ts'
