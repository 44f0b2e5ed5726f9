import { StorageError, type StorageErrorCode } from '../../error.ts'

/** Runs something, and says in our words what SQLite or the file system refused. */
export function attempt<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw failed(path, cause)
  }
}

export function failed(path: string, cause: unknown): unknown {
  if (cause instanceof StorageError || cause instanceof TypeError) return cause
  const code = storageCode(cause)
  return new StorageError(code, `${path}: ${meaning[code]}`, { cause })
}

/** Primary result codes of SQLite, and what the file system says when the directory can't be made. */
function storageCode(cause: unknown): StorageErrorCode {
  const { errcode, code } = cause as { errcode?: number; code?: string }
  switch (errcode === undefined ? code : errcode & 0xff) {
    case 5: // BUSY
    case 6: // LOCKED
      return 'LOCKED'
    case 13: // FULL
    case 'ENOSPC':
    case 'EDQUOT':
      return 'STORAGE_FULL'
    case 3: // PERM
    case 8: // READONLY
    case 14: // CANTOPEN
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return 'STORAGE_UNWRITABLE'
    case 11: // CORRUPT
    case 26: // NOTADB
      return 'STORAGE_CORRUPT'
    default:
      return 'STORAGE_IO'
  }
}

const meaning: Record<StorageErrorCode, string> = {
  LOCKED: 'in use by another process',
  STORAGE_FULL: 'no space left',
  STORAGE_UNWRITABLE: 'can not be created or written',
  STORAGE_CORRUPT: 'damaged, or not a database; it was left as it is',
  STORAGE_VERSION: 'written by a later release',
  STORAGE_IO: 'reading or writing failed',
  STORAGE_CLOSED: 'closed',
}
