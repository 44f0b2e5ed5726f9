export { agreementPublicKey, type KeyPairBytes, sharedSecret } from './curve/native-keys.ts'
export { KeysError, type KeysErrorCode } from './errors.ts'
export { type KeyStore, MemoryKeyStore } from './key-store.ts'
export { Keyring, type Signer } from './keyring.ts'
export { equalBytes, pae } from './pae.ts'
export { PUBLIC_KEY_BYTES, PublicKey } from './public-key.ts'
export { Redacted } from './redacted.ts'
export {
  nobleBackend,
  nodeBackend,
  SIGNATURE_BYTES,
  type SignatureBackend,
  verifySignature,
  webCryptoBackend,
} from './signature.ts'
