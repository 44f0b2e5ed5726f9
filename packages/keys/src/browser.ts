export { IndexedDbKeyStore } from './browser/indexed-db-key-store.ts'
export { WebCryptoKeyHolder } from './browser/web-crypto-key-holder.ts'
