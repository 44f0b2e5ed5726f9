export { FileStorage, type FileStorageOptions } from './storage/file/file-storage.ts'
