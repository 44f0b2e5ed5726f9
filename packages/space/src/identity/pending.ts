import { encodeAdmission, parseAdmission, type SpaceAdmission } from '../admission/admission.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'

const PREFIX = 'pending/'

/** A space that came with something else, to be taken up when the manager is open. */
export interface PendingSpace {
  readonly admission: SpaceAdmission
  /** Written in the transaction in which it is taken up. */
  readonly done: StorageWrite
}

export const pendingWrite = (admission: SpaceAdmission): StorageWrite => ({
  key: PREFIX + admission.spaceKey.toHex(),
  value: encodeAdmission(admission),
})

export async function pendingSpaces(storage: Storage): Promise<PendingSpace[]> {
  const pending: PendingSpace[] = []
  for (const [key, value] of await storage.list(PREFIX))
    pending.push({ admission: await parseAdmission(value), done: { key, value: undefined } })
  return pending
}
