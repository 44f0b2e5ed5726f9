export { agreementPublicKey, type KeyPairBytes, sharedSecret } from './curve/native-keys.ts'
export { KeysError, type KeysErrorCode } from './errors.ts'
export { sha256, sha256Hex } from './hash.ts'
export { Keyring, type RecoveryKeys, type Signer } from './keyring.ts'
export { inLanes } from './lanes.ts'
export { equalBytes, pae, paeIn } from './pae.ts'
export { PUBLIC_KEY_BYTES, PublicKey } from './public-key.ts'
export {
  createRecoveryPhrase,
  entropyToRecoveryPhrase,
  parseRecoveryPhrase,
  RECOVERY_PHRASE_WORDS,
  recoveryAgreementKeyFromPhrase,
  recoveryKeyFromPhrase,
} from './recovery-phrase.ts'
export { Redacted } from './redacted.ts'
export { DEFAULT_SEALING_COST, type SealingCost } from './sealing/argon2id.ts'
export type { Abortable, DataKeyHolder } from './sealing/data-key-holder.ts'
export { AGREEMENT_KEY_BYTES } from './sealing/hpke.ts'
export type { RecordCipher } from './sealing/record-cipher.ts'
export {
  openWithPassphrase,
  type Passphrase,
  type SealingOptions,
  sealWithPassphrase,
} from './sealing/sealed-box.ts'
export { SealedKeyStore } from './sealing/sealed-key-store.ts'
export { type SealContext, sealToAgreementKey } from './sealing/sealed-to-key.ts'
export { type MessageCipher, xchacha20poly1305 } from './sealing/xchacha.ts'
export {
  nobleBackend,
  nodeBackend,
  type SignatureBackend,
  sodiumBackend,
  threadedBackend,
  webCryptoBackend,
} from './signatures/backends.ts'
export { SIGNATURE_BYTES, verifySignature } from './signatures/signature.ts'
export { type SignedMessage, verifySignatures } from './signatures/verify-signatures.ts'
export { type KeyStore, MemoryKeyStore } from './store/key-store.ts'
