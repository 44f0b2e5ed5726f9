import { equalBytes, Keyring, type PublicKey, Redacted } from '@vestibule/keys'
import { guestKeyHash } from './link-keys.ts'
import { type LinkFields, type LinkGuest, SEED_BYTES } from './link-layout.ts'

/**
 * Whom a link is for: what it says of that, and the key that its host keeps.
 * @param guestKey an identity key, or `carried` for a key pair made for this link
 * @param random cryptographic random bytes
 */
export async function newLinkGuest(
  guestKey: PublicKey | 'carried',
  random: (length: number) => Uint8Array,
): Promise<{ readonly guest: LinkGuest; readonly key: PublicKey }> {
  if (guestKey !== 'carried')
    return { guest: { type: 'KEY_HASH', hash: guestKeyHash(guestKey.toBytes()) }, key: guestKey }
  const seed = new Redacted(random(SEED_BYTES))
  const { key } = await carriedKey(seed)
  return { guest: { type: 'SEED', seed }, key }
}

/** The key pair that a link carries, in a keyring for a moment: it is the link's, and kept nowhere else. */
export async function carriedKey(
  seed: Redacted<Uint8Array>,
): Promise<{ readonly key: PublicKey; readonly signer: Keyring }> {
  const signer = new Keyring()
  return { key: await signer.importKey(seed.unwrap()), signer }
}

/** Whether a link is for one identity, and not for this one. */
export function isForAnother({ guest }: Pick<LinkFields, 'guest'>, identityKey: PublicKey): boolean {
  return guest?.type === 'KEY_HASH' && !equalBytes(guest.hash, guestKeyHash(identityKey.toBytes()))
}
