export { FileStorage, type FileStorageOptions } from './storage/file-storage.ts'
