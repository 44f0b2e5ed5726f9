import type { Credential } from '@vestibule/credentials'
import { equalBytes, Redacted } from '@vestibule/keys'
import type { SigningContext } from '../identity/signing-context.ts'
import { epochPurpose } from './epoch-claim.ts'
import { commitmentOf, READ_KEY_BYTES, type ReadKey } from './read-key.ts'
import { type DeviceHolder, isBadSeal } from './ring-records.ts'

/** This device. */
export interface Device extends DeviceHolder {
  readonly signingContext: Pick<SigningContext, 'agreementKey' | 'deviceKey' | 'identityKey'>
}

/** The read key of an epoch, by a key that may be it: only the one that the epoch commits to. */
export function readKeyOf({ id, claim }: Credential, key: Uint8Array): ReadKey | undefined {
  if (claim.type !== 'Epoch' || key.length !== READ_KEY_BYTES) return undefined
  const readKey = { epoch: id, key: new Redacted(key) }
  return equalBytes(commitmentOf(claim.space, readKey.key), claim.commitment) ? readKey : undefined
}

/**
 * The read key of an epoch, when it is sealed to this device.
 * @throws KeysError of the key store
 */
export async function openEpoch(epoch: Credential, device: Device): Promise<ReadKey | undefined> {
  const { claim } = epoch
  if (claim.type !== 'Epoch') return undefined
  const { deviceKey } = device.signingContext
  const own = claim.keys.find(({ device: key }) => key === deviceKey)
  if (own === undefined) return undefined
  const opened = await openFor(device, own.sealed, epochPurpose(claim.space, claim.commitment))
  return opened && readKeyOf(epoch, opened)
}

/** What is sealed to this device, for a purpose; `undefined` for what is not. @throws KeysError of the key store */
export async function openFor(
  { keyring, signingContext }: DeviceHolder,
  sealed: Uint8Array,
  info: Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    return await keyring.openSealed(signingContext.agreementKey, sealed, { info })
  } catch (error) {
    if (isBadSeal(error)) return undefined
    throw error
  }
}
