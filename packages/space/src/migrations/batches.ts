import { bytes, message, optional, repeated, uint32, uint64 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'

const MAX_BYTES = 192 * 1024
const MAX_ENTRIES = 1024

const StoredEntry = message('StoredEntry', {
  version: uint32(1),
  entry: bytes(2),
  signature: optional(bytes(3, { length: 64 })),
})

const FeedEntry = message('FeedEntry', {
  version: uint32(1),
  feed: bytes(2, { length: 32 }),
  sequence: uint64(3),
  previous: bytes(4, { length: 32 }),
  payload: bytes(5),
})

const StoredBatch = message('StoredBatch', {
  version: uint32(1),
  previous: bytes(2, { length: 32 }),
  payloads: repeated(bytes(3), { max: MAX_ENTRIES }),
  signature: bytes(4, { length: 64 }),
})

/** Entries of one feed that follow one another. */
interface Run {
  readonly key: string
  readonly previous: Uint8Array
  readonly payloads: Uint8Array[]
  bytes: number
  /** Of the last of them. */
  signature?: Uint8Array
}

/** From one record for each entry of a feed to one for each batch, joined as far as a batch may be long. */
export async function entriesToBatches(storage: Storage): Promise<StorageWrite[]> {
  const [writes, runs] = [[] as StorageWrite[], [] as Run[]]
  for (const [key, record] of await storage.list('feeds/')) {
    const { entry, signature } = parseVersioned(StoredEntry, 1, record, 'STORAGE_CORRUPT')
    const { previous, payload } = parseVersioned(FeedEntry, 1, entry, 'STORAGE_CORRUPT')
    writes.push({ key, value: undefined })
    const last = runs.at(-1)
    const run: Run =
      last === undefined || last.signature !== undefined ? { key, previous, payloads: [], bytes: 0 } : last
    if (run !== last) runs.push(run)
    if (feedOf(run.key) !== feedOf(key)) throw unsigned()
    run.payloads.push(payload)
    run.bytes += payload.length
    if (signature !== undefined) run.signature = signature
  }
  for (const { key, previous, payloads, signature } of joined(runs)) {
    if (signature === undefined) throw unsigned()
    writes.push({ key, value: StoredBatch.encode({ version: 2, previous, payloads, signature }) })
  }
  return writes
}

function joined(runs: readonly Run[]): Run[] {
  const out: Run[] = []
  for (const run of runs) {
    const last = out.at(-1)
    const fits =
      last !== undefined &&
      feedOf(last.key) === feedOf(run.key) &&
      last.payloads.length + run.payloads.length <= MAX_ENTRIES &&
      last.bytes + run.bytes <= MAX_BYTES
    if (!fits) {
      out.push(run)
      continue
    }
    last.payloads.push(...run.payloads)
    last.bytes += run.bytes
    if (run.signature === undefined) throw unsigned()
    last.signature = run.signature
  }
  return out
}

/** Keys end with the sequence, in 16 digits. */
const feedOf = (key: string): string => key.slice(0, -16)

const unsigned = (): SpaceError =>
  new SpaceError('STORAGE_CORRUPT', 'a stored feed is damaged: its head is not signed')
