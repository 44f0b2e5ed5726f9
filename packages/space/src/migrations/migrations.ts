import type { Storage, StorageWrite } from '../storage/storage.ts'
import { entriesToBatches } from './batches.ts'
import { sealReadKeys } from './seal-read-keys.ts'

/**
 * What has to be written to bring a storage from one format to the next. It reads what it needs and writes nothing
 * itself. It keeps its own copies of the formats that it knows: those of the rest of the package move on.
 */
export type Migration = (storage: Storage) => Promise<StorageWrite[]>

/**
 * In order; the first leads from format 1 to format 2. One that is released is never changed or taken out, and
 * `test/fixtures` keeps a storage of each format (see the note there for how to add one).
 */
export const migrations: readonly Migration[] = [entriesToBatches, sealReadKeys]
