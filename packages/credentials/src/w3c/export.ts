import type { PublicKey, Signer } from '@vestibule/keys'
import type { Credential } from '../credential.ts'
import { addProof, type DataIntegrityProof } from './data-integrity.ts'
import { toDocument, toTime, type VerifiableCredential } from './verifiable-credential.ts'

/** Who exports, and when. */
export interface ExportOptions {
  /** Holds `signingKey`; a keyring, usually. */
  readonly signer: Signer
  /** The key that vouches for the export: the credential's `signer`, unless it is its `issuer`. */
  readonly signingKey?: PublicKey
  /** Milliseconds since 1970: the `created` of the proof. */
  readonly createdAtMs: number
}

/**
 * States a credential once more, as a W3C Verifiable Credential with a Data Integrity proof (`eddsa-jcs-2022`), which
 * verifiers that know nothing of spaces accept.
 *
 * The proof is a new signature by one key, which becomes the `issuer`, and says: this key states this claim. What a
 * space makes of it (whether the act counts, whether the member is one still) is not in it, and nothing here reads
 * an export back. The chain from a device to its identity has no place in that data model; it travels inside
 * `evidence.encoded`, the original bytes, which `verifyCredential` checks.
 *
 * @returns a value of JSON; its bytes may be laid out in any way
 * @throws TypeError when `signingKey` is neither the credential's signer nor its issuer, or `createdAtMs` is no time
 * @throws CredentialsError NOT_EXPORTABLE for a claim of an unknown type, a presentation, or a time after the year 9999
 * @throws whatever `signer` throws, `KEY_NOT_FOUND` for instance
 * @see W3C, "Verifiable Credentials Data Model v2.0" and "Data Integrity EdDSA Cryptosuites v1.0"
 */
export async function exportVerifiableCredential(
  credential: Credential,
  options: ExportOptions,
): Promise<VerifiableCredential & { readonly proof: DataIntegrityProof }> {
  const { signer, signingKey = credential.signer, createdAtMs } = options
  if (signingKey !== credential.signer && signingKey !== credential.issuer)
    throw new TypeError(`${signingKey.toHex()} neither issued nor signed this credential`)
  if (!Number.isSafeInteger(createdAtMs) || createdAtMs < 0)
    throw new TypeError(`expected milliseconds since 1970, got ${createdAtMs}`)
  const document = toDocument(credential, signingKey)
  return addProof(document, { signer, key: signingKey, created: toTime(createdAtMs) })
}
