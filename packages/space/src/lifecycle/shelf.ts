import { type Keyring, PublicKey } from '@vestibule/keys'
import type { Clock, NetworkManager } from '@vestibule/network'
import { genesisIdOf, type SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import { ReadKeyRing } from '../read-keys/ring.ts'
import { SpaceTopics } from '../read-keys/topics.ts'
import { parseRecord, type SpaceRecord, storageKeys } from '../record.ts'
import { Space } from '../space.ts'
import { SpaceStore } from '../space-store.ts'
import type { Storage } from '../storage/storage.ts'
import { Meeting } from './meeting.ts'
import {
  type Asleep,
  damagedSummary,
  encodeAsleep,
  isDamage,
  outlineOf,
  parseAsleep,
  type SpaceSummary,
  summaryOf,
} from './summary.ts'

/** What a shelf works with, and whom it tells. */
export interface ShelfParts {
  readonly storage: Storage
  readonly keyring: Keyring
  readonly signingContext: SigningContext
  readonly networkManager: Pick<NetworkManager, 'joinSwarm'>
  readonly clock: Clock
  /** Whether the own identity may be met elsewhere: nobody is looked for where nobody else can be. */
  readonly isElsewhere: () => boolean
  /** A space was loaded. */
  readonly onLoaded: (space: Space) => void
  /** The credentials of a space have changed. */
  readonly onControl: (space: Space) => void
  /** A space is connected now, or was deactivated or closed. */
  readonly onJoined: () => Promise<void>
}

/** A space that is loaded, and connected while it is active. */
export interface Entry {
  readonly space: Space
  readonly store: SpaceStore
  swarm?: Meeting
  /** The connection by which others refused this device, as its member was none any more. */
  refused?: Meeting
}

/** Which spaces are on this device, and how each is kept: loaded, deactivated, or left alone as it is damaged. */
export class Shelf {
  readonly #parts: ShelfParts
  readonly #entries = new Map<PublicKey, Entry>()
  /** Deactivated spaces; those that were asked for are among the entries, too. */
  readonly #inactive = new Map<PublicKey, Asleep>()
  /** Active spaces that were closed, until they are opened again or the next start. */
  readonly #closed = new Map<PublicKey, Asleep>()
  readonly #damaged = new Map<PublicKey, SpaceError>()

  constructor(parts: ShelfParts) {
    this.#parts = parts
  }

  get isDamaged(): boolean {
    return this.#damaged.size > 0
  }

  /** A space that is open. */
  get(key: PublicKey): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry?.space.state === 'open' ? entry : undefined
  }

  /** Those that are open: the identity's own first, by their keys. */
  all(): Space[] {
    const spaces = [...this.#entries.values()].flatMap(({ space }) => (space.state === 'open' ? space : []))
    const own = spaces.filter(({ owner }) => owner !== undefined)
    own.sort((a, b) => (a.key.toHex() < b.key.toHex() ? -1 : 1))
    return [...own, ...spaces.filter(({ owner }) => owner === undefined)]
  }

  /** All that are shared, loaded or not. */
  summaries(): SpaceSummary[] {
    const shared = this.all().filter(({ owner }) => owner === undefined)
    const asleep = [...this.#inactive].filter(([key]) => this.get(key) === undefined)
    return [
      ...shared.map((space) => summaryOf(space, this.#inactive.has(space.key))),
      ...[...this.#closed].map(([key, one]) => ({ key, ...one, state: 'CLOSED' as const })),
      ...asleep.map(([key, one]) => ({ key, ...one, state: 'INACTIVE' as const })),
      ...[...this.#damaged].map(([key, error]) => damagedSummary(key, error)),
    ]
  }

  /** Spaces that are deactivated or closed, and not loaded. */
  asleep(): PublicKey[] {
    return [...this.#inactive.keys(), ...this.#closed.keys()].filter((key) => !this.#entries.has(key))
  }

  /** Does something in a space, which is neither connected nor shown to anybody for it. */
  async within<T>(key: PublicKey, task: (space: Space) => Promise<T>): Promise<T> {
    const loaded = this.#entries.get(key)
    if (loaded !== undefined) return task(loaded.space)
    const space = new Space(await this.#read(await this.#record(key)), this.#parts, NO_HOOKS)
    try {
      return await task(space)
    } finally {
      await space.close()
    }
  }

  /** Reads the active spaces of the storage and connects them. */
  async start(): Promise<void> {
    for (const [at, record] of await this.#parts.storage.list(storageKeys.records))
      await this.#wake(PublicKey.fromHex(at.slice(storageKeys.records.length)), record)
    for (const entry of this.#entries.values()) await this.join(entry)
  }

  /**
   * Connects what is only to be met once the own identity may be elsewhere, and a space anew of which it is a member
   * again.
   */
  async meet(): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (entry.space.owner !== undefined) await this.join(entry)
      const { space, swarm, refused } = entry
      if (swarm !== undefined && swarm === refused && space.removal === undefined) await this.meetAgain(entry)
    }
  }

  /** Whoever refused this device so far is met anew. */
  async meetAgain(entry: Entry, addresses?: readonly string[]): Promise<Space> {
    await entry.swarm?.close()
    delete entry.swarm
    return this.join(entry, addresses)
  }

  async deactivate(key: PublicKey): Promise<void> {
    const asleep = this.#closed.get(key) ?? outlineOf((await this.loaded(key)).space)
    await this.#parts.storage.transact([{ key: storageKeys.inactive(key), value: encodeAsleep(asleep) }])
    this.#inactive.set(key, asleep)
    this.#closed.delete(key)
    const entry = this.#entries.get(key)
    await entry?.swarm?.close()
    delete entry?.swarm
    await this.#parts.onJoined()
  }

  /** Reads a space at the start, unless it is deactivated. */
  async #wake(key: PublicKey, record: Uint8Array): Promise<void> {
    try {
      const asleep = await this.#parts.storage.get(storageKeys.inactive(key))
      if (asleep === undefined) await this.load(parseRecord(record))
      else this.#inactive.set(key, parseAsleep(asleep))
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damaged.set(key, error)
    }
  }

  /** A space as it is to be found at a start: loaded, and connected when it is active. */
  async open(key: PublicKey): Promise<Space> {
    const entry = this.get(key)
    if (entry !== undefined) return entry.space
    const opened = await this.loaded(key)
    return this.#inactive.has(key) ? opened.space : this.join(opened)
  }

  async loaded(key: PublicKey): Promise<Entry> {
    const damaged = this.#damaged.get(key)
    if (damaged !== undefined) throw damaged
    const loaded = this.#entries.get(key)
    if (loaded?.space.state === 'open') return loaded
    // No two of one space ever write to the same feeds.
    await loaded?.space.close()
    return this.load(await this.#record(key))
  }

  async #record(key: PublicKey): Promise<SpaceRecord> {
    const record = await this.#parts.storage.get(storageKeys.record(key))
    if (record === undefined) throw new SpaceError('NO_SPACE', `there is no space ${key.toHex()}`)
    return parseRecord(record)
  }

  async markActive(key: PublicKey): Promise<void> {
    if (!this.#inactive.has(key)) return
    await this.#parts.storage.transact([{ key: storageKeys.inactive(key), value: undefined }])
    this.#inactive.delete(key)
  }

  isHere(key: PublicKey): boolean {
    return [this.#entries, this.#inactive, this.#closed, this.#damaged].some((spaces) => spaces.has(key))
  }

  /** The space of an admission, when it is here; whoever takes up a membership wants it active. */
  async existing(admission: SpaceAdmission): Promise<Entry | undefined> {
    const { spaceKey } = admission
    const entry = this.isHere(spaceKey) ? await this.loaded(spaceKey) : undefined
    if (entry !== undefined) await this.markActive(spaceKey)
    if (entry !== undefined && entry.space.genesisId !== genesisIdOf(admission))
      throw new SpaceError('BAD_ADMISSION', 'another genesis than that of the space which is here')
    return entry
  }

  async load(record: SpaceRecord): Promise<Entry> {
    const entry = this.add(await this.#read(record))
    void entry.store.keepSnapshot()
    return entry
  }

  async #read(record: SpaceRecord): Promise<SpaceStore> {
    const { storage } = this.#parts
    const readKeys = await ReadKeyRing.open(storage, record.spaceKey, this.#parts)
    const { identityKey: member, deviceKey: device } = this.#parts.signingContext
    const store = await SpaceStore.open(storage, record, readKeys, { member, device })
    // That it is damaged shows before the space is among the others.
    await SpaceTopics.open(store, storage, this.#parts.clock)
    return store
  }

  add(store: SpaceStore): Entry {
    const space: Space = new Space(store, this.#parts, {
      onControl: () => this.#parts.onControl(space),
      onClosed: () => this.#shut(entry),
    })
    const entry: Entry = { space, store }
    this.#parts.onLoaded(space)
    space.subscribe({ onRemoval: () => noteRefusal(entry) })
    this.#entries.set(store.record.spaceKey, entry)
    this.#closed.delete(store.record.spaceKey)
    return entry
  }

  /** A space was closed: it leaves its swarm, and stays as active as it was. */
  async #shut(entry: Entry): Promise<void> {
    const { space } = entry
    await entry.swarm?.close()
    delete entry.swarm
    if (this.#entries.get(space.key) !== entry) return
    this.#entries.delete(space.key)
    if (!this.#inactive.has(space.key)) this.#closed.set(space.key, outlineOf(space))
    await this.#parts.onJoined()
  }

  async join(entry: Entry, addresses: readonly string[] = []): Promise<Space> {
    const { space } = entry
    // Nobody is looked for where nobody else can be.
    if (space.owner === undefined || this.#parts.isElsewhere())
      entry.swarm ??= await Meeting.join(entry, this.#parts, addresses)
    // It may have been closed meanwhile.
    if (space.state === 'closed') await this.#shut(entry)
    noteRefusal(entry)
    await space.publishRecovery()
    await this.#parts.onJoined()
    return space
  }

  async release(): Promise<void> {
    const entries = [...this.#entries.values()]
    for (const spaces of [this.#entries, this.#inactive, this.#closed, this.#damaged]) spaces.clear()
    await Promise.all(entries.map(({ space }) => space.close()))
  }
}

const NO_HOOKS = { onControl: () => {}, onClosed: async () => {} }

/** Others refuse a device whose member is one no longer. */
function noteRefusal(entry: Entry): void {
  if (entry.space.removal !== undefined && entry.swarm !== undefined) entry.refused = entry.swarm
}
