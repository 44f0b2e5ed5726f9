/** Why something was refused. */
export type SpaceErrorCode =
  /** The manager or space is closed, or was closed while this ran. */
  | 'CLOSED'
  /** The own role does not allow it. */
  | 'NOT_ALLOWED'
  /** The identity is a member already, with other keys than those given now. */
  | 'ALREADY_MEMBER'
  /** A presentation by someone who is not a member, or none at all. */
  | 'NOT_A_MEMBER'
  /** The other end did not accept this device's presentation. */
  | 'REFUSED_BY_PEER'
  /** Bytes that are not a valid frame, entry, admission, record or message of their type. */
  | 'MALFORMED'
  /** More bytes than the format allows. */
  | 'TOO_LARGE'
  /** A format version that this release does not know. */
  | 'UNSUPPORTED_VERSION'
  /** A signature over a feed does not hold. */
  | 'BAD_SIGNATURE'
  /** Entries that do not continue the feed: some in between are missing. */
  | 'GAP'
  /** An entry that does not name its predecessor's hash. */
  | 'BAD_LINK'
  /** The feed's key signed two different entries for one sequence. */
  | 'FORKED'
  /** What is said to prove a fork does not. */
  | 'BAD_FORK'
  /** The feed is not admitted in this space, or its member may not write to it. */
  | 'NOT_ADMITTED'
  /**
   * Whoever is to be admitted has a chain that does not lead to its identity, keys that are in use, or feeds whose
   * keys did not agree.
   */
  | 'BAD_CANDIDATE'
  /** An admission that does not admit this identity, device and feeds into the expected space and role. */
  | 'BAD_ADMISSION'
  /** A device of a member introduced itself with something that is not about it, or does not count here. */
  | 'BAD_INTRODUCTION'
  /** The identity has no such device. */
  | 'UNKNOWN_DEVICE'
  /** The device is not below this one, which so can't revoke it; a senior device or the recovery phrase can. */
  | 'SENIOR_DEVICE'
  /**
   * Somebody was removed, or a device revoked, and nobody has renewed the read key since: what is written now that one
   * could read. It goes on when a member who may renew it has been met.
   */
  | 'READ_KEY_OUTDATED'
  /** The current read key has not come to this device yet: a member that holds it hands it over when they meet. */
  | 'READ_KEY_MISSING'
  /** The key store of this device is locked, or can't be read, so that what is sealed to the device can't be opened. */
  | 'KEYS_UNAVAILABLE'
  /** The identity has no recovery key. */
  | 'NO_RECOVERY'
  /** A backup that opens, but is not of the identity whose recovery phrase was given, or by none of its devices. */
  | 'BAD_BACKUP'
  /** There is no such message here. */
  | 'NO_MESSAGE'
  /** There is no such space here. */
  | 'NO_SPACE'
  /** A file that is no export of a space, is damaged or cut off, or lacks the keys to take the space up. */
  | 'BAD_EXPORT'
  /** The export is sealed under a passphrase. */
  | 'PASSPHRASE_NEEDED'
  /** The storage already holds an identity. */
  | 'IDENTITY_EXISTS'
  /** The storage holds no identity. */
  | 'NO_IDENTITY'
  | StorageErrorCode

/** Why a storage refused. */
export type StorageErrorCode =
  /** Another process, or another part of this one, has the storage open. */
  | 'LOCKED'
  /** No space left on the device, or the configured quota is reached. Nothing of the transaction was kept. */
  | 'STORAGE_FULL'
  /** The directory or file can't be created or written by this user. */
  | 'STORAGE_UNWRITABLE'
  /** The file is damaged or not ours. It was left as it is. */
  | 'STORAGE_CORRUPT'
  /** The file was written by a later release. It was left as it is. */
  | 'STORAGE_VERSION'
  /** The operating system failed to read or write. */
  | 'STORAGE_IO'
  /** The storage has been closed. */
  | 'STORAGE_CLOSED'

/** Everything that this package refuses. Decide by `code`; the text is for people and holds no secret. */
export class SpaceError extends Error {
  override readonly name: string = 'SpaceError'
  readonly code: SpaceErrorCode
  constructor(code: SpaceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A {@link SpaceError} of a storage: what was asked was not done, and nothing that was stored is lost. */
export class StorageError extends SpaceError {
  override readonly name = 'StorageError'
  declare readonly code: StorageErrorCode
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}
