import { hexToBytes } from '@noble/hashes/utils.js'
import { base64urlnopad } from '@scure/base'
import { PublicKey } from '@vestibule/keys'
import type { Claim } from '../claims/claims.ts'
import type { Credential } from '../credential.ts'
import { CredentialsError } from '../errors.ts'

/**
 * The JSON-LD contexts of an export. The second is the W3C's own for terms that no vocabulary defines: the names of
 * claims and their fields are those of this package's format.
 */
const CONTEXTS = [
  'https://www.w3.org/ns/credentials/v2',
  'https://www.w3.org/ns/credentials/undefined-terms/v2',
] as const

/** The bytes that the statement was made in, for whoever knows this format. */
export interface CredentialEvidence {
  /** `ni:///sha-256;…` of the credential's id (RFC 6920). */
  readonly id: string
  readonly type: 'VestibuleCredential'
  /** `did:key` of the identity, or the space, whose word it is. */
  readonly statedBy: string
  /** `did:key` of the key that signed it then. */
  readonly signedBy: string
  /** `u` and the base64url of the encoded credential, its chain included: what `verifyCredential` takes. */
  readonly encoded: string
}

/** A credential as the W3C's data model has it. @see W3C, "Verifiable Credentials Data Model v2.0", section 4 */
export interface VerifiableCredential {
  readonly '@context': readonly string[]
  /** `VerifiableCredential` and the name of the claim. */
  readonly type: readonly ['VerifiableCredential', string]
  /** `did:key` of the key that made this export. */
  readonly issuer: string
  /** From the credential's `issuedAtMs`. */
  readonly validFrom: string
  /** From the credential's `expiresAtMs`. */
  readonly validUntil?: string
  /** `id` is the `did:key` of whom or what the claim is about; the rest are its fields. */
  readonly credentialSubject: { readonly id: string } & Readonly<Record<string, unknown>>
  readonly evidence: CredentialEvidence
}

/** What a credential says, as a document of the W3C's data model, without a proof. See {@link exportVerifiableCredential}. */
export function toDocument(credential: Credential, exporter: PublicKey): VerifiableCredential {
  const { claim, expiresAtMs } = credential
  if (claim.type === 'Unknown' || claim.type === 'Auth')
    throw new CredentialsError('NOT_EXPORTABLE', `${credential.type}: says nothing that stands by itself`)
  const { type, ...fields } = claim
  return {
    '@context': [...CONTEXTS],
    type: ['VerifiableCredential', type],
    issuer: exporter.toDid(),
    validFrom: toTime(credential.issuedAtMs),
    ...(expiresAtMs !== undefined && { validUntil: toTime(expiresAtMs) }),
    credentialSubject: { id: subjectOf(claim, credential.issuer).toDid(), ...toJson(fields) },
    evidence: {
      id: `ni:///sha-256;${base64urlnopad.encode(hexToBytes(credential.id))}`,
      type: 'VestibuleCredential',
      statedBy: credential.issuer.toDid(),
      signedBy: credential.signer.toDid(),
      encoded: multibase(credential.encoded),
    },
  }
}

function subjectOf(claim: Exclude<Claim, { type: 'Auth' }>, issuer: PublicKey): PublicKey {
  switch (claim.type) {
    case 'SpaceMember':
    case 'ChangedRole':
    case 'RemovedMember':
    case 'AdmittedFeed':
    case 'MemberProfile':
      return claim.member
    case 'LeftSpace':
      return issuer
    case 'AuthorizedDevice':
    case 'RevokedDevice':
    case 'DeviceProfile':
      return claim.device
    case 'IdentityRecovery':
    case 'IdentityProfile':
      return claim.identity
    case 'SpaceGenesis':
    case 'DelegatedInvitation':
    case 'CancelledInvitation':
    case 'InvitationAttempts':
    case 'Epoch':
      return claim.space
  }
}

/** Keys as `did:key`, byte strings in multibase; whatever else a claim is made of, JSON has too. */
function toJson(fields: object): Record<string, unknown> {
  const one = (value: unknown): unknown => {
    if (value instanceof PublicKey) return value.toDid()
    if (value instanceof Uint8Array) return multibase(value)
    if (Array.isArray(value)) return value.map(one)
    return typeof value === 'object' && value !== null ? toJson(value) : value
  }
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, one(value)]))
}

/** @see W3C, "Controlled Identifiers v1.0", section 2.4 */
const multibase = (bytes: Uint8Array): string => `u${base64urlnopad.encode(bytes)}`

/** The last moment for which the data model's times, and those of most who read them, have four digits for the year. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59)

/** In UTC, with milliseconds where there are any. @throws CredentialsError NOT_EXPORTABLE for a time after the year 9999 */
export function toTime(timestampMs: number): string {
  if (timestampMs > LAST_MS) throw new CredentialsError('NOT_EXPORTABLE', 'a time after the year 9999')
  return new Date(timestampMs).toISOString().replace('.000Z', 'Z')
}
