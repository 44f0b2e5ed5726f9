import { encodeAdmission, type SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { storageKeys } from '../record.ts'
import type { SpaceStore } from '../space-store.ts'
import type { StorageWrite } from '../storage/storage.ts'

/**
 * Takes up a new membership of a space that is here already, with what it had. The acts in the admission come first;
 * then, in one transaction, the feeds that this device writes to from now on, and the read keys that it was given.
 *
 * @param fresh the space as the admission alone makes it, checked
 * @throws SpaceError what is wrong with a feed in it; storage errors
 */
export async function readmit(
  store: SpaceStore,
  admission: SpaceAdmission,
  fresh: SpaceStore,
  alsoWrite: readonly StorageWrite[] = [],
): Promise<void> {
  for (const { feed, batches } of admission.controlFeeds)
    for (const batch of batches)
      await store.receive([{ feed, batch }]).catch((error: unknown) => {
        // What a feed that is not known here says comes by replication, or was never part of the space.
        if (!(error instanceof SpaceError) || error.code !== 'NOT_ADMITTED') throw error
      })
  await store.serial.run(async () => {
    const { record } = fresh
    const { spaceKey } = record
    const vouched = encodeAdmission({ ...admission, controlFeeds: [], readKeys: [] })
    await store.write([
      store.recordWrite(record),
      { key: storageKeys.admission(spaceKey), value: vouched },
      { key: storageKeys.notice(spaceKey), value: undefined },
      ...store.readKeys.writes(admission.readKeys),
      ...alsoWrite,
    ])
    await store.begin(record, admission)
  })
}
