export type { DataIntegrityProof } from './w3c/data-integrity.ts'
export { type ExportOptions, exportVerifiableCredential } from './w3c/export.ts'
export type { CredentialEvidence, VerifiableCredential } from './w3c/verifiable-credential.ts'
