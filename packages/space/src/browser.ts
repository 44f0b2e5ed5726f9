export { IndexedDbStorage } from './storage/indexed-db-storage.ts'
