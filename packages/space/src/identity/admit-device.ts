import type { Credential } from '@vestibule/credentials'
import { equalBytes, type PublicKey } from '@vestibule/keys'
import { type Actor, publish } from '../acts/perform.ts'
import { SpaceError } from '../error.ts'
import type { Space } from '../space.ts'
import type { StorageWrite } from '../storage/storage.ts'
import type { DeviceCandidate } from './device-admission.ts'

/**
 * Authorises a device of the own identity by this one, in the identity's own space, or gives the authorisation of one
 * that it has already once more. In one transaction with `alsoWrite`; when it fails nothing has changed.
 * @throws SpaceError `BAD_CANDIDATE`; key and storage errors
 */
export function authorizeDevice(
  own: Space,
  candidate: DeviceCandidate,
  alsoWrite: readonly StorageWrite[],
): Promise<Credential> {
  return own.act(async (actor) => {
    const { store, signingContext } = actor
    const { deviceKey: device, agreementKey } = candidate
    const existing = existingDevice(actor, candidate)
    if (existing !== undefined) {
      if (alsoWrite.length > 0) await store.write(alsoWrite)
      return existing
    }
    const { identityKey: identity, chain } = signingContext
    // After its own chain only, so that it can be shown in a space that knows nothing else of the identity.
    const parents = chain.map(({ id }) => id)
    const authorized = await signingContext.issue(
      { type: 'AuthorizedDevice', identity, device, agreementKey },
      { parents },
    )
    const named = await nameDevice(actor, device, candidate.label, authorized)
    await publish(actor, [authorized, ...named], alsoWrite)
    return authorized
  })
}

/** Says the same in another of the identity's own spaces. */
export function repeatDevice(own: Space, authorized: Credential): Promise<void> {
  return own.act(async (actor) => {
    if (!actor.store.roster.membership.has(authorized.id)) await publish(actor, [authorized])
  })
}

function existingDevice(
  { store, signingContext }: Actor,
  candidate: DeviceCandidate,
): Credential | undefined {
  const { identityKey: identity } = signingContext
  const { deviceKey, agreementKey } = candidate
  const { membership } = store.roster
  if (deviceKey === identity) throw new SpaceError('BAD_CANDIDATE', 'the key of the identity is no device')
  const revoked = membership.revocationsOf(identity).some(({ claim }) => isAbout(claim, deviceKey))
  const existing = membership.devicesOf(identity).find(({ key }) => key === deviceKey)
  if (revoked || existing?.revoked === true)
    throw new SpaceError('BAD_CANDIDATE', 'the device was revoked; it comes back with a fresh key')
  const claim = existing?.authorized.claim
  if (claim?.type === 'AuthorizedDevice' && !equalBytes(claim.agreementKey, agreementKey))
    throw new SpaceError('BAD_CANDIDATE', 'the device was authorised with another agreement key')
  return existing?.authorized
}

async function nameDevice(
  { store, signingContext }: Actor,
  device: PublicKey,
  label: string,
  authorized: Credential,
): Promise<Credential[]> {
  if (label === '') return []
  const claim = { type: 'DeviceProfile', identity: signingContext.identityKey, device, label } as const
  const parents = [...new Set([...store.parentsOfNext(), authorized.id])]
  return [await signingContext.issue(claim, { parents })]
}

const isAbout = (claim: Credential['claim'], device: PublicKey): boolean =>
  claim.type === 'RevokedDevice' && claim.device === device
