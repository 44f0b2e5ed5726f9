import type { PublicKey } from '@vestibule/keys'
import { encodeAdmission, type SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { ownDataFeeds, storageKeys } from '../record.ts'
import type { SpaceStore } from '../space-store.ts'
import type { StorageWrite } from '../storage/storage.ts'
import { removalOf } from './notice.ts'

/** Whether an admission has something for a space that is here already: a membership that it lost, or read keys. */
export const hasNews = (
  { roster, notice, readKeys }: SpaceStore,
  self: PublicKey,
  admission: SpaceAdmission,
) =>
  removalOf(roster, self, notice) !== undefined ||
  admission.readKeys.some(({ epoch }) => !readKeys.has(epoch))

/**
 * Takes up an admission to a space that is here already, with what it had: in one transaction the read keys that it was
 * given, and the feeds that this device writes to from now on. It keeps its feeds when it is a member by what is here
 * already, because the acts came before the admission, or that its member was gone never came. What the admission has of
 * the acts is the caller's to take in then: {@link receiveActs}.
 *
 * @param fresh the space as the admission alone makes it, checked
 * @throws storage errors
 */
export function readmit(
  store: SpaceStore,
  self: PublicKey,
  admission: SpaceAdmission,
  fresh: SpaceStore,
  alsoWrite: readonly StorageWrite[] = [],
): Promise<void> {
  return store.serial.run(async () => {
    if (removalOf(store.roster, self, store.notice) === undefined)
      return store.addReadKeys(admission.readKeys, alsoWrite)
    const record = { ...fresh.record, past: ownDataFeeds(store.record) }
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

/** The acts in an admission that has been taken up. What is not stored comes by replication. @throws storage errors */
export async function receiveActs(store: SpaceStore, { controlFeeds }: SpaceAdmission): Promise<void> {
  for (const { feed, batches } of controlFeeds)
    for (const batch of batches)
      await store.receive([{ feed, batch }]).catch((error: unknown) => {
        // What a feed that is not known here says comes later, or was never part of the space.
        if (!(error instanceof SpaceError) || error.code !== 'NOT_ADMITTED') throw error
      })
}
