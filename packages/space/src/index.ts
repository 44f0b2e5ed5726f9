export { SpaceError, type SpaceErrorCode, StorageError, type StorageErrorCode } from './error.ts'
export { MemoryStorage } from './storage/memory-storage.ts'
export { MAX_KEY_LENGTH, type Storage, type StorageWrite } from './storage/storage.ts'
