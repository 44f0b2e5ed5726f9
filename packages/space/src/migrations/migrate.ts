import { StorageError } from '../error.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { encodeVersion, versionOf } from '../versioned.ts'
import { type Migration, migrations } from './migrations.ts'

const FORMAT_KEY = 'format'
/** What a storage is that was written before its format was. */
const FIRST_FORMAT = 1
/** A storage with none of these is new. */
const FIRST_RECORDS = ['identity', 'spaces/']

/**
 * Brings what is stored to the format of this release; every part that reads a storage calls it before it does.
 * Each migration is one transaction together with the format that it leads to, so that a crash leaves the one format
 * or the other, and opening again goes on from there. Idempotent.
 *
 * @param list the way from the first format to that of this release, for tests
 * @returns what has to be written together with the first record of a new storage; nothing for any other
 * @throws StorageError `STORAGE_VERSION` for a format of a later release, `STORAGE_CORRUPT`, and whatever the storage
 *   throws; then nothing that was stored is lost
 */
export async function migrate(
  storage: Storage,
  list: readonly Migration[] = migrations,
): Promise<StorageWrite[]> {
  const latest = FIRST_FORMAT + list.length
  const format = await storedFormat(storage)
  if (format === undefined) return [formatWrite(latest)]
  if (format < FIRST_FORMAT)
    throw new StorageError('STORAGE_CORRUPT', 'stored in no format that there ever was')
  if (format > latest)
    throw new StorageError(
      'STORAGE_VERSION',
      `stored in format ${format}, newer than this release's ${latest}; it was left as it is`,
    )
  for (const [step, migration] of list.entries())
    if (FIRST_FORMAT + step >= format)
      await storage.transact([...(await migration(storage)), formatWrite(FIRST_FORMAT + step + 1)])
  return []
}

async function storedFormat(storage: Storage): Promise<number | undefined> {
  const stored = await storage.get(FORMAT_KEY)
  if (stored !== undefined) return versionOf('the format of the storage', stored)
  for (const prefix of FIRST_RECORDS)
    if ((await storage.list(prefix, { limit: 1 })).length > 0) return FIRST_FORMAT
  return undefined
}

const formatWrite = (version: number): StorageWrite => ({ key: FORMAT_KEY, value: encodeVersion(version) })
