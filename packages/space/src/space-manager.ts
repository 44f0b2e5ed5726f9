import type { Credential } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { type Clock, type NetworkManager, systemClock } from '@vestibule/network'
import { hasNews } from './acts/readmit.ts'
import { tellAll } from './acts/space-listener.ts'
import { type AcceptOptions, prepareAcceptance } from './admission/accept.ts'
import type { SpaceAdmission } from './admission/admission.ts'
import { adopt, rejoin } from './admission/adopt.ts'
import { Archive, type ArchiveSource, type ExportOptions } from './archive/archive-file.ts'
import { exportSpace } from './archive/export-space.ts'
import { type ImportOutcome, mergeArchive, verifyArchive } from './archive/import-space.ts'
import { Serial } from './concurrency/serial.ts'
import { SpaceError } from './error.ts'
import type { ForkProof } from './feed/fork.ts'
import { found } from './found.ts'
import { Identity } from './identity/identity.ts'
import { ownerOf } from './identity/own-space.ts'
import type { RecoveryAuthority, SigningContext } from './identity/signing-context.ts'
import { type Entry, Shelf } from './lifecycle/shelf.ts'
import type { SpaceSummary } from './lifecycle/summary.ts'
import { migrate } from './migrations/migrate.ts'
import { sealBackup } from './recovery/backup.ts'
import { RecoveryServer } from './recovery/server.ts'
import type { Space } from './space.ts'
import type { Storage, StorageWrite } from './storage/storage.ts'

/** What a manager works with. The caller made these, and closes them after the manager. */
export interface SpaceManagerOptions {
  readonly storage: Storage
  readonly keyring: Keyring
  /** Has to be started before {@link SpaceManager.open}. */
  readonly networkManager: Pick<NetworkManager, 'joinSwarm'>
  readonly signingContext: SigningContext
  /** The machine's clock unless given. */
  readonly clock?: Clock
}

/** What happens to the spaces of a manager. */
export interface SpaceManagerListener {
  /** One was connected, deactivated or closed: see `SpaceManager.spaces`. */
  onSpaces?(): void
}

/**
 * The spaces of one identity on this device: kept in the storage, connected to their other members.
 *
 * @example
 * await using manager = new SpaceManager({ storage, keyring, networkManager, signingContext })
 * await manager.open()
 * const space = await manager.createSpace({ name: 'Kitchen' })
 */
export class SpaceManager {
  readonly storage: Storage
  readonly signingContext: SigningContext
  /** The own identity: its devices, and how it is shown. */
  readonly identity: Identity
  readonly #keyring: Keyring
  readonly #clock: Clock
  readonly #shelf: Shelf
  readonly #serial = new Serial()
  readonly #recovery: RecoveryServer
  readonly #listeners = new Set<SpaceManagerListener>()
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(options: SpaceManagerOptions) {
    this.storage = options.storage
    this.signingContext = options.signingContext
    this.#keyring = options.keyring
    this.#clock = options.clock ?? systemClock
    const { networkManager } = options
    this.#shelf = new Shelf({
      ...{ storage: this.storage, keyring: this.#keyring, signingContext: this.signingContext },
      ...{ networkManager, clock: this.#clock },
      isElsewhere: () => this.identity.mayBeElsewhere,
      onLoaded: (space) => {
        const look = (): void => void this.identity.changed()
        if (space.owner !== undefined) space.subscribe({ onMessage: look, onMessages: look })
      },
      onControl: (space) => {
        void this.#serveRecovery()
        this.identity.onControl(space)
      },
      onJoined: async () => {
        await this.#serveRecovery()
        tellAll(this.#listeners, (listener) => listener.onSpaces?.())
      },
    })
    this.#recovery = new RecoveryServer({
      networkManager,
      signingContext: this.signingContext,
      clock: this.#clock,
      spaces: () => this.#shelf.all(),
    })
    this.identity = new Identity({
      storage: this.storage,
      keyring: this.#keyring,
      signingContext: this.signingContext,
      clock: this.#clock,
      own: () => this.#shelf.all().filter(({ owner }) => owner !== undefined),
      spaces: () => this.list(),
      asleep: () => this.#shelf.asleep(),
      within: (key, task) => this.#whileOpen(() => this.#shelf.within(key, task)),
      isHere: (key) => this.#shelf.isHere(key),
      isDamaged: () => this.#shelf.isDamaged,
      found: () => this.#whileOpen(() => this.#found('', { isOwn: true })),
      adopt: (admission, adopting) => this.#takeUp(admission, adopting),
      rejoin: (space, admission) => this.#rejoin(space, admission),
      meet: () => this.#whileOpen(() => this.#shelf.meet()),
    })
  }

  /**
   * Reads the active spaces from the storage, which is brought to the format of this release, and connects them.
   * Idempotent. One that can't be read is left as it is, and keeps no other from opening: see {@link SpaceManager.spaces}.
   * @throws SpaceError `STORAGE_CORRUPT` for what all spaces rest on, `STORAGE_VERSION`, `CLOSED` after
   *   {@link SpaceManager.close}; storage and network errors
   */
  async open(): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#state === 'open') return
      if (this.#state === 'closed') throw closed()
      try {
        await this.storage.transact(await migrate(this.storage))
        await this.#shelf.start()
        this.#state = 'open'
        await this.#serveRecovery()
      } catch (error) {
        this.#state = 'new'
        await this.#shelf.release()
        throw error
      }
    })
    await this.identity.changed()
  }

  /** Leaves all swarms, waits for what is being written, and closes every space. Idempotent. */
  async close(): Promise<void> {
    await this.identity.close()
    await this.#serial.run(async () => {
      this.#state = 'closed'
      await this.#recovery.close()
      await this.#shelf.release()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Makes a space with the own identity as its first owner. Durable when it resolves.
   * @param options `name`: at most 64 bytes of UTF-8
   * @throws SpaceError `CLOSED`; storage, key and network errors
   */
  async createSpace(options: { readonly name: string }): Promise<Space> {
    const space = await this.#whileOpen(() => this.#found(options.name))
    await this.identity.changed()
    return space
  }

  /**
   * Takes up a membership: checks everything in the admission, then writes it in one transaction. Accepting again
   * gives the same space, with the read keys that it lacked; one that the own identity was removed from, or has left, goes
   * on with what it had.
   * @throws SpaceError `BAD_ADMISSION`, and then nothing was written; `CLOSED`; storage and network errors
   */
  async acceptSpace(admission: SpaceAdmission, options: AcceptOptions): Promise<Space> {
    const space = await this.#whileOpen(async () => {
      if (ownerOf(admission.path[0]?.claim) !== undefined)
        throw new SpaceError('BAD_ADMISSION', 'nobody is invited to somebody’s own space')
      const existing = await this.#shelf.existing(admission)
      if (existing !== undefined && hasNews(existing.store, this.signingContext.identityKey, admission))
        return this.#readmit(existing, admission, options)
      if (existing !== undefined) {
        if (options.alsoWrite !== undefined) await this.storage.transact(options.alsoWrite)
        return this.#shelf.join(existing, options.addresses)
      }
      const own = { keyring: this.#keyring, signingContext: this.signingContext }
      const { store, staged } = await prepareAcceptance(admission, options, own)
      await staged.commit(this.storage, options.alsoWrite)
      return this.#shelf.join(this.#shelf.add(store), options.addresses)
    })
    // Its own devices hear of it afterwards, or after a restart.
    void this.identity.changed()
    return space
  }

  /**
   * Takes up, on this device, a space of which the own identity is a member by another device: checks everything in
   * the admission, admits feeds for this device, and writes it all in one transaction. Members hear of the device when
   * they meet it. A space that is here already stays as it is.
   * @param admission what `Space.admissionFor` gave on a device of a member, or a backup
   * @throws SpaceError `BAD_ADMISSION`, and then nothing was written; `CLOSED`; storage, key and network errors
   */
  async adoptSpace(
    admission: SpaceAdmission,
    options: { readonly addresses?: readonly string[] } = {},
  ): Promise<Space> {
    const space = await this.#takeUp(admission, options)
    await this.identity.changed()
    return space
  }

  /**
   * Names the keys of a recovery phrase for the own identity, and tells all spaces; those that can't be told now are
   * told when they are opened the next time.
   * @throws KeysError `KEY_NOT_FOUND` on a device that does not hold the key of the identity itself; SpaceError
   *   `CLOSED`; storage errors
   */
  addRecovery(authority: RecoveryAuthority): Promise<Credential> {
    return this.#whileOpen(async () => {
      const recovery = await this.signingContext.addRecovery(authority)
      for (const space of this.#shelf.all()) await space.publishRecovery()
      await this.#serveRecovery()
      return recovery
    })
  }

  /**
   * Everything that brings the own identity back by its recovery phrase, as one file that only the phrase opens.
   * It takes no phrase to write one.
   * @throws SpaceError `NO_RECOVERY` when the identity has no recovery key, `TOO_LARGE`, `CLOSED`; storage errors
   */
  exportBackup(): Promise<Uint8Array> {
    return this.#whileOpen(async () => {
      const { identityKey } = this.signingContext
      const spaces: SpaceAdmission[] = []
      for (const key of [...this.#shelf.all().map((space) => space.key), ...this.#shelf.asleep()])
        await this.#shelf.within(key, async (space) => {
          if (space.removal === undefined) spaces.push(await space.admissionFor(identityKey))
        })
      return sealBackup({ keyring: this.#keyring, signingContext: this.signingContext }, spaces)
    })
  }

  /**
   * Everything of a space that is here, as a file that is made while it is read, piece by piece: all feeds, and what
   * makes the own identity a member. With a passphrase it is sealed and holds the read keys. Whoever is a member no
   * longer exports its copy as far as that counts; it goes into the space where that is, and brings it nowhere else.
   * @throws SpaceError `NO_SPACE`, `CLOSED`; while it is read storage errors
   */
  exportSpace(key: PublicKey, options: ExportOptions = {}): AsyncIterable<Uint8Array> {
    if (this.#state !== 'open') throw closed()
    const entry = this.#shelf.get(key)
    if (entry === undefined) throw new SpaceError('NO_SPACE', 'there is no such space here')
    const { space, store } = entry
    const { identityKey } = this.signingContext
    const admission = async () =>
      space.roleOf(identityKey) === undefined ? undefined : space.admissionFor(identityKey)
    return exportSpace({ store, admission }, options)
  }

  /**
   * Takes in what {@link SpaceManager.exportSpace} made. All of it is checked before anything is stored. Into a space
   * that is here it merges: feeds are continued, the own ones as well, and none is shortened; of a feed of which the file
   * has another history counts what both have in common, as of any that forked; read keys that are missing are taken. One
   * that is not here is taken up as by {@link SpaceManager.adoptSpace}: this device gets feeds of its own there and never
   * continues those of before, of which others may have more. What a crash cuts off is made whole by importing again.
   * @param source the file; or a function that opens it, called twice, when it is too large for the memory
   * @throws SpaceError `BAD_EXPORT` (damaged, cut, or without keys for a space that is not here), `PASSPHRASE_NEEDED`,
   *   `UNSUPPORTED_VERSION`, `BAD_ADMISSION` for a space that is not here when it is of another identity's, or of one
   *   that was no member any more; KeysError `WRONG_PASSPHRASE`; `CLOSED`; storage and network errors
   */
  async importSpace(
    source: ArchiveSource,
    options: Pick<ExportOptions, 'passphrase'> = {},
  ): Promise<ImportOutcome & { readonly space: Space }> {
    const imported = await this.#whileOpen(async () => {
      const archive = await Archive.open(source, options.passphrase)
      const admission = await verifyArchive(archive)
      const existing = await this.#shelf.existing(admission)
      if (existing === undefined && admission.readKeys.length === 0)
        throw new SpaceError('BAD_EXPORT', 'an export without keys brings no space that is not here')
      const entry = existing ?? (await this.#adopt(admission))
      const { store, space } = entry
      const takeFork = (proof: ForkProof) => space.takeFork(proof)
      const outcome = await mergeArchive(archive, admission, { store, takeFork })
      return { space: await this.#shelf.join(entry), ...outcome }
    })
    await this.identity.changed()
    return imported
  }

  /** All spaces of this device, open or not. */
  spaces(): SpaceSummary[] {
    return this.#shelf.summaries()
  }

  /**
   * Opens a space that was closed, and connects it; loads one that is deactivated, without connecting it; gives one that
   * is open already.
   * @throws SpaceError `NO_SPACE`; why it is damaged; `CLOSED`; storage and network errors
   */
  async openSpace(key: PublicKey): Promise<Space> {
    const space = await this.#whileOpen(() => this.#shelf.open(key))
    await this.identity.changed()
    return space
  }

  /**
   * Connects a space to its other members, now and after every restart. Idempotent.
   * @throws SpaceError as {@link SpaceManager.openSpace}; network errors
   */
  async activate(key: PublicKey): Promise<Space> {
    const space = await this.#whileOpen(async () => {
      const entry = await this.#shelf.loaded(key)
      await this.#shelf.markActive(key)
      return this.#shelf.join(entry)
    })
    await this.identity.changed()
    return space
  }

  /**
   * Takes a space off the network, now and after every restart, until it is activated. It can be read and written on
   * as long as it is loaded; the next time it is loaded when it is asked for. Idempotent.
   * @throws SpaceError as {@link SpaceManager.openSpace}
   */
  deactivate(key: PublicKey): Promise<void> {
    return this.#whileOpen(() => this.#shelf.deactivate(key))
  }

  /** Calls back from now on. @returns a function that ends it */
  subscribe(listener: SpaceManagerListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** A space that is open; `undefined` for one that is not. */
  get(key: PublicKey): Space | undefined {
    const space = this.#shelf.get(key)?.space
    return space?.owner === undefined ? space : undefined
  }

  /** The spaces that are open. The identity's own is not among them. */
  list(): Space[] {
    return this.#shelf.all().filter(({ owner }) => owner === undefined)
  }

  async #found(name: string, options: { readonly isOwn?: boolean } = {}): Promise<Space> {
    const founder = { keyring: this.#keyring, signingContext: this.signingContext, clock: this.#clock }
    const record = await found(founder, name, (writes) => this.storage.transact(writes), options)
    return this.#shelf.join(await this.#shelf.load(record))
  }

  #takeUp(
    admission: SpaceAdmission,
    options: { readonly addresses?: readonly string[]; readonly alsoWrite?: readonly StorageWrite[] } = {},
  ): Promise<Space> {
    const { addresses, alsoWrite = [] } = options
    return this.#whileOpen(async () => {
      const existing = await this.#shelf.existing(admission)
      if (existing !== undefined && alsoWrite.length > 0) await this.storage.transact(alsoWrite)
      return this.#shelf.join(existing ?? (await this.#adopt(admission, alsoWrite)), addresses)
    })
  }

  #whileOpen<T>(task: () => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      if (this.#state !== 'open') throw closed()
      return task()
    })
  }

  async #readmit(entry: Entry, admission: SpaceAdmission, options: AcceptOptions): Promise<Space> {
    const own = { keyring: this.#keyring, signingContext: this.signingContext }
    const { store } = await prepareAcceptance(admission, options, own)
    await entry.space.readmit(admission, store, options.alsoWrite)
    return this.#shelf.meetAgain(entry, options.addresses)
  }

  /** By what another device of the identity was admitted with. */
  #rejoin({ key }: Space, admission: SpaceAdmission): Promise<void> {
    return this.#whileOpen(async () => {
      const entry = this.#shelf.get(key)
      if (entry?.space.removal === undefined) return
      const own = { keyring: this.#keyring, signingContext: this.signingContext }
      await rejoin(admission, own, (named, fresh) => entry.space.readmit(named, fresh))
      if (entry.swarm !== undefined) await this.#shelf.meetAgain(entry)
    })
  }

  async #adopt(admission: SpaceAdmission, alsoWrite: readonly StorageWrite[] = []): Promise<Entry> {
    const own = { keyring: this.#keyring, signingContext: this.signingContext }
    return this.#shelf.add(await adopt(admission, own, (staged) => staged.commit(this.storage, alsoWrite)))
  }

  /** Not before all spaces are open: nothing is joined for a manager that does not come to be. */
  async #serveRecovery(): Promise<void> {
    if (this.#state === 'open') await this.#recovery.update()
  }
}

const closed = (): SpaceError => new SpaceError('CLOSED', 'the manager is not open')
