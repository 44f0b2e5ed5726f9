import { encodeAdmission, MAX_READ_KEYS, type SpaceAdmission } from '../admission/admission.ts'
import { atMost, heldInOrder } from '../read-keys/current.ts'
import type { SpaceStore } from '../space-store.ts'
import { type ArchiveRecord, type ExportOptions, writeArchive } from './archive-file.ts'

/**
 * A space as a file, piece by piece: what makes the own identity a member, and every feed as far as it is here. Somebody
 * who is a member no longer has nothing that makes it one, and no feed further than it counts.
 */
export function exportSpace(
  { store, admission }: ExportedSpace,
  options: ExportOptions,
): AsyncGenerator<Uint8Array> {
  return writeArchive(recordsOf(store, admission, options.passphrase !== undefined), options)
}

/** What is exported. */
export interface ExportedSpace {
  readonly store: SpaceStore
  /** What makes the own identity a member; `undefined` for one no longer. */
  readonly admission: () => Promise<SpaceAdmission | undefined>
}

async function* recordsOf(
  store: SpaceStore,
  admission: ExportedSpace['admission'],
  withKeys: boolean,
): AsyncGenerator<ArchiveRecord> {
  const own = await admission()
  const first = own ?? withoutGrant(store)
  yield {
    admission: encodeAdmission({ ...first, controlFeeds: [], ...(!withKeys && { readKeys: [] }) }),
  }
  for (const feed of store.feeds()) {
    const key = feed.key.toBytes()
    const of = store.roster.feed(feed.key)?.purpose === 'DATA' ? { dataFeed: key } : { controlFeed: key }
    const length = own === undefined ? Math.min(feed.length, feed.limit) : feed.length
    for (let at = 0; at < length; ) {
      // Nothing is written while it is read: records may become one.
      const batch = await store.serial.run(() => feed.batch(at, length))
      if (batch === undefined) break
      at += batch.payloads.length
      yield { ...of, batch }
    }
  }
}

/** What the export of a member of once begins with: it admits nobody. Whoever was removed knows the genesis. */
function withoutGrant(store: SpaceStore): SpaceAdmission {
  const { genesis } = store.roster.membership
  const { spaceKey } = store.record
  return {
    spaceKey,
    path: genesis === undefined ? [] : [genesis],
    credentials: [],
    hostIdentity: spaceKey,
    heads: [],
    controlFeeds: [],
    readKeys: atMost(MAX_READ_KEYS, heldInOrder(store)),
  }
}
