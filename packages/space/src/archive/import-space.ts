import { PublicKey } from '@vestibule/keys'
import { type FeedContent, genesisIdOf, parseAdmission, type SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { credentialsIn } from '../feed/credentials.ts'
import { cutFront, emptyHead, type FeedBatch, type FeedHead, readBatch, verifyBatch } from '../feed/entry.ts'
import type { Feed } from '../feed/feed.ts'
import { type ForkProof, forkBetween } from '../feed/fork.ts'
import { entryKeyOf } from '../read-keys/entry-cipher.ts'
import { readKeyOf } from '../read-keys/open-epoch.ts'
import { FOUNDING_EPOCH, type ReadKey } from '../read-keys/read-key.ts'
import { Roster } from '../roster.ts'
import type { SpaceStore } from '../space-store.ts'
import { type Archive, bad } from './archive-file.ts'

/** What came of an import. */
export interface ImportOutcome {
  /** Entries that were not here before. */
  readonly added: number
  /** Feeds of which the export has another history than is here: what both have in common counts from now on. */
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

/** Where an import goes. */
export interface ImportTarget {
  readonly store: SpaceStore
  /** Takes a proof that a feed forked: see `takeFork`. */
  readonly takeFork: (proof: ForkProof) => Promise<void>
}

/**
 * Brings what a verified export holds into a space: every feed is continued, none is shortened, and where histories
 * part that is proven as if a member had sent them. Batch by batch, each in a transaction of its own: one that is cut
 * off is made whole by another. Read keys come last, when what they are held to is here.
 */
export async function mergeArchive(
  archive: Archive,
  { readKeys }: SpaceAdmission,
  { store, takeFork }: ImportTarget,
): Promise<ImportOutcome> {
  let added = 0
  const forked = new Set<PublicKey>()
  for await (const record of archive.records()) {
    if (record.admission !== undefined) continue
    const { key, batch } = contentOf(record)
    const own = store.feed(key)
    // Of somebody who is known here not to be a member any more, there is none.
    if (own === undefined || forked.has(key)) continue
    const proof = await store.serial.run(() => forkIn(own, batch))
    if (proof === undefined) {
      const before = own.length
      await store.receive([{ feed: key, batch }])
      added += own.length - before
    } else {
      forked.add(key)
      await takeFork(proof)
    }
  }
  await store.serial.run(() => takeReadKeys(store, readKeys))
  return { added, forked: [...forked] }
}

/** Where a batch says something else than is here. All before it is the same. Inside the store's serial. */
async function forkIn(own: Feed, batch: FeedBatch): Promise<ForkProof | undefined> {
  let theirs = await readBatch(own.head, batch)
  while (theirs.entries.length > 0) {
    const { from } = theirs.batch
    const held = await own.batch(from)
    if (held === undefined) return undefined
    const mine = await readBatch(own.head, held)
    const proof = forkBetween(mine, theirs)
    if (proof !== undefined) return proof
    theirs = cutFront(theirs, from + held.payloads.length)
  }
  return undefined
}

/**
 * Takes read keys that are not here, each only when it is what it says: the one that its epoch commits to, or, as no
 * epoch names the founding one, the one that opens what is written under it. Inside the store's serial.
 */
async function takeReadKeys(store: SpaceStore, given: readonly ReadKey[]): Promise<void> {
  const { roster, readKeys, record, unread } = store
  const proven = given.filter((one) => {
    if (readKeys.has(one.epoch)) return false
    const epoch = roster.membership.get(one.epoch)
    if (epoch !== undefined) return readKeyOf(epoch, one.key.unwrap()) !== undefined
    return one.epoch === FOUNDING_EPOCH && unread.isOpenedBy(one.epoch, entryKeyOf(one, record.spaceKey))
  })
  if (proven.length > 0) await store.addReadKeys(proven)
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
