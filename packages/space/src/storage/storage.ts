import { StorageError } from '../error.ts'

/** One change of a transaction: `undefined` deletes the key. */
export interface StorageWrite {
  readonly key: string
  readonly value: Uint8Array | undefined
}

/** Which of the entries a {@link Storage} lists. */
export interface StoragePart {
  /** No key before this one; itself a key, whether it is there or not. */
  readonly from?: string
  /** At most so many, a positive integer. */
  readonly limit?: number
}

/**
 * Where everything durable is kept: a sorted map from keys to bytes, changed by transactions.
 *
 * An implementation is accepted when it passes `storageSuite` of `@vestibule/space/testing`. Keys are 1 to
 * {@link MAX_KEY_LENGTH} printable ASCII characters, so that every implementation sorts them alike. Bytes are
 * copied in and out: nobody shares a buffer with the storage.
 *
 * Errors are {@link StorageError}s; a key that is not acceptable is a `TypeError`.
 */
export interface Storage {
  /** The value of a key, or `undefined`. */
  get(key: string): Promise<Uint8Array | undefined>
  /**
   * The entries whose key starts with `prefix`, in ascending order of their keys: all, or a part at a time of what
   * would be too much for the memory.
   */
  list(prefix: string, part?: StoragePart): Promise<[key: string, value: Uint8Array][]>
  /**
   * Makes all changes or none. Resolves when they survive a crash of the process and of the machine; rejects
   * with nothing changed. Transactions take effect in the order of the calls. Of two changes to one key in a
   * transaction the later holds.
   */
  transact(writes: readonly StorageWrite[]): Promise<void>
  /** Waits for what runs and releases the storage. Idempotent; everything after it is refused. */
  close(): Promise<void>
}

/** Longest key of a {@link Storage}, in characters. */
export const MAX_KEY_LENGTH = 512

/** Refuses keys that implementations could sort differently. @throws TypeError */
export function checkKey(key: string): void {
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,512}$/.test(key))
    throw new TypeError(`a storage key has 1 to ${MAX_KEY_LENGTH} printable ASCII characters`)
}

/** Refuses a part that implementations could read differently. @throws TypeError */
export function checkList(prefix: string, { from, limit }: StoragePart): void {
  if (prefix !== '') checkKey(prefix)
  if (from !== undefined) checkKey(from)
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0))
    throw new TypeError('a list has a limit of at least 1')
}

/** Refuses what is not a list of acceptable changes. @throws TypeError */
export function checkWrites(writes: readonly StorageWrite[]): void {
  for (const { key, value } of writes) {
    checkKey(key)
    if (value !== undefined && !(value instanceof Uint8Array))
      throw new TypeError('a storage value is a Uint8Array, or undefined to delete the key')
  }
}

export const storageClosed = (): StorageError => new StorageError('STORAGE_CLOSED', 'the storage is closed')
