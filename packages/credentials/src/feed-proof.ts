import { pae, type Signer, verifySignature } from '@vestibule/keys'
import type { AdmittedFeed } from './claims/claims.ts'

/** What a feed's key agrees to: whose feed it is, by which device, and what for. */
export type FeedBinding = Pick<AdmittedFeed, 'member' | 'device' | 'feed' | 'purpose'>

/**
 * What the feed's key signs. The space is left out on purpose: a guest makes its proofs before it is told which
 * space it joins. So a feed's key is for one space, and never used in another.
 */
function feedStatement({ member, device, feed, purpose }: FeedBinding): Uint8Array {
  return pae('vestibule feed admission v1', member.toBytes(), device.toBytes(), feed.toBytes(), purpose)
}

/**
 * Makes the `proof` of an {@link AdmittedFeed}: without it nobody could be kept from naming another's feed as
 * their own. The same values give the same bytes, so a proof may be made again instead of being kept.
 *
 * @param options `signer`: holds the key of the feed
 * @returns 64 bytes, an Ed25519 signature by `feed`; the caller's
 * @throws whatever `signer` throws, `KEY_NOT_FOUND` for instance
 * @see README, "The format"
 * @example
 * const feed = await keyring.createKey()
 * const named = { member: identity, device, feed, purpose: 'DATA' } as const
 * const proof = await proveFeed({ signer: keyring, ...named })
 * const claim = { type: 'AdmittedFeed', space, ...named, proof } as const
 */
export function proveFeed(options: FeedBinding & { readonly signer: Signer }): Promise<Uint8Array> {
  return options.signer.sign(options.feed, feedStatement(options))
}

/**
 * Whether a feed's key has agreed to be admitted like this. Credentials need no such check, as
 * `verifyCredential` makes it: this is for whoever is handed a proof before there is a credential.
 */
export function verifyFeedProof(binding: FeedBinding & { readonly proof: Uint8Array }): Promise<boolean> {
  return verifySignature(binding.feed, feedStatement(binding), binding.proof)
}
