import { encodeAdmission, type SpaceAdmission } from '../admission/admission.ts'
import type { SpaceStore } from '../space-store.ts'
import { type ArchiveRecord, type ExportOptions, writeArchive } from './archive-file.ts'

/** A space as a file, piece by piece: what makes the own identity a member, and every feed as far as it is here. */
export function exportSpace(
  store: SpaceStore,
  admission: () => Promise<SpaceAdmission>,
  options: ExportOptions,
): AsyncGenerator<Uint8Array> {
  return writeArchive(recordsOf(store, admission, options.passphrase !== undefined), options)
}

async function* recordsOf(
  store: SpaceStore,
  admission: () => Promise<SpaceAdmission>,
  withKeys: boolean,
): AsyncGenerator<ArchiveRecord> {
  const own = await admission()
  yield {
    admission: encodeAdmission({ ...own, controlFeeds: [], ...(!withKeys && { readKeys: [] }) }),
  }
  for (const feed of store.feeds()) {
    const key = feed.key.toBytes()
    const of = store.roster.feed(feed.key)?.purpose === 'DATA' ? { dataFeed: key } : { controlFeed: key }
    const { length } = feed
    for (let at = 0; at < length; ) {
      // Nothing is written while it is read: records may become one.
      const batch = await store.serial.run(() => feed.batch(at, length))
      if (batch === undefined) break
      at += batch.payloads.length
      yield { ...of, batch }
    }
  }
}
