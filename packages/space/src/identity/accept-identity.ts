import { equalBytes, type PublicKey } from '@vestibule/keys'
import { adopt } from '../admission/adopt.ts'
import { SpaceError } from '../error.ts'
import { migrate } from '../migrations/migrate.ts'
import type { StorageWrite } from '../storage/storage.ts'
import type { DeviceAdmission } from './device-admission.ts'
import { identityWrite, readIdentity } from './identity-record.ts'
import { isOwnSpace } from './own-space.ts'
import { pendingWrite } from './pending.ts'
import { SigningContext, type SigningContextOptions } from './signing-context.ts'

/** What a new device knows about the identity that it waits for. */
export interface AcceptIdentityOptions extends SigningContextOptions {
  /** The own keys, as they were named to the host; the keyring holds them. */
  readonly deviceKey: PublicKey
  /** X25519 public key, 32 bytes. */
  readonly agreementKey: Uint8Array
  /** The identity, where it is known. An invitation's commitment is for its caller to check. */
  readonly identityKey?: PublicKey
  /** Written in the same transaction. */
  readonly alsoWrite?: readonly StorageWrite[]
}

/**
 * Makes this machine a device of an identity: checks the whole admission, then stores the identity with its own space
 * in one transaction. Its other spaces are taken up by the first `SpaceManager.open`. Accepting again gives what is
 * there.
 *
 * @param admission what `Identity.admitDevice` gave on another device
 * @throws SpaceError `BAD_ADMISSION`, `IDENTITY_EXISTS` (another identity, or this one as another device), and then
 *   nothing was written; key and storage errors
 * @example
 * const [deviceKey, agreementKey] = [await keyring.createKey(), await keyring.createAgreementKey()]
 * const admission = await first.identity.admitDevice({ deviceKey, agreementKey, label: 'phone' })
 * const signingContext = await acceptIdentity(admission, { keyring, storage, deviceKey, agreementKey })
 */
export async function acceptIdentity(
  admission: DeviceAdmission,
  options: AcceptIdentityOptions,
): Promise<SigningContext> {
  const { keyring, storage, deviceKey, agreementKey, alsoWrite = [] } = options
  await checkAdmission(admission, options)
  const { identityKey, profile, device, recovery, spaces } = admission
  const fresh = await migrate(storage)
  const existing = await readIdentity(storage)
  if (existing !== undefined) {
    if (existing.identityKey !== identityKey || existing.deviceKey !== deviceKey)
      throw new SpaceError('IDENTITY_EXISTS', 'the storage holds an identity already')
    if (alsoWrite.length > 0) await storage.transact(alsoWrite)
    return new SigningContext(options, existing)
  }
  const chain = [device, ...device.chain]
  const fields = { identityKey, deviceKey, agreementKey, profile, chain, ...(recovery && { recovery }) }
  const signingContext = new SigningContext(options, fields)
  const [first, ...rest] = admission.own
  if (first === undefined) throw bad('without the identity’s own space')
  const also = [identityWrite(fields), ...[...rest, ...spaces].map(pendingWrite), ...fresh, ...alsoWrite]
  await adopt(first, { keyring, signingContext }, (staged) => staged.commit(storage, also))
  return signingContext
}

async function checkAdmission(
  { identityKey, device, own }: DeviceAdmission,
  { keyring, deviceKey, agreementKey, identityKey: promised = identityKey }: AcceptIdentityOptions,
): Promise<void> {
  const { claim } = device
  if (identityKey !== promised) throw bad('another identity than was promised')
  if (claim.type !== 'AuthorizedDevice' || device.issuer !== identityKey || claim.device !== deviceKey)
    throw bad('the own device is not authorised')
  if (!equalBytes(claim.agreementKey, agreementKey)) throw bad('authorised with another agreement key')
  if (!own.every((space) => isOwnSpace(space, identityKey))) throw bad('not the identity’s own space')
  if (!(await keyring.has(deviceKey))) throw bad('the keyring does not hold the key of the device')
}

const bad = (what: string): SpaceError => new SpaceError('BAD_ADMISSION', what)
