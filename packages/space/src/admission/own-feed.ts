import { type Credential, type FeedPurpose, proveFeed } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import type { SigningContext } from '../identity/signing-context.ts'

/**
 * Says by the own word that a feed, whose key the keyring holds, is written by this device.
 * @param parents ids of the credentials that it comes after
 * @throws key errors
 */
export async function admitOwnFeed(
  { keyring, signingContext }: { readonly keyring: Keyring; readonly signingContext: SigningContext },
  what: { readonly space: PublicKey; readonly feed: PublicKey; readonly purpose: FeedPurpose },
  parents: readonly string[],
): Promise<Credential> {
  const { identityKey: member, deviceKey: device } = signingContext
  const { space, ...named } = what
  const proof = await proveFeed({ signer: keyring, member, device, ...named })
  return signingContext.issue({ type: 'AdmittedFeed', space, member, device, ...named, proof }, { parents })
}
