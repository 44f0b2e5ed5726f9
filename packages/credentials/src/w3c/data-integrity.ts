import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { base58 } from '@scure/base'
import type { PublicKey, Signer } from '@vestibule/keys'
import canonicalize from 'canonicalize'

/** A proof by one Ed25519 key. @see W3C, "Data Integrity EdDSA Cryptosuites v1.0", section 3.3 */
export interface DataIntegrityProof {
  readonly '@context': readonly string[]
  readonly type: 'DataIntegrityProof'
  readonly cryptosuite: 'eddsa-jcs-2022'
  /** When it was made, as the caller said: an ISO 8601 time in UTC. */
  readonly created: string
  /** `did:key:z…#z…` of the key that signed. */
  readonly verificationMethod: string
  readonly proofPurpose: 'assertionMethod'
  /** `z` and the base58 of the 64-byte signature. */
  readonly proofValue: string
}

/**
 * Adds a proof to a JSON document.
 *
 * @param document without a `proof`
 * @param created an ISO 8601 time
 * @see W3C, "Data Integrity EdDSA Cryptosuites v1.0", sections 3.3.1 and 3.3.3 to 3.3.6
 */
export async function addProof<T extends { readonly '@context': readonly string[] }>(
  document: T,
  by: { readonly signer: Signer; readonly key: PublicKey; readonly created: string },
): Promise<T & { readonly proof: DataIntegrityProof }> {
  const options = {
    type: 'DataIntegrityProof',
    cryptosuite: 'eddsa-jcs-2022',
    created: by.created,
    verificationMethod: verificationMethodOf(by.key),
    proofPurpose: 'assertionMethod',
    '@context': [...document['@context']],
  } as const
  const signature = await by.signer.sign(by.key, concatBytes(jcsHash(options), jcsHash(document)))
  return { ...document, proof: { ...options, proofValue: `z${base58.encode(signature)}` } }
}

/** The only verification method of a `did:key`, by the name that its DID document has for it. */
function verificationMethodOf(key: PublicKey): string {
  const did = key.toDid()
  return `${did}#${did.slice('did:key:'.length)}`
}

/** @see RFC 8785, "JSON Canonicalization Scheme" */
function jcsHash(value: object): Uint8Array {
  const canonical = canonicalize(value)
  if (canonical === undefined) throw new TypeError('expected a value that JSON can hold')
  return sha256(utf8ToBytes(canonical))
}
