import { type Credential, CredentialsError, verifyCredentials } from '@vestibule/credentials'
import type { PublicKey, Signer } from '@vestibule/keys'
import { Horizon } from './acts/horizon.ts'
import { parseAdmission, type SpaceAdmission, verifyAll } from './admission/admission.ts'
import { SpaceError } from './error.ts'
import { createBatch, type FeedBatch, type FeedEntry, type FeedRun, verifyBatch } from './feed/entry.ts'
import { Feed } from './feed/feed.ts'
import { type Message, PlacedMessage } from './message.ts'
import { MessageLog } from './messages/message-log.ts'
import type { EntryPlace } from './read-keys/entry-cipher.ts'
import { FOUNDING_EPOCH } from './read-keys/read-key.ts'
import { ReadKeyRing } from './read-keys/ring.ts'
import { encodeRecord, type SpaceRecord, storageKeys } from './record.ts'
import { Roster } from './roster.ts'
import { Serial } from './serial.ts'
import type { Storage, StorageWrite } from './storage/storage.ts'

/** What came of entries that were stored. */
export interface StoreChange {
  readonly feed: PublicKey
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
  readKeys: ReadKeyRing
  /** How far the data feeds count. */
  readonly horizon: Horizon
  /** Changes of this space are made one after the other, so that no two continue a feed from the same head. */
  readonly serial = new Serial()
  /** What came with the own admission besides the line of grants; nothing at the founder's. */
  vouched: readonly Credential[] = []
  /** What showed this device that its member is one no longer, when that is not part of the membership. */
  notice: Credential | undefined
  readonly #storage: Storage
  readonly #feeds = new Map<PublicKey, Feed>()
  readonly #messages = new MessageLog()
  readonly #lastCredentials = new Map<PublicKey, string>()
  /** Called after everything that was stored. */
  onChange: (change: StoreChange) => void = () => {}

  private constructor(storage: Storage, record: SpaceRecord) {
    this.record = record
    this.roster = new Roster(record.spaceKey, record.genesisId)
    this.readKeys = new ReadKeyRing(record.spaceKey, record.readKeys)
    this.horizon = new Horizon(this.roster)
    this.#storage = storage
  }

  /**
   * Reads a space, and verifies every entry and credential of it again.
   * @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`, and whatever the storage throws
   */
  static async open(storage: Storage, record: SpaceRecord): Promise<SpaceStore> {
    const store = new SpaceStore(storage, record)
    const admission = await storage.get(storageKeys.admission(record.spaceKey))
    const notice = await storage.get(storageKeys.notice(record.spaceKey))
    if (notice !== undefined) [store.notice] = await verifyAll([notice], 'STORAGE_CORRUPT')
    await store.#begin(admission && (await parseAdmission(admission)))
    return store
  }

  /** Goes on under another admission, that has been stored. Inside the serial. */
  async begin(record: SpaceRecord, admission: SpaceAdmission): Promise<void> {
    this.record = record
    this.readKeys = new ReadKeyRing(record.spaceKey, record.readKeys)
    this.notice = undefined
    await this.#begin(admission)
    this.onChange({ feed: record.controlFeedKey, control: true, messages: [], reset: true })
  }

  async #begin(admission: SpaceAdmission | undefined): Promise<void> {
    if (admission !== undefined) {
      this.roster.vouch(admission)
      this.vouched = admission.credentials
    }
    // The founder's own control feed holds the credentials that admit it.
    await this.#open(this.record.controlFeedKey, 'CONTROL')
    await this.#openAdmitted()
    this.horizon.update(this.#feeds.values())
  }

  /** The feeds of the space, control feeds first. */
  feeds(): Feed[] {
    return this.roster.feedKeys().flatMap((key) => this.#feeds.get(key) ?? [])
  }

  feed(key: PublicKey): Feed | undefined {
    return this.roster.feed(key) && this.#feeds.get(key)
  }

  /**
   * In the order of {@link MessageLog}. Those that can't be read are left out, and those that do not count, but for what
   * `own` wrote: that is marked.
   */
  messages(own: PublicKey): Message[] {
    return this.#messages.all().flatMap((placed) => {
      const isCounted = this.horizon.counts(placed.feed, placed.sequence)
      if (!isCounted && placed.author !== own) return []
      const message = placed.open(this.readKeys)
      if (message === undefined) return []
      return isCounted ? message : Object.freeze({ ...message, included: false as const })
    })
  }

  /** Where the next message of an own data feed will stand, and which read key seals it. */
  placeOfNext(feed: PublicKey): EntryPlace {
    return {
      space: this.record.spaceKey,
      feed,
      sequence: this.#feeds.get(feed)?.length ?? 0,
      lamport: this.#messages.nextLamport,
      epoch: this.record.readKeys.at(-1)?.epoch ?? FOUNDING_EPOCH,
    }
  }

  /** The parents of the next credential in the own control feed. */
  parentsOfNext(): string[] {
    return this.roster.membership.parentsFor(this.#lastCredentials.get(this.record.controlFeedKey))
  }

  /**
   * Continues an own feed under one signature, in one transaction with `alsoWrite`. To be called inside
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
    return this.#commit(feed, await createBatch(signer, feed.head, payloads), alsoWrite)
  }

  /**
   * Takes in entries of a feed that came from somebody else: verified, stored, and only then counted.
   * @returns whether there was anything new; what lies behind the end of a feed that was cut is passed over
   * @throws SpaceError `NOT_ADMITTED`, whatever `verifyBatch` throws, and whatever the storage throws
   */
  receive(key: PublicKey, batch: FeedBatch): Promise<boolean> {
    return this.serial.run(async () => {
      const feed = this.feed(key)
      if (feed === undefined) throw new SpaceError('NOT_ADMITTED', 'entries of a feed that is not admitted')
      if (!this.horizon.counts(key, feed.length)) return false
      const run = await verifyBatch(feed.head, batch)
      if (run.entries.length > 0) await this.#commit(feed, run, [])
      return run.entries.length > 0
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

  async #commit(feed: Feed, run: FeedRun, alsoWrite: readonly StorageWrite[]): Promise<StoreChange> {
    const { entries } = run
    const credentials = this.#purpose(feed.key) === 'CONTROL' ? await credentialsIn(entries) : undefined
    await this.#storage.transact([...(await feed.writes(run)), ...alsoWrite])
    feed.advance(run)
    let messages: PlacedMessage[] = []
    let reset = false
    if (credentials !== undefined) {
      this.#fold(feed.key, credentials)
      await this.#openAdmitted()
      reset = this.horizon.update(this.#feeds.values())
    } else messages = this.#place(feed.key, entries)
    const change = { feed: feed.key, control: credentials !== undefined, messages, reset }
    this.onChange(change)
    return change
  }

  #purpose(key: PublicKey): 'CONTROL' | 'DATA' | undefined {
    return key === this.record.controlFeedKey ? 'CONTROL' : this.roster.feed(key)?.purpose
  }

  #fold(key: PublicKey, credentials: readonly Credential[]): void {
    for (const credential of credentials) {
      this.roster.add(credential)
      this.#lastCredentials.set(key, credential.id)
    }
  }

  #place(key: PublicKey, entries: readonly FeedEntry[]): PlacedMessage[] {
    const { member, device } = this.roster.feed(key) ?? {}
    if (member === undefined || device === undefined) return []
    return entries.flatMap((entry) => {
      const placed = PlacedMessage.of(entry, { space: this.record.spaceKey, feed: key, member, device })
      if (placed === undefined) return []
      this.#messages.add(placed)
      return this.horizon.counts(key, entry.sequence) ? placed : []
    })
  }

  /** Opens what is admitted by now; a control feed may admit further ones. */
  async #openAdmitted(): Promise<void> {
    for (;;) {
      const key = this.roster.feedKeys().find((one) => !this.#feeds.has(one))
      if (key === undefined) return
      await this.#open(key, this.#purpose(key) ?? 'DATA')
    }
  }

  async #open(key: PublicKey, purpose: 'CONTROL' | 'DATA'): Promise<void> {
    const { spaceKey: space } = this.record
    const take = async (entries: readonly FeedEntry[]): Promise<void> => {
      if (purpose === 'CONTROL') this.#fold(key, await credentialsIn(entries))
      else this.#place(key, entries)
    }
    this.#feeds.set(key, await Feed.open(this.#storage, storageKeys.feed(space, key), { space, key }, take))
  }
}

/**
 * The credentials among the payloads of a control feed. Its author may write what it likes there: what is no
 * credential, or not a valid one, stays in the feed, for the links to hold, and says nothing.
 */
export async function credentialsIn(entries: readonly FeedEntry[]): Promise<Credential[]> {
  const verdicts = await verifyCredentials(entries.map(({ payload }) => payload))
  return verdicts.flatMap((one) => (one instanceof CredentialsError ? [] : [one]))
}
