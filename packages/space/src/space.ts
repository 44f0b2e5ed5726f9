import type { Credential, Role } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import { readNotice } from './acts/notice.ts'
import { ownFeeds } from './acts/own-feeds.ts'
import type { Actor } from './acts/perform.ts'
import { readmit, receiveActs } from './acts/readmit.ts'
import { rewrite } from './acts/rewrite.ts'
import { type SpaceListener, tellAll } from './acts/space-listener.ts'
import { heardLeave, isLeaveUnheard } from './acts/unheard-leave.ts'
import type { SpaceAdmission } from './admission/admission.ts'
import { type AdmitOptions, admissionFor, admit, type Candidate } from './admission/admit.ts'
import { DelegationActs } from './delegation/delegation-acts.ts'
import { SpaceError } from './error.ts'
import type { ForkProof } from './feed/fork.ts'
import { type Missing, missingMessages, missingOf } from './lifecycle/missing.ts'
import type { SpaceHooks, SpaceParts } from './lifecycle/space-parts.ts'
import { encodeBody, type Message, type PlacedMessage } from './message.ts'
import { Outbox, writeMessages } from './messages/outbox.ts'
import { ReadKeys } from './read-keys/read-keys.ts'
import { storageKeys } from './record.ts'
import { type ForkedFeed, forkedFeedsOf, forkProblem } from './replication/forked-feed.ts'
import type { SpacePeer } from './replication/handshake.ts'
import { takeIn } from './replication/introduction.ts'
import { Replication } from './replication/replication.ts'
import { takeFork } from './replication/take-fork.ts'
import { type Departure, type Member, sameMembers } from './roster.ts'
import type { SpaceStore, StoreChange } from './space-store.ts'
import type { StorageWrite } from './storage/storage.ts'

/**
 * A shared space on this device: its members, and what they write. Made by `SpaceManager` only.
 *
 * @example
 * const stop = space.subscribe({ onMessage: ({ author, text }) => show(author, text) })
 * await space.write('hello')
 * await space.delivered({ signal: AbortSignal.timeout(5_000) })
 */
export class Space extends DelegationActs {
  protected readonly store: SpaceStore
  readonly #parts: SpaceParts & { readonly store: SpaceStore }
  readonly #replication: Replication
  protected readonly readKeys: ReadKeys
  readonly #outbox: Outbox
  readonly #listeners = new Set<SpaceListener>()
  #members: readonly Member[]
  #removal: Departure | undefined
  readonly #hooks: SpaceHooks
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(store: SpaceStore, parts: SpaceParts, hooks: SpaceHooks) {
    super()
    this.#hooks = hooks
    this.store = store
    this.#parts = { store, ...parts }
    this.#members = store.roster.members()
    this.#removal = this.removal
    this.haveDelegationsChanged()
    this.#replication = new Replication(store, parts, parts.clock, {
      onPeers: () => this.#emit((listener) => listener.onPeers?.(this.peers())),
      onIntroduction: (introduction) => this.serially(() => takeIn(this.#parts, introduction)),
      onRemoval: (encoded) => this.#onNotice(encoded),
      onFork: (proof) => this.takeFork(proof),
      onProblem: (problem) => this.report(problem),
    })
    this.readKeys = new ReadKeys({
      ...{ ...this.#parts, serially: (task) => this.serially(task) },
      onProblem: (problem) => this.report(problem),
      onChange: () => this.#emit((listener) => listener.onReadKeys?.()),
    })
    this.#outbox = new Outbox({
      readKeys: this.readKeys,
      act: (task) => this.act(task),
      asked: () => store.serial.asked,
    })
    store.onReadKeys = (messages) => {
      this.#replication.wake()
      this.readKeys.look()
      this.#show(messages)
    }
    store.onChange = (change) => {
      this.#onChange(change)
      const isUnread = ({ epoch }: PlacedMessage) => epoch !== undefined && !store.readKeys.has(epoch)
      if (change.control || change.messages.some(isUnread)) this.readKeys.look()
      if (change.control) hooks.onControl()
    }
  }

  /** The space's own key; it signed the genesis and was destroyed. */
  get key(): PublicKey {
    return this.store.record.spaceKey
  }

  get genesisId(): string {
    return this.store.record.genesisId
  }

  /** The genesis; `undefined` while the history of a large space is still on its way. */
  get genesis(): Credential | undefined {
    return this.store.roster.membership.genesis
  }

  get name(): string {
    return this.store.roster.membership.name ?? ''
  }

  get state(): 'open' | 'closed' {
    return this.#closing === undefined ? 'open' : 'closed'
  }

  members(): readonly Member[] {
    return this.#members
  }

  /** The role of a member; `undefined` for others. */
  roleOf(identityKey: PublicKey): Role | undefined {
    return this.store.roster.roleOf(identityKey)
  }

  /** Members that are connected to this device now. */
  peers(): readonly SpacePeer[] {
    return this.#replication.peers
  }

  /** All messages, in an order that is the same for all who have the same ones, each behind what its author knew. */
  messages(): readonly Message[] {
    return this.store.messages(this.self)
  }

  /** The feeds of which there are two histories; what these have in common counts, and nothing else of the feed. */
  forks(): readonly ForkedFeed[] {
    return forkedFeedsOf(this.store)
  }

  /** Calls back from now on. @returns a function that ends it */
  subscribe(listener: SpaceListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /**
   * Admits a member, or gives the admission of one who is a member already once more. Durable when it resolves, in
   * one transaction with `options.alsoWrite`; when it rejects nothing has changed.
   *
   * @throws SpaceError `NOT_ALLOWED`, `ALREADY_MEMBER` (with other feeds), `BAD_CANDIDATE`, `CLOSED`, and storage errors
   */
  admit(candidate: Candidate, options: AdmitOptions): Promise<SpaceAdmission> {
    return this.act((actor) => this.#replication.admitting(() => admit(actor, candidate, options)))
  }

  /**
   * What another device of a member needs to take up this space. It holds the read keys that this member may have: seal it.
   * @throws SpaceError `NOT_A_MEMBER`, `READ_KEY_MISSING` when none of those has come here, `CLOSED`
   */
  admissionFor(identityKey: PublicKey): Promise<SpaceAdmission> {
    return this.serially(async () => admissionFor(this.#parts, identityKey))
  }

  /** @internal The recovery keys of the members: `IdentityRecovery` credentials. */
  recoveries(): Credential[] {
    return this.store.roster.membership.recoveries()
  }

  /**
   * @internal Says in the own control feed, once, which key recovers the own identity. What fails is a problem of
   * the space, and is made up for when it is opened the next time.
   */
  async publishRecovery(): Promise<void> {
    const { keyring, signingContext } = this.#parts
    const { recovery } = signingContext
    if (recovery === undefined) return
    try {
      await this.serially(async () => {
        const { record, roster } = this.store
        if (roster.membership.has(recovery.id)) return
        await this.store.append(keyring, record.controlFeedKey, [recovery.encoded])
      })
    } catch (error) {
      if (!(error instanceof SpaceError)) throw error
      if (error.code !== 'CLOSED') this.#emit((listener) => listener.onProblem?.(error))
    }
  }

  /**
   * Writes a message: text, or bytes, which are copied. Durable on this device when it resolves; see
   * {@link Space.delivered}. Several that are written without waiting for each other keep their order, and share
   * transactions.
   * @param options `type`: what kind of message it is, at most 64 bytes of UTF-8; see {@link Space.send}
   * @throws SpaceError `NOT_ALLOWED` for a reader, `NOT_A_MEMBER` for one no longer, `TOO_LARGE` (60 KiB), `CLOSED`, and
   *   storage errors; `READ_KEY_OUTDATED` and `READ_KEY_MISSING` until a member has been met who has, or makes, a read
   *   key that nobody holds who may not
   */
  async write(body: string | Uint8Array, { type }: { readonly type?: string } = {}): Promise<Message> {
    this.#assertOpen()
    const timestampMs = Math.max(0, Math.floor(this.#parts.clock.now()))
    return this.#outbox.write({ body, timestampMs, ...(type !== undefined && { type }) })
  }

  /**
   * Writes again what this device wrote and nobody counts ({@link Message.included}), for whoever is back in the space.
   * @returns the messages as they are now
   * @throws SpaceError as {@link Space.write} does; what was written again until then stays
   */
  rewrite(): Promise<Message[]> {
    return this.act((actor) =>
      rewrite(actor, (content, alsoWrite) =>
        writeMessages(actor, this.readKeys, [encodeBody(content)], alsoWrite),
      ),
    )
  }

  /**
   * Waits until another member has stored everything that this device has written so far, in all feeds that it has had
   * here. With nobody connected that may be long: give a signal. Aborting ends only the wait.
   * @throws the signal's reason; SpaceError `CLOSED`
   */
  async delivered(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen()
    const { signal } = options
    await this.#replication.delivered(ownFeeds(this.store, this.#parts.signingContext), signal)
    await this.#replication.until(() => !isLeaveUnheard(this.#parts), signal)
  }

  /**
   * Waits until a member is connected and everything that the connected members had is here. With nobody connected
   * that may be long: give a signal. Aborting ends only the wait.
   * @throws the signal's reason; SpaceError `CLOSED`
   */
  async synced(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen()
    await this.#replication.synced(options.signal)
  }

  /** @internal Takes up a new membership: see `readmit`. */
  async readmit(
    admission: SpaceAdmission,
    fresh: SpaceStore,
    alsoWrite?: readonly StorageWrite[],
  ): Promise<void> {
    this.#assertOpen()
    await readmit(this.store, this.self, admission, fresh, alsoWrite)
    // It is taken up, and durable: what fails from here on does not undo that.
    await receiveActs(this.store, admission).catch((error: unknown) => {
      if (!(error instanceof SpaceError)) throw error
      this.report(error)
    })
  }

  /**
   * What this device lacks: of the space as it was when it came in, the key to read it now, and messages that members
   * who are connected say they have. Empty when nothing is known to be lacking.
   */
  missing(): Missing[] {
    const elsewhere = (feed: PublicKey): number => this.#replication.lengthElsewhere(feed)
    return [...missingOf(this.store), ...missingMessages(this.store, elsewhere)]
  }

  /**
   * Waits until nothing but messages is {@link Space.missing}: for those there is {@link Space.synced}, as nobody's word
   * that there are more should keep a space from being used. Aborting ends only the wait.
   * @throws the signal's reason; SpaceError `CLOSED`
   */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen()
    await this.#replication.until(() => missingOf(this.store).length === 0, options.signal)
  }

  /** @internal Serves one channel of the space's swarm. */
  serve(channel: Channel, signal: AbortSignal): Promise<void> {
    return this.#replication.serve(channel, signal)
  }

  /**
   * Leaves the members, refuses what is asked for from now on with `CLOSED`, and waits for what is being written.
   * Idempotent. It stays active: `SpaceManager.openSpace` opens it again, and so does the next start.
   */
  close(): Promise<void> {
    this.#closing ??= Promise.resolve().then(() => this.#close())
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.readKeys.close()
    await this.#replication.close()
    await this.store.serial.idle()
    await this.store.keepSnapshot()
    await this.#hooks.onClosed()
  }

  /** @internal */
  protected get device(): SpaceParts {
    return this.#parts
  }

  /** @internal */
  report(problem: SpaceError): void {
    this.#emit((listener) => listener.onProblem?.(problem))
  }

  /** @internal */
  get self(): PublicKey {
    return this.#parts.signingContext.identityKey
  }

  /** @internal */
  act<T>(task: (actor: Actor) => Promise<T>): Promise<T> {
    return this.serially(async () => {
      if (this.removal !== undefined)
        throw new SpaceError('NOT_A_MEMBER', 'the own identity is no longer a member')
      return task(this.#actor)
    })
  }

  get #actor(): Actor {
    return { ...this.#parts, sequelOf: (acts) => this.readKeys.sequelOf(acts) }
  }

  /** What was asked for before it was closed is still done. */
  protected async serially<T>(task: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    return this.store.serial.run(task)
  }

  #assertOpen(): void {
    if (this.state === 'closed') throw new SpaceError('CLOSED', 'the space is closed')
  }

  #onChange({ control, messages, reset }: StoreChange): void {
    this.#replication.wake()
    if (control) {
      this.#replication.recheck()
      const members = this.store.roster.members()
      const before = this.#members
      this.#members = members
      if (!sameMembers(members, before)) this.#emit((listener) => listener.onMembers?.(members))
      const departures = before.flatMap(({ identityKey }) => this.departureOf(identityKey) ?? [])
      if (departures.length > 0) this.#emit((listener) => listener.onDepartures?.(departures))
      this.#lookAtRemoval()
      this.#lookAtDelegations()
    }
    if (reset) this.#emit((listener) => listener.onMessages?.(this.messages()))
    this.#show(messages)
  }

  /** Nothing is opened that nobody looks at. */
  #show(messages: readonly PlacedMessage[]): void {
    if (![...this.#listeners].some(({ onMessage }) => onMessage !== undefined)) return
    for (const placed of messages) {
      const message = placed.open(this.store.readKeys)
      if (message !== undefined) this.#emit((listener) => listener.onMessage?.(message))
    }
  }

  /** Keeps what shows that the own identity is no longer a member. */
  async #onNotice(encoded: Uint8Array): Promise<void> {
    await this.serially(async () => {
      if (this.removal !== undefined) return heardLeave(this.#parts, encoded)
      const notice = await readNotice(this.#parts, encoded)
      if (notice === undefined) return
      await this.store.write([{ key: storageKeys.notice(this.key), value: notice.encoded }])
      this.store.notice = notice
    })
    this.#lookAtRemoval()
  }

  #lookAtRemoval(): void {
    const { removal } = this
    if (removal?.credentialId === this.#removal?.credentialId) return
    this.#removal = removal
    this.#emit((listener) => listener.onRemoval?.(removal))
    this.#lookAtDelegations()
  }

  #lookAtDelegations(): void {
    if (this.haveDelegationsChanged()) this.#emit((listener) => listener.onDelegations?.())
  }

  /** @internal Takes a proof, verified, that a feed forked, and reports it. */
  async takeFork(proof: ForkProof): Promise<void> {
    const whose = await this.serially(() => takeFork(this.#parts, proof))
    if (whose === undefined) return
    const problem = forkProblem(whose, proof)
    this.#emit((listener) => listener.onProblem?.(problem))
  }

  #emit(call: (listener: SpaceListener) => void): void {
    tellAll(this.#listeners, call)
  }
}
