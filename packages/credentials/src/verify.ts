import { inLanes, type PublicKey, type SignatureBackend, sha256Hex, threadedBackend } from '@vestibule/keys'
import { copyOf } from './bytes.ts'
import type { Credential } from './credential.ts'
import { type Envelope, Statement, signedBytes } from './envelope.ts'
import { CredentialsError } from './errors.ts'
import { Remembered } from './remembered.ts'
import { assemble, checkSize, isEncodedAs, type Opened, openStatement, parseEnvelope } from './statement.ts'

/** What else a credential has to be, apart from being genuine. */
export interface VerifyOptions {
  /** The only issuer to accept. */
  readonly issuer?: PublicKey
  /** Milliseconds since 1970. Without it nothing is ever expired: what a space decides does not read a clock. */
  readonly nowMs?: number
}

/**
 * Checks an encoded credential: its signature, its form to the byte, the chain of `AuthorizedDevice`
 * credentials (at its top perhaps an `IdentityRecovery`) from its signer up to its issuer, and the proofs by which the
 * keys that an `AdmittedFeed` or an `IdentityRecovery` names agree to it.
 * No payload is decoded before its signature was verified.
 *
 * What it costs is bounded whatever the input: 16 KiB, twelve signatures.
 *
 * @param encoded the bytes of one credential; they are copied
 * @throws CredentialsError: every refusal, by `code`
 * @see docs/credentials.md, "The format"
 */
export function verifyCredential(encoded: Uint8Array, options: VerifyOptions = {}): Promise<Credential> {
  return verifyOne(encoded, options)
}

/** Below this many the way to other threads and back costs more than they save. */
const WORTHWHILE = 16

/**
 * Checks many credentials, each as {@link verifyCredential} does; one that is refused spoils no other. Where the
 * runtime has threads for signatures they are checked there, several at a time.
 *
 * @param encoded the bytes of one credential each; they are copied when its turn comes, and not to be changed before
 * @param options `signal`: aborting stops what was not begun; the promise rejects with its reason
 * @returns for each, in the order given, the credential or why it is refused
 * @see docs/credentials.md, "The format"
 * @example
 * const verdicts = await verifyCredentials(stored)
 * const genuine = verdicts.filter((one) => !(one instanceof CredentialsError))
 */
export async function verifyCredentials(
  encoded: Iterable<Uint8Array>,
  { signal, ...options }: VerifyOptions & { readonly signal?: AbortSignal } = {},
): Promise<(Credential | CredentialsError)[]> {
  signal?.throwIfAborted()
  const list = [...encoded]
  const backend = list.length < WORTHWHILE ? undefined : await threadedBackend(list.length)
  const verdict = (one: Uint8Array) =>
    verifyOne(one, options, backend).catch((error: unknown) => {
      if (error instanceof CredentialsError) return error
      throw error
    })
  return inLanes(list, verdict, signal)
}

async function verifyOne(
  encoded: Uint8Array,
  { issuer, nowMs }: VerifyOptions,
  backend?: SignatureBackend,
): Promise<Credential> {
  checkSize(encoded)
  // Nothing of `encoded` is read after the first wait: its owner may change it meanwhile.
  const bytes = copyOf(encoded)
  const envelope = parseEnvelope(bytes)
  const signed = signedBytes(envelope)
  const id = sha256Hex(signed)
  // Another signature or chain may be wrong where these were right.
  const known = genuine.find(id)
  const isKnown = known !== undefined && isEncodedAs(known, bytes)
  const credential = isKnown
    ? known
    : genuine.keep(id, await verify({ envelope, bytes, signed, id }, backend))
  if (issuer !== undefined && credential.issuer !== issuer)
    throw new CredentialsError('WRONG_ISSUER', `${credential.type}: issued by ${credential.issuer.toHex()}`)
  if (nowMs !== undefined) for (const one of [credential, ...credential.chain]) checkTime(one, nowMs)
  return credential
}

interface Parsed {
  readonly envelope: Envelope
  /** What it was parsed from. */
  readonly bytes: Uint8Array
  readonly signed: Uint8Array
  readonly id: string
}

const genuine = new Remembered<Credential>()
const genuineLinks = new Remembered<Opened>()

/** Whatever is true of these bytes for ever; see {@link verifyCredential}. */
async function verify(
  { envelope, bytes, signed, id }: Parsed,
  backend: SignatureBackend | undefined,
): Promise<Credential> {
  const opened = await (envelope.type in LINKS
    ? openLink(envelope, backend)
    : openStatement(envelope, backend, signed, id))
  const links = isOwn(opened, envelope) ? [] : await openChain(opened, envelope, backend)
  return assemble(opened, links, envelope, bytes)
}

/** Whether the issuer itself signed; then there is no chain to walk, and nothing to wait for. */
const isOwn = ({ issuer, signer }: Opened, { chain }: Envelope): boolean =>
  issuer === signer && chain.length === 0

/**
 * Walks from the signer up to the issuer. A link counts when it is the issuer's own word (through whoever
 * signed it) that the key below it is its device.
 */
async function openChain(
  { issuer, signer }: Opened,
  { chain }: Envelope,
  backend: SignatureBackend | undefined,
): Promise<Opened[]> {
  const links: Opened[] = []
  const seen = new Set([signer])
  let below = signer
  for (const statement of chain) {
    if (below === issuer) throw new CredentialsError('BAD_CHAIN', 'the chain goes on past the issuer')
    const link = await openLink(statement, backend)
    const named = namedBy(link)
    if (named === undefined)
      throw new CredentialsError('WRONG_TYPE', `${link.type} in a chain; it says of no key that it may sign`)
    if (link.issuer !== issuer)
      throw new CredentialsError('WRONG_ISSUER', 'the chain does not lead to the issuer')
    if (named !== below)
      throw new CredentialsError('BAD_CHAIN', 'a link of the chain is about another device')
    if (seen.has(link.signer)) throw new CredentialsError('CYCLIC_CHAIN', 'the chain runs in a circle')
    seen.add(link.signer)
    links.push(link)
    below = link.signer
  }
  if (below !== issuer)
    throw new CredentialsError('MISSING_CHAIN', `nothing says that ${below.toHex()} may sign for the issuer`)
  return links
}

/** Types of what a chain is made of. They come in chains and by themselves, and many credentials have the same chain. */
const LINKS = { AuthorizedDevice: true, IdentityRecovery: true }

async function openLink(statement: Statement, backend: SignatureBackend | undefined): Promise<Opened> {
  const hash = sha256Hex(Statement.encode(statement))
  return genuineLinks.find(hash) ?? genuineLinks.keep(hash, await openStatement(statement, backend))
}

/** The key of which a link says that it signs for the issuer. */
function namedBy({ claim }: Opened): PublicKey | undefined {
  if (claim.type === 'AuthorizedDevice') return claim.device
  return claim.type === 'IdentityRecovery' ? claim.recoveryKey : undefined
}

function checkTime({ type, expiresAtMs }: Pick<Credential, 'type' | 'expiresAtMs'>, nowMs: number): void {
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs)
    throw new CredentialsError('EXPIRED', `${type}: expired at ${expiresAtMs}`)
}
