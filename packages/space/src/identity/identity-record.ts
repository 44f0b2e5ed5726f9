import { type Credential, MAX_NAME_BYTES, type Profile } from '@vestibule/credentials'
import { PublicKey } from '@vestibule/keys'
import { bytes, message, optional, repeated, string, uint32 } from '@vestibule/keys/wire'
import { verifyAll } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'

const RECORD_KEY = 'identity'
const RECORD_VERSION = 1

const IdentityRecord = message('IdentityRecord', {
  version: uint32(1),
  identityKey: bytes(2, { length: 32 }),
  deviceKey: bytes(3, { length: 32 }),
  agreementKey: bytes(4, { length: 32 }),
  displayName: string(5, { max: MAX_NAME_BYTES }),
  chain: repeated(bytes(6), { max: 8 }),
  recovery: optional(bytes(7)),
})

/** What a device keeps of its identity. */
export interface IdentityFields {
  readonly identityKey: PublicKey
  readonly deviceKey: PublicKey
  readonly agreementKey: Uint8Array
  readonly profile: Profile
  readonly chain: readonly Credential[]
  readonly recovery?: Credential
}

export const hasIdentity = async (storage: Storage): Promise<boolean> =>
  (await storage.get(RECORD_KEY)) !== undefined

/** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
export async function readIdentity(storage: Storage): Promise<IdentityFields | undefined> {
  const stored = await storage.get(RECORD_KEY)
  if (stored === undefined) return undefined
  const record = parseVersioned(IdentityRecord, RECORD_VERSION, stored, 'STORAGE_CORRUPT')
  const identityKey = PublicKey.from(record.identityKey)
  const deviceKey = PublicKey.from(record.deviceKey)
  const chain = await verifyAll(record.chain, 'STORAGE_CORRUPT')
  const [recovery] = await verifyAll(record.recovery ? [record.recovery] : [], 'STORAGE_CORRUPT')
  if (!speaksFor(chain, deviceKey, identityKey))
    throw new SpaceError('STORAGE_CORRUPT', 'the stored chain does not lead from the device to the identity')
  return {
    identityKey,
    deviceKey,
    agreementKey: record.agreementKey,
    profile: { displayName: record.displayName },
    chain,
    ...(recovery && { recovery }),
  }
}

export function identityWrite(fields: IdentityFields): StorageWrite {
  const { identityKey, deviceKey, agreementKey, profile, chain, recovery } = fields
  const value = IdentityRecord.encode({
    version: RECORD_VERSION,
    identityKey: identityKey.toBytes(),
    deviceKey: deviceKey.toBytes(),
    agreementKey,
    displayName: profile.displayName,
    chain: chain.map(({ encoded }) => encoded),
    ...(recovery && { recovery: recovery.encoded }),
  })
  return { key: RECORD_KEY, value }
}

/**
 * Whether a chain of verified `AuthorizedDevice` credentials leads from a device to an identity. Without a chain
 * the device is the identity's own key.
 */
export function speaksFor(chain: readonly Credential[], device: PublicKey, identity: PublicKey): boolean {
  const [lowest] = chain
  if (lowest === undefined) return device === identity
  const { claim, issuer } = lowest
  return claim.type === 'AuthorizedDevice' && claim.device === device && issuer === identity
}
