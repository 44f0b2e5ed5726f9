import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { PublicKey } from '@vestibule/keys'
import { bytes, message, nested, optional, repeated, uint32 } from '@vestibule/keys/wire'
import { SpaceError } from './error.ts'
import { type ReadKey, ReadKeyMessage, readKeyFromWire, readKeyToWire } from './read-keys/read-key.ts'
import { parseVersioned } from './versioned.ts'

const RECORD_VERSION = 1

/** What this device keeps of a space besides its feeds. */
export interface SpaceRecord {
  readonly spaceKey: PublicKey
  /** The id of the genesis: the only one that this device accepts. */
  readonly genesisId: string
  /** The own control feed. */
  readonly controlFeedKey: PublicKey
  /** The own data feed; none for a reader. */
  readonly dataFeedKey?: PublicKey
  /** At least one; the last is current. */
  readonly readKeys: readonly ReadKey[]
}

const SpaceRecordMessage = message('SpaceRecord', {
  version: uint32(1),
  space: bytes(2, { length: 32 }),
  genesisId: bytes(3, { length: 32 }),
  controlFeed: bytes(4, { length: 32 }),
  dataFeed: optional(bytes(5, { length: 32 })),
  readKeys: repeated(nested(6, ReadKeyMessage), { max: 1024 }),
})

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
    readKeys: record.readKeys.map(readKeyToWire),
  })
}

/** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
export function parseRecord(stored: Uint8Array): SpaceRecord {
  const wire = parseVersioned(SpaceRecordMessage, RECORD_VERSION, stored, 'STORAGE_CORRUPT')
  if (wire.readKeys.length === 0) throw new SpaceError('STORAGE_CORRUPT', 'a space without a read key')
  return {
    spaceKey: PublicKey.from(wire.space),
    genesisId: bytesToHex(wire.genesisId),
    controlFeedKey: PublicKey.from(wire.controlFeed),
    ...(wire.dataFeed && { dataFeedKey: PublicKey.from(wire.dataFeed) }),
    readKeys: wire.readKeys.map((key) => readKeyFromWire(key, 'STORAGE_CORRUPT')),
  }
}

/** The topic under which the members of a space find each other: 32 bytes that only holders of the read key know. */
export function spaceTopic({ spaceKey, readKeys }: SpaceRecord): Uint8Array {
  const current = readKeys.at(-1)
  if (current === undefined) throw new TypeError('a space has at least one read key')
  return hkdf(sha256, current.key.unwrap(), spaceKey.toBytes(), utf8ToBytes('vestibule space topic v1'), 32)
}
