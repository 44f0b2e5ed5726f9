export type KeysErrorCode =
  /** The keyring has no such key. */
  | 'KEY_NOT_FOUND'
  /** A stored record is damaged, or does not belong to the key it is filed under. The file is left as it is. */
  | 'CORRUPT_RECORD'
  /** A record was written by a newer version; it is left as it is. */
  | 'UNSUPPORTED_VERSION'
  /** The store could not be read or written (full, read-only, no permission); `cause` says why. */
  | 'STORE_UNAVAILABLE'
  /** A key with this name is stored already; keys are never overwritten. */
  | 'KEY_EXISTS'
  /** A key agreement gave the all-zero secret: the other side's public key has small order (RFC 7748, section 6.1). */
  | 'WEAK_AGREEMENT'
  /** What was sealed to an agreement key is for another one. */
  | 'WRONG_RECIPIENT'
  /** What was sealed to an agreement key is damaged, or was sealed for another purpose. */
  | 'SEAL_BROKEN'
  /** The passphrase is not the one that this was sealed with; nothing is known to be damaged. */
  | 'WRONG_PASSPHRASE'
  /** What keeps a sealed store's key does not have it (any more); nothing is known to be damaged. */
  | 'MISSING_KEY'
  /** A sealed store's key is another than the one that is held, or the store opens in another way. */
  | 'WRONG_KEY'
  /** What keeps keys (the operating system's keychain, the browser) is not there or refuses; `cause` says why. */
  | 'KEY_HOLDER_UNAVAILABLE'
  /** What was sealed asks for more memory or time to open than this package will spend, or for suspiciously little. */
  | 'UNACCEPTABLE_COST'
  /** The sealed store was locked, and its key is gone from memory. Open it again. */
  | 'STORE_LOCKED'
  /** A recovery phrase has more or fewer than 24 words. */
  | 'WRONG_PHRASE_LENGTH'
  /** A word of a recovery phrase is not in the list; the message says which by its number. */
  | 'UNKNOWN_PHRASE_WORD'
  /** The words of a recovery phrase are all in the list, but do not fit together. */
  | 'WRONG_PHRASE_CHECKSUM'

/** What this package throws when a promise is broken; a caller's mistake is a `TypeError`. */
export class KeysError extends Error {
  override readonly name = 'KeysError'
  readonly code: KeysErrorCode
  constructor(code: KeysErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
