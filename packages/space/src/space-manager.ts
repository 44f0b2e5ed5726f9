import type { Credential } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { type Clock, type NetworkManager, type SwarmConnection, systemClock } from '@vestibule/network'
import { type AcceptOptions, prepareAcceptance } from './admission/accept.ts'
import { genesisIdOf, type SpaceAdmission } from './admission/admission.ts'
import { adopt } from './admission/adopt.ts'
import { SpaceError } from './error.ts'
import { found } from './found.ts'
import type { RecoveryAuthority, SigningContext } from './identity/signing-context.ts'
import { migrate } from './migrations/migrate.ts'
import { parseRecord, type SpaceRecord, storageKeys } from './record.ts'
import { sealBackup } from './recovery/backup.ts'
import { RecoveryServer } from './recovery/server.ts'
import { Serial } from './serial.ts'
import { Space } from './space.ts'
import { SpaceStore } from './space-store.ts'
import type { Storage } from './storage/storage.ts'

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

interface Entry {
  readonly space: Space
  swarm?: SwarmConnection
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
  readonly #keyring: Keyring
  readonly #networkManager: Pick<NetworkManager, 'joinSwarm'>
  readonly #clock: Clock
  readonly #entries = new Map<PublicKey, Entry>()
  readonly #serial = new Serial()
  readonly #recovery: RecoveryServer
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(options: SpaceManagerOptions) {
    this.storage = options.storage
    this.signingContext = options.signingContext
    this.#keyring = options.keyring
    this.#networkManager = options.networkManager
    this.#clock = options.clock ?? systemClock
    this.#recovery = new RecoveryServer({
      networkManager: this.#networkManager,
      signingContext: this.signingContext,
      clock: this.#clock,
      spaces: () => this.list(),
    })
  }

  /**
   * Reads all spaces from the storage, which is brought to the format of this release, and connects them. Idempotent.
   * When one space can't be read none is opened, and nothing is changed.
   * @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`, `STORAGE_VERSION`, `CLOSED` after {@link SpaceManager.close}
   */
  async open(): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#state === 'open') return
      if (this.#state === 'closed') throw closed()
      try {
        await this.storage.transact(await migrate(this.storage))
        for (const [, record] of await this.storage.list(storageKeys.records))
          await this.#load(parseRecord(record))
        for (const entry of this.#entries.values()) await this.#join(entry)
        this.#state = 'open'
        await this.#serveRecovery()
      } catch (error) {
        this.#state = 'new'
        await this.#release()
        throw error
      }
    })
  }

  /** Leaves all swarms, waits for what is being written, and closes every space. Idempotent. */
  async close(): Promise<void> {
    await this.#serial.run(async () => {
      this.#state = 'closed'
      await this.#recovery.close()
      await this.#release()
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
  createSpace(options: { readonly name: string }): Promise<Space> {
    return this.#whileOpen(async () => {
      const founder = { keyring: this.#keyring, signingContext: this.signingContext, clock: this.#clock }
      const record = await found(founder, options.name, (writes) => this.storage.transact(writes))
      return this.#join(await this.#load(record))
    })
  }

  /**
   * Takes up a membership: checks everything in the admission, then writes it in one transaction. Accepting again
   * gives the same space; one that the own identity was removed from, or has left, goes on with what it had.
   * @throws SpaceError `BAD_ADMISSION`, and then nothing was written; `CLOSED`; storage and network errors
   */
  acceptSpace(admission: SpaceAdmission, options: AcceptOptions): Promise<Space> {
    return this.#whileOpen(async () => {
      const existing = this.#existing(admission)
      if (existing !== undefined && existing.space.removal !== undefined)
        return this.#readmit(existing, admission, options)
      if (existing !== undefined) {
        if (options.alsoWrite !== undefined) await this.storage.transact(options.alsoWrite)
        return this.#join(existing, options.addresses)
      }
      const own = { keyring: this.#keyring, signingContext: this.signingContext }
      const { store, staged } = await prepareAcceptance(admission, options, own)
      await staged.commit(this.storage, options.alsoWrite)
      return this.#join(this.#add(store), options.addresses)
    })
  }

  /**
   * Takes up, on this device, a space of which the own identity is a member by another device: checks everything in
   * the admission, admits feeds for this device, and writes it all in one transaction. Members hear of the device when
   * they meet it. A space that is here already stays as it is.
   * @param admission what `Space.admissionFor` gave on a device of a member, or a backup
   * @throws SpaceError `BAD_ADMISSION`, and then nothing was written; `CLOSED`; storage, key and network errors
   */
  adoptSpace(
    admission: SpaceAdmission,
    options: { readonly addresses?: readonly string[] } = {},
  ): Promise<Space> {
    return this.#whileOpen(async () => {
      const existing = this.#existing(admission)
      if (existing !== undefined) return this.#join(existing, options.addresses)
      const own = { keyring: this.#keyring, signingContext: this.signingContext }
      const store = await adopt(admission, own, (staged) => staged.commit(this.storage))
      return this.#join(this.#add(store), options.addresses)
    })
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
      for (const space of this.list()) await space.publishRecovery()
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
      const spaces = await Promise.all(this.list().map((space) => space.admissionFor(identityKey)))
      return sealBackup({ keyring: this.#keyring, signingContext: this.signingContext }, spaces)
    })
  }

  /** An open space; `undefined` for one that is not here. */
  get(key: PublicKey): Space | undefined {
    return this.#entries.get(key)?.space
  }

  /** The open spaces. */
  list(): Space[] {
    return [...this.#entries.values()].map(({ space }) => space)
  }

  #whileOpen<T>(task: () => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      if (this.#state !== 'open') throw closed()
      return task()
    })
  }

  #existing(admission: SpaceAdmission): Entry | undefined {
    const entry = this.#entries.get(admission.spaceKey)
    if (entry !== undefined && entry.space.genesisId !== genesisIdOf(admission))
      throw new SpaceError('BAD_ADMISSION', 'another genesis than that of the space which is here')
    return entry
  }

  async #readmit(entry: Entry, admission: SpaceAdmission, options: AcceptOptions): Promise<Space> {
    const own = { keyring: this.#keyring, signingContext: this.signingContext }
    const { store } = await prepareAcceptance(admission, options, own)
    await entry.space.readmit(admission, store, options.alsoWrite)
    await entry.swarm?.close()
    delete entry.swarm
    return this.#join(entry, options.addresses)
  }

  async #load(record: SpaceRecord): Promise<Entry> {
    return this.#add(await SpaceStore.open(this.storage, record))
  }

  #add(store: SpaceStore): Entry {
    const parts = { keyring: this.#keyring, signingContext: this.signingContext, clock: this.#clock }
    const space = new Space(store, parts, () => void this.#serveRecovery())
    const entry: Entry = { space }
    this.#entries.set(store.record.spaceKey, entry)
    return entry
  }

  async #join(entry: Entry, addresses: readonly string[] = []): Promise<Space> {
    const { space } = entry
    entry.swarm ??= await this.#networkManager.joinSwarm({
      topic: space.topic,
      topology: 'mesh',
      addresses,
      protocolProvider: (channel, { signal }) => space.serve(channel, signal),
    })
    await space.publishRecovery()
    await this.#serveRecovery()
    return space
  }

  /** Not before all spaces are open: nothing is joined for a manager that does not come to be. */
  async #serveRecovery(): Promise<void> {
    if (this.#state === 'open') await this.#recovery.update()
  }

  async #release(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.all(
      entries.map(async ({ space, swarm }) => {
        await space.close()
        await swarm?.close()
      }),
    )
  }
}

const closed = (): SpaceError => new SpaceError('CLOSED', 'the manager is not open')
