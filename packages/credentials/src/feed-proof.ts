import { concatBytes } from '@noble/hashes/utils.js'
import {
  pae,
  SIGNATURE_BYTES,
  type SignatureBackend,
  type Signer,
  sha256Hex,
  verifySignature,
} from '@vestibule/keys'
import type { AdmittedFeed } from './claims/claims.ts'
import { Remembered } from './remembered.ts'

/** Length of a feed's proof: the signature of its key, then that of its device. */
export const FEED_PROOF_BYTES = 2 * SIGNATURE_BYTES

/** What a feed's key and its device agree to: whose feed it is, by which device, and what for. */
export type FeedBinding = Pick<AdmittedFeed, 'member' | 'device' | 'feed' | 'purpose'>

/**
 * What both keys sign. The space is left out on purpose: a guest makes its proofs before it is told which
 * space it joins. What is signed in a feed names it instead, so a feed that is admitted elsewhere stays empty there.
 */
function feedStatement({ member, device, feed, purpose }: FeedBinding): Uint8Array {
  return pae('vestibule feed admission v1', member.toBytes(), device.toBytes(), feed.toBytes(), purpose)
}

/**
 * Makes the `proof` of an {@link AdmittedFeed}. Without the feed's word anybody could name another's feed as their own;
 * without the device's, whoever admits a member could name a feed of its own making as theirs. The same values give
 * the same bytes, so a proof may be made again instead of being kept.
 *
 * @param options `signer`: holds the keys of the feed and of the device
 * @returns {@link FEED_PROOF_BYTES} bytes, an Ed25519 signature by `feed` and one by `device`; the caller's
 * @throws whatever `signer` throws, `KEY_NOT_FOUND` for instance
 * @see docs/credentials.md, "The format"
 * @example
 * const feed = await keyring.createKey()
 * const named = { member: identity, device, feed, purpose: 'DATA' } as const
 * const proof = await proveFeed({ signer: keyring, ...named })
 * const claim = { type: 'AdmittedFeed', space, ...named, proof } as const
 */
export async function proveFeed(options: FeedBinding & { readonly signer: Signer }): Promise<Uint8Array> {
  const { signer, feed, device } = options
  const statement = feedStatement(options)
  const [byFeed, byDevice] = await Promise.all([signer.sign(feed, statement), signer.sign(device, statement)])
  return concatBytes(byFeed, byDevice)
}

/**
 * Whether a feed's key and its device have agreed to this admission. Credentials need no such check, as
 * `verifyCredential` makes it: this is for whoever is handed a proof before there is a credential.
 *
 * @param backend which implementation checks the equation; the fastest of this runtime unless given
 */
export async function verifyFeedProof(
  binding: FeedBinding & { readonly proof: Uint8Array },
  backend?: SignatureBackend,
): Promise<boolean> {
  const { feed, device } = binding
  // Copied before anything is waited for: what was checked is what is remembered.
  const proof = binding.proof.slice()
  if (proof.length !== FEED_PROOF_BYTES) return false
  const statement = feedStatement(binding)
  const hash = sha256Hex(concatBytes(proof, statement))
  if (genuine.find(hash) !== undefined) return true
  const holds =
    (await verifySignature(feed, statement, proof.subarray(0, SIGNATURE_BYTES), backend)) &&
    (await verifySignature(device, statement, proof.subarray(SIGNATURE_BYTES), backend))
  return holds && genuine.keep(hash, true)
}

/** A host checks what a guest hands to it, then again as its candidate, and in the credential that it issues. */
const genuine = new Remembered<true>()
