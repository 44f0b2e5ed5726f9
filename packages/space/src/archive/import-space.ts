import { PublicKey } from '@vestibule/keys'
import { type FeedContent, genesisIdOf, parseAdmission, type SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { credentialsIn } from '../feed/carriers.ts'
import { emptyHead, type FeedBatch, type FeedHead, verifyBatch } from '../feed/entry.ts'
import { Roster } from '../roster.ts'
import type { SpaceStore } from '../space-store.ts'
import { type Archive, bad } from './archive-file.ts'

/** What came of an import. */
export interface ImportOutcome {
  /** Entries that were not here before. */
  readonly added: number
  /** Feeds of which the export has another history than is here; nothing of it was taken. */
  readonly forked: readonly PublicKey[]
}

/**
 * Reads an export to its end and checks all of it: every signature, link and credential, and that each feed is one of
 * the space. Data is looked at and let go of; the control feeds stay in memory.
 * @throws SpaceError `BAD_EXPORT`, `UNSUPPORTED_VERSION`
 */
export async function verifyArchive(archive: Archive): Promise<SpaceAdmission> {
  let admission: SpaceAdmission | undefined
  let roster: Roster | undefined
  const heads = new Map<PublicKey, FeedHead>()
  const purposes = new Map<PublicKey, 'CONTROL' | 'DATA'>()
  const control = new Map<PublicKey, FeedBatch[]>()
  try {
    for await (const record of archive.records()) {
      if (admission === undefined || roster === undefined) {
        if (record.admission === undefined) throw bad('it does not begin with an admission')
        admission = await parseAdmission(record.admission)
        roster = new Roster(admission.spaceKey, genesisIdOf(admission))
        roster.vouch(admission)
        continue
      }
      const { key, purpose, batch } = contentOf(record)
      const head = heads.get(key) ?? emptyHead(admission.spaceKey, key)
      if (batch.from !== head.length || (purposes.get(key) ?? purpose) !== purpose)
        throw bad('its feeds are mixed up')
      const run = await verifyBatch(head, batch)
      heads.set(key, run.head)
      purposes.set(key, purpose)
      if (purpose === 'DATA') continue
      control.set(key, [...(control.get(key) ?? []), batch])
      for (const credential of await credentialsIn(run.batch.payloads)) roster.add(credential)
    }
  } catch (cause) {
    if (!(cause instanceof SpaceError) || PASSED_ON.has(cause.code)) throw cause
    throw bad(cause.message, cause)
  }
  if (admission === undefined) throw bad('it holds nothing')
  for (const [key, purpose] of purposes)
    if (roster?.feed(key)?.purpose !== purpose) throw bad('a feed that is not admitted')
  const controlFeeds: FeedContent[] = [...control].map(([feed, batches]) => ({ feed, batches }))
  return { ...admission, controlFeeds }
}

const PASSED_ON = new Set<string>(['BAD_EXPORT', 'UNSUPPORTED_VERSION'])

/**
 * Brings what a verified export holds into a space: every feed is continued, none is shortened. Batch by batch, each
 * in a transaction of its own: one that is cut off is made whole by another.
 */
export async function mergeArchive(archive: Archive, store: SpaceStore): Promise<ImportOutcome> {
  let added = 0
  const forked = new Set<PublicKey>()
  for await (const record of archive.records()) {
    if (record.admission !== undefined) continue
    const { key, batch } = contentOf(record)
    if (forked.has(key)) continue
    try {
      const before = store.feed(key)?.length ?? 0
      const [outcome] = await store.receive([{ feed: key, batch }])
      if (outcome === 'FORKED') forked.add(key)
      added += (store.feed(key)?.length ?? 0) - before
    } catch (error) {
      // Of somebody who is known here not to be a member any more.
      if (!(error instanceof SpaceError) || error.code !== 'NOT_ADMITTED') throw error
    }
  }
  return { added, forked: [...forked] }
}

function contentOf({
  controlFeed,
  dataFeed,
  batch,
}: {
  readonly controlFeed?: Uint8Array
  readonly dataFeed?: Uint8Array
  readonly batch?: FeedBatch
}): { key: PublicKey; purpose: 'CONTROL' | 'DATA'; batch: FeedBatch } {
  const feed = controlFeed ?? dataFeed
  if (feed === undefined || batch === undefined) throw bad('a part of it is missing')
  return { key: PublicKey.from(feed), purpose: controlFeed === undefined ? 'DATA' : 'CONTROL', batch }
}
