import { hexToBytes } from '@noble/hashes/utils.js'
import type { PublicKey, Signer } from '@vestibule/keys'
import { WireError } from '@vestibule/keys/wire'
import type { Claim } from './claims/claims.ts'
import { encodeClaim } from './claims/wire.ts'
import type { Credential } from './credential.ts'
import { Envelope, Payload, type Statement, signedBytes } from './envelope.ts'
import { verifyCredential } from './verify.ts'

/** What to sign, by whom, and for whom. */
export interface IssueOptions {
  /** Signs with `signingKey`; a keyring, usually. */
  readonly signer: Signer
  /** Whose word it is. */
  readonly issuer: PublicKey
  /** The key to sign with, when it is not the issuer's own. */
  readonly signingKey?: PublicKey
  /** The `AuthorizedDevice` of `signingKey`, and those above it unless it carries them itself. */
  readonly chain?: readonly Credential[]
  readonly claim: Claim
  /** Ids of the credentials that this one comes after, in any order; at most 256. */
  readonly parents?: readonly string[]
  /** Milliseconds since 1970. */
  readonly issuedAtMs: number
  /** Milliseconds since 1970; later than `issuedAtMs`. */
  readonly expiresAtMs?: number
}

/**
 * Signs a claim. What comes out has been verified like anything that comes from outside, so nothing is
 * ever issued that others would refuse.
 *
 * @throws TypeError when a field does not fit (too long a name, too many parents, not an id)
 * @throws CredentialsError when `chain` does not lead from `signingKey` to `issuer`, or the issuer can't make
 *   this claim, or the proof of a feed or a recovery key in it does not hold
 * @throws whatever `signer` throws, `KEY_NOT_FOUND` for instance
 * @example
 * const keyring = new Keyring()
 * const space = await keyring.createKey()
 * const genesis = await issueCredential({
 *   signer: keyring,
 *   issuer: space,
 *   claim: { type: 'SpaceGenesis', space, name: 'Kitchen' },
 *   issuedAtMs: Date.now(),
 * })
 */
export async function issueCredential(options: IssueOptions): Promise<Credential> {
  const { signer, issuer, signingKey = issuer, chain = [], claim, expiresAtMs } = options
  const payload = fitting(() =>
    Payload.encode({
      issuer: issuer.toBytes(),
      parents: [...new Set(options.parents)].sort().map(idToBytes),
      issuedAtMs: options.issuedAtMs,
      ...(expiresAtMs !== undefined && { expiresAtMs }),
      claim: encodeClaim(claim),
    }),
  )
  const statement = { type: claim.type, signer: signingKey.toBytes(), payload }
  const signature = await signer.sign(signingKey, signedBytes(statement))
  const encoded = fitting(() => Envelope.encode({ ...statement, signature, chain: toStatements(chain) }))
  return verifyCredential(encoded)
}

/** Every link once, lowest first, each without the chain that it may carry itself. */
function toStatements(chain: readonly Credential[]): Statement[] {
  const links = new Map(chain.flatMap((link) => [link, ...link.chain]).map((link) => [link.id, link]))
  return [...links.values()].map((link) => {
    const { type, signer, payload, signature } = Envelope.parse(link.encoded)
    return { type, signer, payload, signature }
  })
}

function idToBytes(id: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(id)) throw new TypeError('expected the id of a credential: 64 hex digits')
  return hexToBytes(id)
}

/** A value that can't be written is the caller's mistake, not bad input. */
function fitting<T>(encode: () => T): T {
  try {
    return encode()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new TypeError(cause.message, { cause })
  }
}
