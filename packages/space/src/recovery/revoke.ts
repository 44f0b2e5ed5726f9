import { type Credential, issueCredential } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import type { Clock } from '@vestibule/network'
import { SpaceError } from '../error.ts'
import type { RecoveryAuthority, SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'

interface Own {
  readonly store: SpaceStore
  readonly keyring: Keyring
  readonly signingContext: SigningContext
  readonly clock: Clock
}

/**
 * Revokes, by the recovery key, the identity's own key and every device of it that the space knows but this one. What
 * they did so far stays: the revocations come after all of it that is known here. Inside the store's serial.
 *
 * @returns the keys that were revoked
 * @throws SpaceError `NO_RECOVERY` when this space does not know the key as this identity's; key and storage errors
 */
export async function revokeOthers(
  { store, keyring, signingContext, clock }: Own,
  { keyring: signer, keys }: RecoveryAuthority,
): Promise<PublicKey[]> {
  const { identityKey: identity, deviceKey } = signingContext
  const { membership } = store.roster
  const recovery = membership
    .recoveries()
    .find(
      ({ issuer, claim }) =>
        issuer === identity && claim.type === 'IdentityRecovery' && claim.recoveryKey === keys.recoveryKey,
    )
  if (recovery === undefined)
    throw new SpaceError('NO_RECOVERY', 'the space does not know this recovery key as one of this identity')
  const named = membership.devicesOf(identity).map(({ key }) => key)
  const others = [identity, ...named].filter(
    (device) => device !== deviceKey && !membership.isRevoked(identity, device),
  )
  const revocations: Credential[] = []
  let parents = store.parentsOfNext()
  for (const device of others) {
    const revocation = await issueCredential({
      ...{ signer, issuer: identity, signingKey: keys.recoveryKey, chain: [recovery] },
      claim: { type: 'RevokedDevice', identity, device },
      parents,
      issuedAtMs: Math.max(0, Math.floor(clock.now())),
    })
    revocations.push(revocation)
    parents = [revocation.id]
  }
  const payloads = revocations.map(({ encoded }) => encoded)
  if (payloads.length > 0) await store.append(keyring, store.record.controlFeedKey, payloads)
  return others
}
