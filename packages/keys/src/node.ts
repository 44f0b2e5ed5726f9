export { writeFileAtomic } from './store/atomic-file.ts'
export { FileKeyStore } from './store/file-key-store.ts'
