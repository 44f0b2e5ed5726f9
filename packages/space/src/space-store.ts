import type { Credential } from '@vestibule/credentials'
import type { PublicKey, Signer } from '@vestibule/keys'
import { Horizon } from './acts/horizon.ts'
import { parseAdmission, type SpaceAdmission, verifyAll } from './admission/admission.ts'
import { Serial } from './concurrency/serial.ts'
import { SpaceError } from './error.ts'
import { createRuns } from './feed/create-runs.ts'
import { credentialsBelow, credentialsIn, orphansAmong } from './feed/credentials.ts'
import type { FeedEntry, FeedRun } from './feed/entry.ts'
import { Feed } from './feed/feed.ts'
import type { ForkProof } from './feed/fork.ts'
import { KnownForks } from './feed/known-forks.ts'
import { type ReceivedBatch, type ReceiveOutcome, Receiving } from './feed/received.ts'
import { type OpenedSnapshot, Snapshots } from './lifecycle/snapshots.ts'
import { type FeedOwner, type Message, PlacedMessage } from './message.ts'
import { MessageLog } from './messages/message-log.ts'
import type { EntryPlace } from './read-keys/entry-cipher.ts'
import type { ReadKey } from './read-keys/read-key.ts'
import type { ReadKeyRing } from './read-keys/ring.ts'
import { Unread } from './read-keys/unread.ts'
import { encodeRecord, ownDataFeeds, type SpaceRecord, storageKeys } from './record.ts'
import { Roster } from './roster.ts'
import type { Storage, StorageWrite } from './storage/storage.ts'

/** What came of entries that were stored. */
export interface StoreChange {
  /** Whether credentials were among them. */
  readonly control: boolean
  readonly messages: readonly PlacedMessage[]
  /** Whether entries that were here before count now and did not, or the other way round. */
  readonly reset: boolean
}

/**
 * A space as it is stored on this device: its feeds, the members that follow from the control feeds, the messages
 * of the data feeds. Everything in memory follows from the storage, and changes only after it.
 */
export class SpaceStore {
  /** As it is stored: whoever changes it has stored it before. */
  record: SpaceRecord
  readonly roster: Roster
  readonly readKeys: ReadKeyRing
  /** The feeds that forked. */
  readonly forks: KnownForks
  /** How far the feeds count. */
  readonly horizon: Horizon
  /** Changes of this space are made one after the other, so that no two continue a feed from the same head. */
  readonly serial = new Serial()
  /** What came with the own admission besides the line of grants; nothing at the founder's. */
  vouched: readonly Credential[] = []
  /** What showed this device that its member is one no longer, when that is not part of the membership. */
  notice: Credential | undefined
  /** Ids of own messages that nobody counts, and that were written again. */
  readonly rewritten = new Set<string>()
  readonly #own: FeedOwner | undefined
  readonly #storage: Storage
  readonly #feeds = new Map<PublicKey, Feed>()
  /** The messages of the data feeds, whether they can be read and count or not. */
  readonly log = new MessageLog()
  readonly unread = new Unread()
  readonly #lastCredentials = new Map<PublicKey, string>()
  readonly #snapshots: Snapshots
  /** How far the control feeds are in the snapshot that this was opened from. */
  readonly #covered: OpenedSnapshot['covered']
  readonly #receiving = new Receiving(
    (key) => this.feed(key),
    (key) => this.#feeds.has(key),
  )
  /** The feeds in order, until the credentials change. */
  #sorted: Feed[] | undefined
  /** Called after everything that was stored. */
  onChange: (change: StoreChange) => void = () => {}
  /** Called when read keys have come, with the messages that waited for them. */
  onReadKeys: (messages: readonly PlacedMessage[]) => void = () => {}

  private constructor(
    storage: Storage,
    record: SpaceRecord,
    readKeys: ReadKeyRing,
    own: FeedOwner | undefined,
    snapshots: Snapshots,
    opened?: OpenedSnapshot,
  ) {
    this.#own = own
    this.record = record
    this.roster = new Roster(record.spaceKey, record.genesisId, opened?.membership)
    this.#snapshots = snapshots
    this.#covered = opened?.covered ?? new Map()
    this.readKeys = readKeys
    this.horizon = new Horizon(this.roster)
    this.forks = new KnownForks(record.spaceKey)
    this.#storage = storage
  }

  /**
   * Reads a space, and verifies all of it again; of the credentials those that are not in its snapshot.
   * @param own who this device is
   * @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`, and whatever the storage throws
   */
  static async open(
    storage: Storage,
    record: SpaceRecord,
    readKeys: ReadKeyRing,
    own?: FeedOwner,
  ): Promise<SpaceStore> {
    const snapshots = new Snapshots(storage, record, readKeys)
    const opened = await snapshots.read(record)
    const store = new SpaceStore(storage, record, readKeys, own, snapshots, opened)
    if (await store.#read()) return store
    snapshots.forget()
    const fresh = new SpaceStore(storage, record, readKeys, own, snapshots)
    await fresh.#read()
    return fresh
  }

  /** @returns whether the feeds have everything that the snapshot says */
  async #read(): Promise<boolean> {
    const [storage, { spaceKey }] = [this.#storage, this.record]
    const admission = await storage.get(storageKeys.admission(spaceKey))
    const notice = await storage.get(storageKeys.notice(spaceKey))
    if (notice !== undefined) [this.notice] = await verifyAll([notice], 'STORAGE_CORRUPT')
    await this.forks.read(storage)
    const prefix = storageKeys.rewritten(spaceKey)
    for (const [key] of await storage.list(prefix)) this.rewritten.add(key.slice(prefix.length))
    await this.#begin(admission && (await parseAdmission(admission)))
    for (const [key, { length, hash }] of this.#covered)
      if (!(await this.#feeds.get(key)?.hasHash(length, hash))) return false
    return true
  }

  /**
   * Keeps a snapshot, to open from the next time.
   * @param atLeast of so many credentials more than the last has; of so many that it pays unless given
   */
  keepSnapshot(atLeast?: number): Promise<void> {
    return this.serial.run(async () => {
      const control = [...this.#feeds.values()].filter(({ key }) => this.#purpose(key) === 'CONTROL')
      // Feeds that are those of the space no longer are not read when it is opened anew.
      const isWhole = [...this.#lastCredentials.keys()].every((key) => this.#purpose(key) === 'CONTROL')
      const last = control.map((feed) => [feed, this.#lastCredentials.get(feed.key)] as const)
      if (isWhole) await this.#snapshots.write(this.roster, new Map(last), atLeast)
    })
  }

  /** Goes on under another admission, that has been stored. Inside the serial. */
  async begin(record: SpaceRecord, admission: SpaceAdmission): Promise<void> {
    this.record = record
    this.notice = undefined
    await this.#begin(admission)
    this.onChange({ control: true, messages: [], reset: true })
    this.#countReadKeys(admission.readKeys)
  }

  async #begin(admission: SpaceAdmission | undefined): Promise<void> {
    if (admission !== undefined) {
      this.#snapshots.vouched([...admission.path, ...admission.credentials], this.roster)
      this.roster.vouch(admission)
      this.vouched = admission.credentials
    }
    // The founder's own control feed holds the credentials that admit it.
    await this.#open(this.record.controlFeedKey, 'CONTROL')
    await this.#openAdmitted()
    for (const feed of ownDataFeeds(this.record)) if (!this.#feeds.has(feed)) await this.#open(feed, 'DATA')
    this.#setLimits()
  }

  /** The feeds of the space, control feeds first. The same list until it changes. */
  feeds(): readonly Feed[] {
    this.#sorted ??= this.roster.feedKeys().flatMap((key) => this.#feeds.get(key) ?? [])
    return this.#sorted
  }

  feed(key: PublicKey): Feed | undefined {
    return this.roster.feed(key) && this.#feeds.get(key)
  }

  /**
   * In the order of {@link MessageLog}. Those that can't be read are left out, and those that do not count, but for what
   * `own` wrote: that is marked, until it is written again.
   */
  messages(own: PublicKey): Message[] {
    return this.log.all().flatMap((placed) => this.shown(placed, own) ?? [])
  }

  /** What {@link SpaceStore.messages} has of a message. */
  shown(placed: PlacedMessage, own: PublicKey): Message | undefined {
    const isCounted = this.horizon.counts(placed.feed, placed.sequence)
    if (!isCounted && placed.author !== own) return undefined
    const message = placed.open(this.readKeys)
    if (message === undefined || isCounted) return message
    return this.rewritten.has(message.id)
      ? undefined
      : Object.freeze({ ...message, included: false as const })
  }

  /** Stores read keys, and then counts them. Inside {@link SpaceStore.serial}. */
  async addReadKeys(keys: readonly ReadKey[], alsoWrite: readonly StorageWrite[] = []): Promise<void> {
    await this.#storage.transact([...this.readKeys.writes(keys), ...alsoWrite])
    this.#countReadKeys(keys)
  }

  #countReadKeys(keys: readonly ReadKey[]): void {
    this.readKeys.add(keys)
    const messages = this.unread.take(keys.map(({ epoch }) => epoch))
    this.onReadKeys(messages.filter(({ feed, sequence }) => this.horizon.counts(feed, sequence)))
  }

  /** Forgets a read key that turned out to be another's. Inside {@link SpaceStore.serial}. */
  async dropReadKey(epoch: string): Promise<void> {
    await this.#storage.transact(this.readKeys.drop(epoch))
  }

  /** Where the next message of an own data feed will stand, sealed by the read key of an epoch; or so many after it. */
  placeOfNext(feed: PublicKey, epoch: string, after = 0): EntryPlace {
    return {
      space: this.record.spaceKey,
      feed,
      sequence: (this.#feeds.get(feed)?.length ?? 0) + after,
      lamport: this.log.lamportIn(1 + after),
      epoch,
    }
  }

  /** The parents of the next credential in the own control feed. */
  parentsOfNext(): string[] {
    return this.roster.membership.parentsFor(this.#lastCredentials.get(this.record.controlFeedKey))
  }

  /**
   * Continues an own feed, in one transaction with `alsoWrite`. To be called inside
   * {@link SpaceStore.serial}. When it fails nothing has changed, here or in the storage.
   */
  async append(
    signer: Signer,
    key: PublicKey,
    payloads: readonly Uint8Array[],
    alsoWrite: readonly StorageWrite[] = [],
  ): Promise<StoreChange> {
    const feed = this.#feeds.get(key)
    if (feed === undefined) throw new SpaceError('NOT_ADMITTED', 'the own feed is not admitted in this space')
    return this.#commit(new Map([[feed, await createRuns(signer, feed.head, payloads)]]), alsoWrite)
  }

  /**
   * Takes in entries of feeds that came from somebody else: verified, stored in one transaction, and only then counted.
   * When one can't be taken those before it are, and then the error is thrown.
   *
   * @returns what became of each batch
   * @throws SpaceError `NOT_ADMITTED`, what else `verifyBatch` throws, and whatever the storage throws
   */
  receive(received: readonly ReceivedBatch[]): Promise<readonly ReceiveOutcome[]> {
    return this.serial.run(async () => {
      const { runs, outcomes, failure } = await this.#receiving.check(received)
      await this.#commit(runs)
      if (failure !== undefined) throw failure
      return outcomes
    })
  }

  /** What has to be stored for a record. */
  recordWrite(record: SpaceRecord): StorageWrite {
    return { key: storageKeys.record(record.spaceKey), value: encodeRecord(record) }
  }

  /** Writes something else of this space, when nothing of it is being changed. */
  write(writes: readonly StorageWrite[]): Promise<void> {
    return this.#storage.transact(writes)
  }

  /** Takes a proof that has been written: from now on only what both histories have in common counts. */
  addFork(proof: ForkProof): void {
    this.forks.add(proof)
    this.onChange({ control: false, messages: [], reset: this.#setLimits() })
  }

  /** Credentials of a control feed from an entry on that stand in no feed that did not fork. */
  async orphansOf(key: PublicKey, from: number): Promise<readonly Credential[]> {
    const feed = this.#feeds.get(key)
    const others = [...this.#feeds.values()].filter(
      (one) => one !== feed && !this.forks.proofs.has(one.key) && this.#purpose(one.key) === 'CONTROL',
    )
    return feed === undefined ? [] : orphansAmong(feed, from, others)
  }

  /** Begins feeds of this device in place of others, in one transaction with `alsoWrite`. Inside the serial. */
  async renew(
    signer: Signer,
    record: SpaceRecord,
    payloads: readonly Uint8Array[],
    alsoWrite: readonly StorageWrite[],
  ): Promise<void> {
    const before = this.record
    const key = record.controlFeedKey
    this.record = record
    try {
      if (!this.#feeds.has(key)) await this.#open(key, 'CONTROL')
      await this.append(signer, key, payloads, [this.recordWrite(record), ...alsoWrite])
    } catch (error) {
      this.record = before
      throw error
    }
  }

  /** Stores runs, and what else is to be written with them, in one transaction; then they count. */
  async #commit(
    runs: ReadonlyMap<Feed, readonly FeedRun[]>,
    alsoWrite: readonly StorageWrite[] = [],
  ): Promise<StoreChange> {
    const writes: StorageWrite[] = []
    const credentials = new Map<Feed, readonly Credential[]>()
    for (const [feed, list] of runs) {
      writes.push(...(await feed.writes(...list)))
      if (this.#purpose(feed.key) === 'CONTROL')
        credentials.set(feed, await credentialsBelow(this.forks.at(feed.key), list))
    }
    if (writes.length + alsoWrite.length > 0) await this.#storage.transact([...writes, ...alsoWrite])
    const messages: PlacedMessage[] = []
    for (const [feed, list] of runs) {
      feed.advance(...list)
      const found = credentials.get(feed)
      if (found !== undefined) this.#fold(feed.key, found)
      else for (const { entries } of list) messages.push(...this.#place(feed.key, entries))
    }
    if (credentials.size > 0) await this.#openAdmitted()
    const change = {
      ...{ control: credentials.size > 0, messages },
      reset: credentials.size > 0 && this.#setLimits(),
    }
    if (runs.size > 0) this.onChange(change)
    if (this.#snapshots.isDue) void this.keepSnapshot()
    return change
  }

  #purpose(key: PublicKey): 'CONTROL' | 'DATA' | undefined {
    return key === this.record.controlFeedKey ? 'CONTROL' : this.roster.feed(key)?.purpose
  }

  #fold(key: PublicKey, credentials: readonly Credential[]): void {
    for (const credential of credentials) {
      this.roster.add(credential)
      if (credential.claim.type === 'Epoch') this.readKeys.confirm(credential.id)
      this.#lastCredentials.set(key, credential.id)
      this.#snapshots.folded(credential)
    }
  }

  #place(key: PublicKey, entries: readonly FeedEntry[]): PlacedMessage[] {
    const own = ownDataFeeds(this.record).includes(key) ? this.#own : undefined
    const { member, device } = this.roster.feed(key) ?? own ?? {}
    if (member === undefined || device === undefined) return []
    return entries.flatMap((entry) => {
      const placed = PlacedMessage.of(entry, { space: this.record.spaceKey, feed: key, member, device })
      if (placed === undefined) return []
      this.log.add(placed)
      const { epoch } = placed
      if (epoch !== undefined && !this.readKeys.has(epoch)) this.unread.add(epoch, placed)
      return this.horizon.counts(key, entry.sequence) ? placed : []
    })
  }

  /** Opens what is admitted by now; a control feed may admit further ones. */
  async #openAdmitted(): Promise<void> {
    for (;;) {
      const missing = this.roster.feedKeys().filter((key) => !this.#feeds.has(key))
      if (missing.length === 0) break
      for (const key of missing)
        if (!this.#feeds.has(key)) await this.#open(key, this.#purpose(key) ?? 'DATA')
    }
    this.#sorted = undefined
  }

  async #open(key: PublicKey, purpose: 'CONTROL' | 'DATA'): Promise<void> {
    const { spaceKey: space } = this.record
    const limit = purpose === 'CONTROL' ? this.forks.at(key) : undefined
    const { length: folded, last } = this.#covered.get(key) ?? { length: 0 }
    if (last !== undefined) this.#lastCredentials.set(key, last)
    const take = async (entries: readonly FeedEntry[]): Promise<void> => {
      if (limit === undefined) this.#place(key, entries)
      else {
        const counted = entries.filter(({ sequence }) => sequence >= folded && sequence < limit)
        this.#fold(key, await credentialsIn(counted.map(({ payload }) => payload)))
      }
    }
    this.#feeds.set(key, await Feed.open(this.#storage, storageKeys.feed(space, key), { space, key }, take))
  }

  /** @returns whether what is here counts and did not, or the other way round */
  #setLimits(): boolean {
    const changed = this.horizon.update(this.#feeds.values(), this.forks)
    for (const feed of this.#feeds.values()) feed.limit = this.horizon.limitOf(feed.key)
    return changed
  }
}
