import { type Credential, isAtLeast } from '@vestibule/credentials'
import { equalBytes, type Keyring } from '@vestibule/keys'
import type { Clock } from '@vestibule/network'
import { keepOwnFeeds } from '../acts/own-control-feed.ts'
import type { Sequel } from '../acts/perform.ts'
import { repeatLeave } from '../acts/unheard-leave.ts'
import { SpaceError } from '../error.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'
import { currentEpoch, missingEpochs, newestUnheard } from './current.ts'
import { createEpoch, withActs } from './epoch-claim.ts'
import { openEpoch } from './open-epoch.ts'
import { commitmentOf, FOUNDING_EPOCH, type ReadKey } from './read-key.ts'

/** How long the next in rank waits for whoever is before it, when an epoch is needed that several may issue. */
const TURN_MS = 2_000
const MAX_TURNS = 30

/** What read keys are kept up with. */
export interface ReadKeysParts {
  readonly store: SpaceStore
  readonly keyring: Keyring
  readonly signingContext: SigningContext
  readonly clock: Clock
  /** Runs a task when nothing else of the space is being changed. */
  readonly serially: <T>(task: () => Promise<T>) => Promise<T>
  readonly onProblem: (problem: SpaceError) => void
  /** Another read key is current, another is held, or another is missing. */
  readonly onChange: () => void
}

/** What somebody does by which others lose the read key. */
const LOSSES = ['RemovedMember', 'LeftSpace', 'RevokedDevice']
const NOTHING: Sequel = { credentials: [], alsoWrite: [] }

/**
 * Keeps up with the epochs of a space: opens what is sealed to this device, and issues the epochs that are needed, as
 * far as the own role allows.
 *
 * Of several who may issue one the most senior does at once; each of the others waits its turn, and does when nobody
 * before it has. So no one's absence holds the space up for long, and all who are there don't issue one each.
 */
export class ReadKeys {
  readonly #parts: ReadKeysParts
  /** Epochs that are not sealed to this device, or not as they say. */
  readonly #closed = new Set<string>()
  /** Read keys that are what their epoch says. */
  readonly #checked = new Set<string>()
  #isLooking = false
  #isDue = false
  #told = FOUNDING_EPOCH
  #cancelTurn: (() => void) | undefined

  constructor(parts: ReadKeysParts) {
    this.#parts = parts
  }

  /** The credentials have changed, or may have. What fails is tried again at the next change. */
  look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    const { serially, onProblem } = this.#parts
    serially(async () => {
      this.#isLooking = false
      // What is issued has to stand in a feed that counts.
      await keepOwnFeeds(this.#parts)
      await repeatLeave(this.#parts)
      await this.#keepUp()
      this.#tell()
    }).catch((error: unknown) => {
      this.#isLooking = false
      if (!(error instanceof SpaceError))
        onProblem(new SpaceError('KEYS_UNAVAILABLE', 'a read key could not be opened', { cause: error }))
      else if (error.code !== 'CLOSED') onProblem(error)
    })
  }

  /** Ends what waits. */
  close(): void {
    this.#cancelTurn?.()
    this.#cancelTurn = undefined
  }

  /** The epochs whose read keys are to come yet: from members that hold them. */
  missing(): string[] {
    const { store, signingContext } = this.#parts
    return missingEpochs(store, signingContext.identityKey)
  }

  /** What follows from acts by which somebody loses the read key: an epoch, when the own role then allows it. */
  async sequelOf(acts: readonly Credential[]): Promise<Sequel> {
    const { store } = this.#parts
    if (!acts.some(({ claim }) => LOSSES.includes(claim.type))) return NOTHING
    if (!withActs(store, acts).epochs().isNeeded) return NOTHING
    const epoch = await createEpoch(this.#parts, acts)
    if (epoch === undefined) return NOTHING
    return { credentials: [epoch.credential], alsoWrite: store.readKeys.stage(epoch.readKey) }
  }

  /**
   * The epoch to write under. When there is none, and the own role allows it, one is issued. Inside the store's serial.
   * @throws SpaceError `READ_KEY_OUTDATED`, `READ_KEY_MISSING`; key and storage errors
   */
  async forWriting(): Promise<string> {
    const { store } = this.#parts
    await this.#open()
    const { epoch, isBlocked, isHeld } = currentEpoch(store)
    if (!isBlocked && isHeld) return epoch
    const issued = await this.#issue()
    if (issued !== undefined) return issued
    throw isBlocked
      ? new SpaceError('READ_KEY_OUTDATED', 'the read key was not renewed yet since somebody was removed')
      : new SpaceError('READ_KEY_MISSING', 'the current read key has not come here yet')
  }

  /** Issues an epoch, whether one is needed or not. Inside the store's serial. @throws SpaceError `NOT_ALLOWED` */
  async rotate(): Promise<void> {
    if ((await this.#issue()) === undefined)
      throw new SpaceError('NOT_ALLOWED', 'the own role does not allow to renew the read key')
  }

  #tell(): void {
    const { store } = this.#parts
    const held = store.readKeys.size
    const state = [
      currentEpoch(store).epoch,
      newestUnheard(store) ?? [],
      this.missing(),
      held > 1 ? held : [],
    ]
      .flat()
      .join()
    if (state === this.#told) return
    this.#told = state
    this.#parts.onChange()
  }

  async #keepUp(): Promise<void> {
    await this.#open()
    const { store } = this.#parts
    const { isNeeded } = store.roster.membership.epochs()
    const turn = isNeeded ? this.#turn() : undefined
    if (turn === undefined) return this.#endTurn()
    if (turn > 0 && !this.#isDue) return this.#waitFor(turn)
    this.#endTurn()
    await this.#issue()
  }

  #waitFor(turn: number): void {
    this.#cancelTurn ??= this.#parts.clock.after(Math.min(turn, MAX_TURNS) * TURN_MS, () => {
      this.#isDue = true
      this.look()
    })
  }

  #endTurn(): void {
    this.#isDue = false
    this.close()
  }

  /** How many of those who may issue an epoch are senior to the own identity; `undefined` when it is none of them. */
  #turn(): number | undefined {
    const { store, signingContext } = this.#parts
    let turn = 0
    for (const [identity, { role }] of store.roster.membership.members()) {
      if (identity === signingContext.identityKey) return isAtLeast(role, 'ADMIN') ? turn : undefined
      turn++
    }
    return undefined
  }

  /** Opens the epochs that are sealed to this device and not open yet, those too of whose time a message is here. */
  async #open(): Promise<void> {
    const { store } = this.#parts
    const { membership } = store.roster
    await this.#check()
    const named = store.unread.epochs().flatMap((epoch) => membership.get(epoch) ?? [])
    const opened: ReadKey[] = []
    for (const epoch of new Set([...membership.epochs().all, ...named])) {
      if (store.readKeys.has(epoch.id) || this.#closed.has(epoch.id)) continue
      const readKey = await openEpoch(epoch, this.#parts)
      if (readKey === undefined) this.#closed.add(epoch.id)
      else opened.push(readKey)
    }
    if (opened.length > 0) await store.addReadKeys(opened)
  }

  /** Of what an admission brought nothing is kept that is not what its epoch says. */
  async #check(): Promise<void> {
    const { readKeys, roster, record } = this.#parts.store
    for (const { epoch, key } of readKeys.all()) {
      const claim = this.#checked.has(epoch) ? undefined : roster.membership.get(epoch)?.claim
      if (claim?.type !== 'Epoch') continue
      if (equalBytes(commitmentOf(record.spaceKey, key), claim.commitment)) this.#checked.add(epoch)
      else await this.#parts.store.dropReadKey(epoch)
    }
  }

  async #issue(): Promise<string | undefined> {
    const { store, keyring } = this.#parts
    const epoch = await createEpoch(this.#parts, [])
    if (epoch === undefined) return undefined
    const writes = store.readKeys.stage(epoch.readKey)
    await store.append(keyring, store.record.controlFeedKey, [epoch.credential.encoded], writes)
    return epoch.credential.id
  }
}
