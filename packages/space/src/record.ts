import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { PublicKey } from '@vestibule/keys'
import { bytes, message, optional, repeated, uint32 } from '@vestibule/keys/wire'
import { parseVersioned } from './versioned.ts'

const RECORD_VERSION = 2

/** What this device keeps of a space besides its feeds. */
export interface SpaceRecord {
  readonly spaceKey: PublicKey
  /** The id of the genesis: the only one that this device accepts. */
  readonly genesisId: string
  /** The own control feed. */
  readonly controlFeedKey: PublicKey
  /** The own data feed; none for a reader. */
  readonly dataFeedKey?: PublicKey
  /** Own data feeds of before, the oldest first. What is in them stays the own, whether or not anybody counts them. */
  readonly past?: readonly PublicKey[]
}

/** Most that are kept; the oldest go. */
const MAX_PAST_FEEDS = 64

const SpaceRecordMessage = message('SpaceRecord', {
  version: uint32(1),
  space: bytes(2, { length: 32 }),
  genesisId: bytes(3, { length: 32 }),
  controlFeed: bytes(4, { length: 32 }),
  dataFeed: optional(bytes(5, { length: 32 })),
  past: repeated(bytes(6, { length: 32 }), { max: MAX_PAST_FEEDS }),
})

/** The data feeds whose content is the own, whether or not they are, or still are, feeds of the space; the oldest first. */
export const ownDataFeeds = ({ past = [], dataFeedKey }: SpaceRecord): readonly PublicKey[] =>
  dataFeedKey === undefined ? past : [...past, dataFeedKey]

/** Where the parts of a space are in the storage. */
export const storageKeys = {
  records: 'spaces/',
  record: (space: PublicKey): string => `spaces/${space.toHex()}`,
  /** That a space is deactivated, with what a list shows of it. */
  inactive: (space: PublicKey): string => `inactive/${space.toHex()}`,
  /** The admission by which this device came in, without feeds and read keys. */
  admission: (space: PublicKey): string => `admissions/${space.toHex()}`,
  /** That a message which nobody counts was written again; without an id where they all are. */
  rewritten: (space: PublicKey, id = ''): string => `rewritten/${space.toHex()}/${id}`,
  /** What showed this device that its member is one no longer; see `readNotice`. */
  notice: (space: PublicKey): string => `notices/${space.toHex()}`,
  /** What opens the space without its credentials being verified again; see `Snapshots`. */
  snapshot: (space: PublicKey): string => `snapshots/${space.toHex()}`,
  /** Under which topics it is met, and how long; see `SpaceTopics`. */
  topics: (space: PublicKey): string => `topics/${space.toHex()}`,
  feed: (space: PublicKey, feed: PublicKey): string => `feeds/${space.toHex()}/${feed.toHex()}/`,
  /** Proofs that feeds forked. */
  forks: (space: PublicKey): string => `forks/${space.toHex()}/`,
  fork: (space: PublicKey, feed: PublicKey): string => `forks/${space.toHex()}/${feed.toHex()}`,
}

export function encodeRecord(record: SpaceRecord): Uint8Array {
  return SpaceRecordMessage.encode({
    version: RECORD_VERSION,
    space: record.spaceKey.toBytes(),
    genesisId: hexToBytes(record.genesisId),
    controlFeed: record.controlFeedKey.toBytes(),
    ...(record.dataFeedKey && { dataFeed: record.dataFeedKey.toBytes() }),
    past: (record.past ?? []).slice(-MAX_PAST_FEEDS).map((feed) => feed.toBytes()),
  })
}

/** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
export function parseRecord(stored: Uint8Array): SpaceRecord {
  const wire = parseVersioned(SpaceRecordMessage, RECORD_VERSION, stored, 'STORAGE_CORRUPT')
  return {
    spaceKey: PublicKey.from(wire.space),
    genesisId: bytesToHex(wire.genesisId),
    controlFeedKey: PublicKey.from(wire.controlFeed),
    ...(wire.dataFeed && { dataFeedKey: PublicKey.from(wire.dataFeed) }),
    ...(wire.past.length > 0 && { past: wire.past.map((feed) => PublicKey.from(feed)) }),
  }
}
