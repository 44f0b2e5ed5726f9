import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes, PublicKey, type SignatureBackend, sha256Hex, verifySignature } from '@vestibule/keys'
import { WireError } from '@vestibule/keys/wire'
import { owned } from './claims/owned.ts'
import { checkClaim } from './claims/rules.ts'
import { parseClaim } from './claims/wire.ts'
import type { Credential } from './credential.ts'
import { Envelope, MAX_CREDENTIAL_BYTES, Payload, type Statement, signedBytes } from './envelope.ts'
import { CredentialsError } from './errors.ts'
import { verifyFeedProof } from './feed-proof.ts'
import { verifyRecoveryProof } from './recovery-proof.ts'

/** The shape of a type's name; it ends up in logs and messages. */
const TYPE_NAME = /^[A-Za-z][A-Za-z0-9._-]*$/

/** A statement whose signature holds, decoded; its chain is still to be looked at. */
export type Opened = Omit<Credential, 'chain' | 'encoded'>

/** Runs a parser over bytes from outside, and turns what it throws into a refusal. */
export function refusing<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new CredentialsError(cause.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'MALFORMED', cause.message, {
      cause,
    })
  }
}

/** Bounds what anything else costs. @throws CredentialsError `TOO_LARGE`, TypeError */
export function checkSize(encoded: Uint8Array): void {
  if (!(encoded instanceof Uint8Array)) throw new TypeError('expected an encoded credential as bytes')
  if (encoded.length > MAX_CREDENTIAL_BYTES)
    throw new CredentialsError('TOO_LARGE', `a credential has at most ${MAX_CREDENTIAL_BYTES} bytes`)
}

/** Splits an envelope. Of what is inside only lengths are known after that. */
export function parseEnvelope(encoded: Uint8Array): Envelope {
  return refusing(() => Envelope.parse(encoded))
}

/**
 * Checks a statement's signature, and only then decodes its payload.
 * @param signed its {@link signedBytes}, and `id` their hash
 */
export async function openStatement(
  statement: Statement,
  backend?: SignatureBackend,
  signed = signedBytes(statement),
  id = sha256Hex(signed),
): Promise<Opened> {
  const { type } = statement
  const signer = PublicKey.from(statement.signer)
  if (!(await verifySignature(signer, signed, statement.signature, backend)))
    throw new CredentialsError('BAD_SIGNATURE', `${printable(type)}: not signed by ${signer.toHex()}`)
  const opened = readStatement(statement, signer, id)
  if (opened.claim.type in PROVEN) await checkProof(opened, backend)
  return opened
}

/** Decodes a statement whose signature was checked. */
export function readStatement(
  statement: Statement,
  signer = PublicKey.from(statement.signer),
  id = sha256Hex(signedBytes(statement)),
): Opened {
  const { type } = statement
  if (!TYPE_NAME.test(type)) throw new CredentialsError('MALFORMED', 'not the name of a type')
  const payload = refusing(() => Payload.parse(statement.payload))
  const parents = payload.parents.map((parent) => bytesToHex(parent))
  for (const [at, parent] of parents.entries())
    if (at > 0 && parent <= (parents[at - 1] ?? ''))
      throw new CredentialsError('MALFORMED', `${type}: its parents are not in strictly ascending order`)
  if (payload.expiresAtMs !== undefined && payload.expiresAtMs <= payload.issuedAtMs)
    throw new CredentialsError('MALFORMED', `${type}: it ends before it begins`)
  const opened: Opened = {
    id,
    type,
    issuer: PublicKey.from(payload.issuer),
    signer,
    issuedAtMs: payload.issuedAtMs,
    parents: Object.freeze(parents),
    claim: refusing(() => parseClaim(type, payload.claim)),
  }
  checkClaim(opened)
  return payload.expiresAtMs === undefined ? opened : { ...opened, expiresAtMs: payload.expiresAtMs }
}

/** Claims that name a key which has to agree to it. */
const PROVEN = { AdmittedFeed: true, IdentityRecovery: true }

async function checkProof({ claim }: Opened, backend: SignatureBackend | undefined): Promise<void> {
  if (claim.type === 'AdmittedFeed' && !(await verifyFeedProof(claim, backend)))
    throw new CredentialsError(
      'BAD_FEED_PROOF',
      `the feed ${claim.feed.toHex()} and its device did not agree to this`,
    )
  if (claim.type === 'IdentityRecovery' && !(await verifyRecoveryProof(claim, backend)))
    throw new CredentialsError(
      'BAD_RECOVERY_PROOF',
      `the recovery key ${claim.recoveryKey.toHex()} did not agree to this`,
    )
}

/**
 * Puts a checked statement and its checked chain together.
 * @param envelope what they were read from
 * @param bytes and what that was read from
 */
export function assemble(
  opened: Opened,
  links: readonly Opened[],
  envelope: Envelope,
  bytes: Uint8Array,
): Credential {
  let chain: readonly Credential[] = []
  for (let at = links.length - 1; at >= 0; at--) {
    const [link, statement] = [links[at], envelope.chain[at]]
    if (link === undefined || statement === undefined) continue
    // Each link is a credential by itself, with the rest of the chain as its own.
    const alone = Envelope.encode({ ...statement, chain: envelope.chain.slice(at + 1) })
    chain = [toCredential(link, chain, alone), ...chain]
  }
  return toCredential(opened, chain, bytes)
}

/** Decodes a credential that was verified before. */
export function readGenuine(bytes: Uint8Array): Credential {
  const envelope = parseEnvelope(bytes)
  const links = envelope.chain.map((statement) => readStatement(statement))
  return assemble(readStatement(envelope), links, envelope, bytes)
}

const NO_CHAIN: readonly Credential[] = Object.freeze([])

function toCredential(opened: Opened, chain: readonly Credential[], encoded: Uint8Array): Credential {
  return new Checked(opened, chain.length === 0 ? NO_CHAIN : Object.freeze([...chain]), encoded)
}

/**
 * What a credential claims, for our own eyes: byte strings in it are not copied. Whoever reads many, as the fold does,
 * reads plain data faster than what is made to be handed out.
 */
export const rawClaim = (credential: Credential): Credential['claim'] => Checked.rawClaim(credential)

/** Whether a credential was read from just these bytes. */
export const isEncodedAs = (credential: Credential, bytes: Uint8Array): boolean =>
  Checked.isEncodedAs(credential, bytes)

/** A class, so that all credentials have one shape. */
class Checked implements Credential {
  readonly id: string
  readonly type: string
  readonly issuer: PublicKey
  readonly signer: PublicKey
  readonly issuedAtMs: number
  declare readonly expiresAtMs?: number
  readonly parents: readonly string[]
  readonly chain: readonly Credential[]
  readonly #raw: Credential['claim']
  readonly #encoded: Uint8Array
  #claim: Credential['claim'] | undefined

  static rawClaim(credential: Credential): Credential['claim'] {
    return #raw in credential ? credential.#raw : credential.claim
  }

  static isEncodedAs(credential: Credential, bytes: Uint8Array): boolean {
    return equalBytes(#encoded in credential ? credential.#encoded : credential.encoded, bytes)
  }

  constructor(opened: Opened, chain: readonly Credential[], encoded: Uint8Array) {
    this.id = opened.id
    this.type = opened.type
    this.issuer = opened.issuer
    this.signer = opened.signer
    this.issuedAtMs = opened.issuedAtMs
    this.parents = opened.parents
    this.chain = chain
    this.#raw = opened.claim
    this.#encoded = encoded
    if (opened.expiresAtMs !== undefined) this.expiresAtMs = opened.expiresAtMs
    Object.freeze(this)
  }

  /** Made when it is first asked for. */
  get claim(): Credential['claim'] {
    this.#claim ??= owned(this.#raw)
    return this.#claim
  }

  get encoded(): Uint8Array {
    return this.#encoded.slice()
  }
}

const printable = (type: string): string => (TYPE_NAME.test(type) ? type : 'a credential')
