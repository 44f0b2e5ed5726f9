import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { type Credential, CredentialsError, Membership } from '@vestibule/credentials'
import { equalBytes, PublicKey, pae } from '@vestibule/keys'
import {
  bytes,
  type MessageOf,
  message,
  nested,
  optional,
  repeated,
  uint32,
  uint64,
  WireError,
} from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { HASH_BYTES } from '../feed/entry-hash.ts'
import type { Feed } from '../feed/feed.ts'
import type { ReadKeyRing } from '../read-keys/ring.ts'
import { type SpaceRecord, storageKeys } from '../record.ts'
import type { Roster } from '../roster.ts'
import type { Storage } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'

const VERSION = 1
/** So few credentials are folded again as fast as a snapshot is opened. */
const FEW = 64
/** While a space is open a snapshot is made of so many more, and of a quarter more: all of them are then written anew. */
const MANY = 1024
const GROWTH = 4
/** Control feeds in one; no space is so large. */
const MAX_FEEDS = 2 ** 24

/** How far a snapshot has a control feed. */
interface Covered {
  readonly length: number
  /** The hash of the last entry that it has. */
  readonly hash: Uint8Array
  /** The id of the last credential; none where there is none. */
  readonly last?: string
}

/** What a space is opened from. */
export interface OpenedSnapshot {
  readonly membership: Membership
  readonly covered: ReadonlyMap<PublicKey, Covered>
}

const SnapshotRecord = message('SpaceSnapshot', {
  version: uint32(1),
  tag: bytes(2, { length: 32 }),
  content: bytes(3, { shared: true }),
})

const CoveredFeed = message('CoveredFeed', {
  feed: bytes(1, { length: 32 }),
  length: uint64(2),
  hash: bytes(3, { length: HASH_BYTES }),
  last: optional(bytes(4, { length: 32 })),
})

const SnapshotContent = message('SpaceSnapshotContent', {
  feeds: repeated(nested(1, CoveredFeed), { max: MAX_FEEDS }),
  credentials: uint32(2),
  membership: bytes(3, { shared: true }),
})

/**
 * The stored snapshot of a space: its credentials, verified once, and how far that is in each control feed. Entries
 * behind that are verified as ever. It is tagged by a key that only this device has, so that whoever can write to the
 * storage, and has not the key store, can't forge a member with it. One that is damaged, of another version, or not of
 * these feeds is passed over: everything in it stands in the feeds, too.
 */
export class Snapshots {
  readonly #storage: Storage
  readonly #space: PublicKey
  readonly #readKeys: ReadKeyRing
  /** Credentials in the snapshot that is stored, and those that were folded since. */
  #stored = 0
  #fresh = 0
  /** Ids of what was folded because an admission says so, and was met in no feed so far: it is not to be in a snapshot. */
  readonly #loose = new Set<string>()

  constructor(storage: Storage, { spaceKey }: SpaceRecord, readKeys: ReadKeyRing) {
    this.#storage = storage
    this.#space = spaceKey
    this.#readKeys = readKeys
  }

  /** @returns `undefined` when there is none that can be opened; storage errors are thrown */
  async read({ spaceKey, genesisId }: SpaceRecord): Promise<OpenedSnapshot | undefined> {
    const stored = await this.#storage.get(storageKeys.snapshot(spaceKey))
    if (stored === undefined) return undefined
    try {
      const { tag, content } = parseVersioned(SnapshotRecord, VERSION, stored, 'STORAGE_CORRUPT')
      if (!equalBytes(tag, this.#readKeys.tag(await digest(content)))) return undefined
      const { feeds, credentials, membership } = SnapshotContent.parse(content)
      const opened = await Membership.open(spaceKey, membership, { genesisId })
      this.#stored = credentials
      return { membership: opened, covered: new Map(feeds.map(fromWire)) }
    } catch (error) {
      const kinds = [SpaceError, CredentialsError, WireError]
      if (kinds.some((kind) => error instanceof kind)) return undefined
      throw error
    }
  }

  /** Nothing of what was read holds; all of it is folded anew. */
  forget(): void {
    this.#stored = 0
    this.#fresh = 0
    this.#loose.clear()
  }

  /** An admission is about to be folded: what of it stands in no feed is not to be in a snapshot. */
  vouched(credentials: readonly Credential[], { membership }: Roster): void {
    for (const { id } of credentials) if (!membership.has(id)) this.#loose.add(id)
  }

  /** A credential of a control feed was folded. */
  folded({ id }: Credential): void {
    this.#loose.delete(id)
    this.#fresh++
  }

  /** Whether much was folded since the last one, so that it is worth to write all of it again while a space is open. */
  get isDue(): boolean {
    return this.#fresh >= Math.max(MANY, this.#stored / GROWTH)
  }

  /**
   * Writes a snapshot, when it saves anything. What keeps that from being written is no loss. When nothing else of the
   * space is being changed.
   * @param feeds all control feeds, with the id of the last credential of each
   */
  async write(
    { membership }: Roster,
    feeds: ReadonlyMap<Feed, string | undefined>,
    atLeast = FEW,
  ): Promise<void> {
    if (this.#fresh < atLeast || this.#loose.size > 0) return
    const credentials = this.#stored + this.#fresh
    const content = SnapshotContent.encode({
      feeds: [...feeds].map(toWire),
      credentials,
      membership: await membership.snapshot(),
    })
    const tag = this.#readKeys.tag(await digest(content))
    const value = SnapshotRecord.encode({ version: VERSION, tag, content })
    try {
      await this.#storage.transact([{ key: storageKeys.snapshot(this.#space), value }])
    } catch {
      // The next opening takes longer, that is all.
      return
    }
    this.#stored = credentials
    this.#fresh = 0
  }
}

const toWire = ([{ key, head }, last]: readonly [Feed, string | undefined]) => ({
  feed: key.toBytes(),
  length: head.length,
  hash: head.hash,
  ...(last !== undefined && { last: hexToBytes(last) }),
})

const fromWire = ({ feed, length, hash, last }: MessageOf<typeof CoveredFeed>): [PublicKey, Covered] => [
  PublicKey.from(feed),
  { length, hash, ...(last && { last: bytesToHex(last) }) },
]

/** SHA-256, by the runtime where it offers that. */
async function digest(content: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto ?? {}
  const bound = pae('vestibule space snapshot v1', content)
  if (subtle === undefined) return sha256(bound)
  return new Uint8Array(await subtle.digest('SHA-256', bound as Uint8Array<ArrayBuffer>))
}
