export { makeFolder, writeFileAtomic } from './store/atomic-file.ts'
export { FileKeyStore } from './store/file-key-store.ts'
export { type Keychain, type KeychainEntry, KeychainKeyHolder } from './store/keychain-key-holder.ts'
