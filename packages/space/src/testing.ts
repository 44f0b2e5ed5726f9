export { type StorageCase, type StorageSubject, storageSuite } from './testing/storage-suite.ts'
