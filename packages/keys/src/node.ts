export { writeFileAtomic } from './atomic-file.ts'
export { FileKeyStore } from './file-key-store.ts'
