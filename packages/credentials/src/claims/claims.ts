import type { PublicKey } from '@vestibule/keys'
import type { Role } from '../roles.ts'

/** Longest name of a space and longest display name, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 64

/** Most feeds whose heads one credential names. */
export const MAX_HEADS = 128
/** Most devices to which one `Epoch` seals its read key. */
export const MAX_SEALED_KEYS = 96
/** Longest sealed read key, in bytes. */
export const MAX_SEALED_KEY_BYTES = 128
/** Longest sealed secrets of a delegated invitation, in bytes. */
export const MAX_SEALED_SECRETS_BYTES = 4096

/** How a member wants to be shown. */
export interface Profile {
  /** At most {@link MAX_NAME_BYTES} bytes of UTF-8. May be empty. */
  readonly displayName: string
}

/** What a feed is for: acts on the space itself, or what people write in it. */
export type FeedPurpose = 'CONTROL' | 'DATA'

/** The root of a space, signed by the space key. */
export interface SpaceGenesis {
  readonly type: 'SpaceGenesis'
  readonly space: PublicKey
  /** At most {@link MAX_NAME_BYTES} bytes of UTF-8. */
  readonly name: string
  /** Whose own space it is, where its devices keep what is theirs: it stays its only member, whatever is said. */
  readonly identity?: PublicKey
}

/** The issuer admits `member`. The first one, for the founder, is signed by the space key. */
export interface SpaceMember {
  readonly type: 'SpaceMember'
  readonly space: PublicKey
  readonly member: PublicKey
  readonly role: Role
  readonly profile: Profile
  /** 16 bytes: the invitation by which the member came. A copy at every access. */
  readonly invitationId?: Uint8Array
  /** The id of the `DelegatedInvitation` that this admission redeems; it grants that one's role or nothing. */
  readonly delegation?: string
  /** The member is given no read key from before this: it reads what is written under the epochs that come after it. */
  readonly history?: 'none'
}

/** The feed with the key `feed` is written by `device` of `member`, and both of these keys agree. */
export interface AdmittedFeed {
  readonly type: 'AdmittedFeed'
  readonly space: PublicKey
  readonly member: PublicKey
  readonly device: PublicKey
  readonly feed: PublicKey
  readonly purpose: FeedPurpose
  /** 128 bytes: a signature by the key of the feed and one by the device; see `proveFeed`. A copy at every access. */
  readonly proof: Uint8Array
}

/** `device` may sign for `identity`, and things for it are sealed to its agreement key. */
export interface AuthorizedDevice {
  readonly type: 'AuthorizedDevice'
  readonly identity: PublicKey
  readonly device: PublicKey
  /** X25519 public key, 32 bytes. A copy at every access. */
  readonly agreementKey: Uint8Array
}

/** How far a feed was known. */
export interface FeedHead {
  readonly feed: PublicKey
  /** How many entries it had. */
  readonly length: number
  /** 32 bytes: the hash of the last of them. A copy at every access. */
  readonly hash: Uint8Array
}

/** The issuer gives `member` another role. What it had above that ends. */
export interface ChangedRole {
  readonly type: 'ChangedRole'
  readonly space: PublicKey
  readonly member: PublicKey
  readonly role: Role
  /** The data feeds of the member as the issuer knew them, ascending; they are cut there if it may not write on. */
  readonly heads: readonly FeedHead[]
}

/** The issuer removes `member`. */
export interface RemovedMember {
  readonly type: 'RemovedMember'
  readonly space: PublicKey
  readonly member: PublicKey
  /** The data feeds of the member as the issuer knew them, ascending. They are cut there, and all others at nothing. */
  readonly heads: readonly FeedHead[]
}

/** The issuer leaves. */
export interface LeftSpace {
  readonly type: 'LeftSpace'
  readonly space: PublicKey
  /** Its own data feeds as it leaves them, ascending; see {@link RemovedMember}. */
  readonly heads: readonly FeedHead[]
}

/** `device` no longer signs for `identity`. */
export interface RevokedDevice {
  readonly type: 'RevokedDevice'
  readonly identity: PublicKey
  readonly device: PublicKey
}

/** `recoveryKey` signs for `identity`, and outranks every device of it. Signed by the key of the identity itself. */
export interface IdentityRecovery {
  readonly type: 'IdentityRecovery'
  readonly identity: PublicKey
  readonly recoveryKey: PublicKey
  /** X25519 public key, 32 bytes: what only the recovery phrase shall open is sealed to it. A copy at every access. */
  readonly agreementKey: Uint8Array
  /** 64 bytes, a signature by the recovery key; see `proveRecovery`. A copy at every access. */
  readonly proof: Uint8Array
}

/** How an identity wants to be shown in spaces that it joins from now on. */
export interface IdentityProfile {
  readonly type: 'IdentityProfile'
  readonly identity: PublicKey
  readonly profile: Profile
}

/** How the issuer wants to be shown in this space. */
export interface MemberProfile {
  readonly type: 'MemberProfile'
  readonly space: PublicKey
  readonly member: PublicKey
  readonly profile: Profile
}

/** What a device is called. */
export interface DeviceProfile {
  readonly type: 'DeviceProfile'
  readonly identity: PublicKey
  readonly device: PublicKey
  /** At most {@link MAX_NAME_BYTES} bytes of UTF-8. */
  readonly label: string
}

/** An invitation that every member above its role may serve. It ends with the credential's `expiresAtMs`. */
export interface DelegatedInvitation {
  readonly type: 'DelegatedInvitation'
  readonly space: PublicKey
  /** 16 bytes: the id in the link. A copy at every access. */
  readonly invitationId: Uint8Array
  /** Of those who come by it. Below OWNER. */
  readonly role: Role
  /** Whether more than one identity may come by it. */
  readonly multiUse: boolean
  /** After how many failed attempts, by all who serve it, it ends, and one more for each of several who came; 0 for no such limit. */
  readonly maxAttempts: number
  /** What is needed to serve it, sealed; opaque here. At most {@link MAX_SEALED_SECRETS_BYTES}. A copy at every access. */
  readonly sealedSecrets: Uint8Array
  /** Those who come by it are admitted with as much: see {@link SpaceMember}. */
  readonly history?: 'none'
  /** Of one for several: after how many it ends, 2 at least; it may be more who serve it without knowing of each other. */
  readonly uses?: number
}

/** The issuer calls a delegated invitation off. */
export interface CancelledInvitation {
  readonly type: 'CancelledInvitation'
  readonly space: PublicKey
  /** The id of the `DelegatedInvitation`. */
  readonly delegation: string
}

/** How many attempts at a delegated invitation failed on the device that says so, in all so far. */
export interface InvitationAttempts {
  readonly type: 'InvitationAttempts'
  readonly space: PublicKey
  /** The id of the `DelegatedInvitation`. */
  readonly delegation: string
  readonly failed: number
}

/** A read key, sealed to one device. */
export interface SealedKey {
  readonly device: PublicKey
  /** Opaque here. At most {@link MAX_SEALED_KEY_BYTES}. A copy at every access. */
  readonly sealed: Uint8Array
}

/** A new read key, for everybody who may read from here on. */
export interface Epoch {
  readonly type: 'Epoch'
  readonly space: PublicKey
  /** From 1, one more than that of `previous`. */
  readonly number: number
  /** The id of the `Epoch` that it follows; absent for the first. */
  readonly previous?: string
  /** By device, ascending. */
  readonly keys: readonly SealedKey[]
  /** Data feeds as they are included, ascending. No later removal cuts below. */
  readonly heads: readonly FeedHead[]
  /** 32 bytes that the read key gives and no other: everybody can tell it from another. A copy at every access. */
  readonly commitment: Uint8Array
}

/** The answer to a verifier's challenge; see `issuePresentation`. */
export interface Auth {
  readonly type: 'Auth'
  readonly space: PublicKey
  /** 32 bytes, the verifier's. A copy at every access. */
  readonly nonce: Uint8Array
  /** 32 bytes: a hash of the channel binding. A copy at every access. */
  readonly channel: Uint8Array
}

/** A claim of a type that this version doesn't know. It is kept and passed on as it came, and grants nothing. */
export interface UnknownClaim {
  readonly type: 'Unknown'
  readonly typeName: string
}

/** What a credential says. The name of its type is part of what is signed. */
export type Claim =
  | SpaceGenesis
  | SpaceMember
  | ChangedRole
  | RemovedMember
  | LeftSpace
  | AdmittedFeed
  | AuthorizedDevice
  | RevokedDevice
  | IdentityRecovery
  | IdentityProfile
  | MemberProfile
  | DeviceProfile
  | DelegatedInvitation
  | CancelledInvitation
  | InvitationAttempts
  | Epoch
  | Auth
