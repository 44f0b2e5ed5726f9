import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes, type PublicKey, pae, type Signer } from '@vestibule/keys'
import type { Credential } from './credential.ts'
import { CredentialsError } from './errors.ts'
import { issueCredential } from './issue.ts'
import { verifyCredential } from './verify.ts'

/** Length of a verifier's nonce in bytes. */
export const NONCE_BYTES = 32

/** What a presentation is bound to. Both sides have to give the same. */
export interface PresentationContext {
  readonly space: PublicKey
  /** 32 random bytes that the verifier made for this channel and uses once. */
  readonly nonce: Uint8Array
  /** What the channel is, as both ends see it; see {@link channelBinding}. */
  readonly channelBinding: Uint8Array
}

/** Who presents, and by which device. */
export interface PresentationOptions extends PresentationContext {
  readonly signer: Signer
  readonly identity: PublicKey
  readonly deviceKey: PublicKey
  /** From the device's `AuthorizedDevice` up to the identity; empty when the identity key itself signs. */
  readonly chain: readonly Credential[]
}

/** What a presentation proves. */
export interface Presented {
  readonly identity: PublicKey
  readonly device: PublicKey
  readonly chain: readonly Credential[]
}

/**
 * The bytes to bind a presentation to a channel between two authenticated peers. The prover stands first,
 * so that a verifier can't send back to somebody the presentation which it has just had from them.
 */
export function channelBinding(peers: { readonly prover: string; readonly verifier: string }): Uint8Array {
  return pae('vestibule peers v1', peers.prover, peers.verifier)
}

/**
 * Proves to one verifier, on one channel, that a device speaks for an identity. It lives no longer than the
 * verifier's nonce and the channel do, so it has no time in it. The result is an encoded credential.
 *
 * @throws TypeError when the nonce is not {@link NONCE_BYTES} long
 * @throws CredentialsError when the chain does not lead from the device to the identity
 */
export async function issuePresentation(options: PresentationOptions): Promise<Uint8Array> {
  const { signer, identity, deviceKey, chain, space } = options
  const nonce = checkedNonce(options.nonce)
  const claim = { type: 'Auth', space, nonce, channel: hashChannel(options.channelBinding) } as const
  const credential = await issueCredential({
    signer,
    issuer: identity,
    signingKey: deviceKey,
    chain,
    claim,
    issuedAtMs: 0,
  })
  return credential.encoded
}

/**
 * Checks a presentation against what this verifier asked for.
 *
 * @param encoded what `issuePresentation` gave to the other side
 * @param context `nowMs` (milliseconds since 1970) also refuses device credentials that have expired
 * @returns who it is; whether that is a member is for the space to say
 * @throws CredentialsError with WRONG_TYPE, WRONG_SPACE, WRONG_NONCE, WRONG_CHANNEL, or as `verifyCredential`
 */
export async function verifyPresentation(
  encoded: Uint8Array,
  context: PresentationContext & { readonly nowMs?: number },
): Promise<Presented> {
  const { space, nowMs } = context
  const nonce = checkedNonce(context.nonce)
  const channel = hashChannel(context.channelBinding)
  const credential = await verifyCredential(encoded, nowMs === undefined ? {} : { nowMs })
  const { claim, issuer, signer, chain } = credential
  if (claim.type !== 'Auth')
    throw new CredentialsError('WRONG_TYPE', `${credential.type} is not a presentation`)
  if (claim.space !== space) throw new CredentialsError('WRONG_SPACE', 'presented for another space')
  if (!equalBytes(claim.nonce, nonce))
    throw new CredentialsError('WRONG_NONCE', 'presented for another challenge')
  if (!equalBytes(claim.channel, channel))
    throw new CredentialsError('WRONG_CHANNEL', 'presented for another channel')
  return Object.freeze({ identity: issuer, device: signer, chain })
}

/** Copies it, so that nobody changes it while a signature is being made or checked. */
function checkedNonce(nonce: Uint8Array): Uint8Array {
  if (!(nonce instanceof Uint8Array) || nonce.length !== NONCE_BYTES)
    throw new TypeError(`expected a nonce of ${NONCE_BYTES} bytes`)
  return nonce.slice()
}

const hashChannel = (binding: Uint8Array): Uint8Array => {
  if (!(binding instanceof Uint8Array)) throw new TypeError('expected a channel binding as bytes')
  return sha256(pae('vestibule channel v1', binding))
}
