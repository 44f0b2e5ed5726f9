import type { PublicKey, Redacted } from '@vestibule/keys'
import type { Channel, SwarmConnection } from '@vestibule/network'
import { SpaceError } from '@vestibule/space'
import { InvitationError } from '../errors.ts'
import type { Invitation } from '../invitation.ts'
import type { HostKind } from '../kind/kind.ts'
import { deriveLinkKeys, type LinkKeys } from '../link/link-keys.ts'
import { hostStep } from '../machine/host-machine.ts'
import {
  asking,
  effectiveLife,
  type HostEffect,
  type HostEvent,
  type HostRecord,
  type HostState,
  hostConfig,
  hostState,
  isEndedLife,
  type SessionId,
} from '../machine/host-state.ts'
import type { CancellableInvitationObservable } from '../observable.ts'
import { RESUME_MS, type StoredInvitation } from '../records.ts'
import { Deadlines } from './deadlines.ts'
import { HostFace } from './host-face.ts'
import { HostKeeper } from './host-keeper.ts'
import { HostSession } from './host-session.ts'
import { MACHINE_MS, type Parts } from './parts.ts'

/** More than the machine keeps waiting, which turns away the oldest by itself. */
const MAX_CONNECTIONS = 2048

/** Serves one invitation: performs the effects of the host's machine, and owns its timers and connections. */
export class HostDriver {
  readonly #parts: Parts
  readonly #kind: HostKind
  readonly #face: HostFace
  readonly #keys: LinkKeys
  readonly #deadlines: Deadlines
  readonly #sessions = new Map<SessionId, HostSession>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #keeper: HostKeeper
  #state: HostState
  #swarm: SwarmConnection | undefined
  #nextSession = 1
  #expired = false
  #looksAgain = false
  #closed = false
  #stopSharing: (() => void) | undefined
  #stopListening: () => void = () => {}

  constructor(
    parts: Parts,
    kind: HostKind,
    stored: StoredInvitation,
    admitted: Iterable<PublicKey>,
    observable: CancellableInvitationObservable,
  ) {
    this.#parts = parts
    this.#kind = kind
    this.#keeper = new HostKeeper(parts, kind, stored, admitted)
    this.#face = new HostFace(observable)
    this.#keys = deriveLinkKeys(stored.link.secret)
    this.#deadlines = new Deadlines(parts.clock)
    const { link, code, approve, uses } = stored
    const { multiUse } = link
    const shared = kind.shared !== undefined
    const config = hostConfig({ multiUse, uses, hasCode: code !== undefined, approve, shared })
    this.#state = hostState(config, stored.progress, [...this.#keeper.admittedBy].map(String))
  }

  /** Begins to serve. The record has to be durable. */
  async start(): Promise<void> {
    const { networkManager, clock } = this.#parts
    const { link } = this.stored
    this.#deadlines.arm('expiry', link.expiresAtMs - clock.now(), () => this.#checkExpiry())
    this.#deadlines.arm('resume', link.expiresAtMs + RESUME_MS - clock.now(), () => void this.close())
    this.#dispatch({ type: 'started' })
    this.#stopSharing = this.#kind.shared?.onChange(() => this.#lookAtShared())
    this.#lookAtShared()
    this.#swarm = await networkManager.joinSwarm({
      topic: this.#keys.topic,
      topology: 'host',
      relays: link.relays,
      maxPeers: MAX_CONNECTIONS,
      protocolProvider: (channel, { signal }) => this.#serve(channel, signal),
    })
    this.#publish()
    if (!link.multiUse) return
    this.#stopListening = this.#kind.onRemovals(() => this.#checkRemovals())
    this.#checkRemovals()
  }

  #lookAtShared(): void {
    const standing = this.#kind.shared?.standing()
    if (standing === undefined || this.#closed) return
    this.#dispatch({ type: 'shared', ...standing, admitted: standing.admitted.map(String) })
  }

  /** A link for many that let somebody in who was removed since is not to be trusted any more. */
  #checkRemovals(): void {
    // What can't be stored now is made up for at the next start.
    if ([...this.#keeper.admittedBy].some((key) => this.#kind.isRemoved(key)))
      void this.cancel().catch(() => undefined)
  }

  /** Resolves when the end is durable; see `InvitationObservable.cancel`. */
  cancel(): Promise<void> {
    if (isEndedLife(this.#state.record.life)) return Promise.resolve()
    const ended = this.#face.untilEnded()
    this.#keeper.callsOff = true
    this.#dispatch({ type: 'cancel' })
    return ended
  }

  /** A person's yes or no to one of `invitation.requests`. @returns whether it was still asking */
  decide(id: SessionId, yes: boolean): boolean {
    if (!asking(this.#state).includes(id)) return false
    this.#dispatch({ type: yes ? 'approved' : 'declined', session: id })
    return true
  }

  get invitation(): Invitation {
    return this.#face.invitation
  }

  get observable(): CancellableInvitationObservable {
    return this.#face.observable
  }

  /** What is stored of it. */
  get stored(): StoredInvitation {
    return this.#keeper.stored
  }

  /** Whether it waits for a new code: durably locked, with nothing decided after that. */
  get isLocked(): boolean {
    const { record, storing } = this.#state
    return record.life === 'LOCKED' && effectiveLife(this.#state) === 'LOCKED' && storing === undefined
  }

  /**
   * Opens it again with a new code, once that is durable; from then on it shows itself in this observable. Only
   * while {@link isLocked}.
   * @throws InvitationError `STORAGE_FAILED`; it stays locked
   */
  rearm(code: Redacted<string>, observable: CancellableInvitationObservable): Promise<void> {
    const rearmed = this.#face.untilRearmed(code, observable)
    this.#dispatch({ type: 'rearm' })
    return rearmed
  }

  /** Stops serving; the invitation itself goes on after a restart. What is being sent or stored is finished. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopListening()
    this.#stopSharing?.()
    this.#deadlines.disarmAll()
    // A guest that takes nothing off the line must not hold this up for ever.
    this.#deadlines.arm('close', MACHINE_MS, () => void this.#swarm?.close())
    await this.#idle()
    await this.#swarm?.close()
    await this.#idle()
    this.#deadlines.disarmAll()
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    await Promise.allSettled([...this.#sessions.values()].map((session) => session.work))
  }

  async #serve(channel: Channel, signal: AbortSignal): Promise<void> {
    const { link } = this.stored
    const session = new HostSession(`s${this.#nextSession++}`, channel, {
      link,
      keys: this.#keys,
      code: () => this.stored.code,
      keyring: this.#parts.keyring,
      preview: this.#kind.preview(),
      random: this.#parts.random,
    })
    const { id } = session
    this.#sessions.set(id, session)
    this.#dispatch({ type: 'opened', session: id, peer: channel.remotePeer })
    try {
      for (;;) this.#received(session, await session.read(signal))
    } catch (error) {
      const garbled = error instanceof InvitationError && error.code === 'PROTOCOL_VIOLATION'
      this.#dispatch({ type: garbled ? 'garbled' : 'lost', session: id })
    } finally {
      await session.work
      this.#sessions.delete(id)
    }
  }

  #received(session: HostSession, read: Awaited<ReturnType<HostSession['read']>>): void {
    const { id } = session
    switch (read.type) {
      case 'hello':
        return this.#dispatch({
          type: 'hello',
          session: id,
          macValid: session.provesLink(read),
          resume: read.resume,
        })
      case 'share':
        return this.#dispatch({ type: 'share', session: id, attempt: read.attempt })
      case 'proof':
        return this.#dispatch({ type: 'proof', session: id })
    }
  }

  /** The host's clock decides, so it is asked before anything else happens. */
  #dispatch(event: HostEvent): void {
    this.#checkExpiry()
    if (this.#looksAgain) {
      this.#looksAgain = false
      this.#lookAtShared()
    }
    this.#step(event)
  }

  #checkExpiry(): void {
    if (this.#expired || this.#parts.clock.now() < this.stored.link.expiresAtMs) return
    this.#expired = true
    this.#step({ type: 'expired' })
  }

  #step(event: HostEvent): void {
    const [state, effects] = hostStep(this.#state, event)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
    this.#publish()
  }

  #perform(effect: HostEffect): void {
    switch (effect.type) {
      case 'offer':
        return this.#enqueue(effect.session, (session) => session.offer())
      case 'answerShare':
        return this.#enqueue(effect.session, async (session) => {
          if (!(await session.answerShare(effect.attempt)))
            this.#later({ type: 'shareRefused', session: session.id })
        })
      case 'refuse':
        return this.#enqueue(effect.session, (session) => session.refuse(effect.refusal, effect.signed))
      case 'close':
        this.#deadlines.disarm(effect.session)
        return this.#enqueue(effect.session, (session) => session.channel.close())
      case 'answer':
        this.#deadlines.disarm(effect.session)
        return this.#enqueue(effect.session, (session) => this.#answer(session))
      case 'arm': {
        const afterMs = effect.deadline === 'person' ? this.stored.timeoutMs : MACHINE_MS
        const passed = () => this.#dispatch({ type: 'timedOut', session: effect.session })
        return this.#deadlines.arm(effect.session, afterMs, passed)
      }
      case 'disarm':
        return this.#deadlines.disarm(effect.session)
      case 'write':
        return this.#run(() =>
          this.#write(effect.record, effect.purpose === 'rearm' ? this.#face.newCode : undefined),
        )
      case 'tell':
        return this.#run(() => this.#tell(effect.failed))
      case 'compare':
        return this.#run(async () => this.#compare(effect.session))
      case 'verify':
        return this.#with(effect.session, (session) => this.#verify(session))
      case 'waiting':
        return this.#enqueue(effect.session, (session) => session.send({ type: 'waiting' }))
      case 'commit':
        return this.#run(() => this.#commit(effect.session, effect.record))
      case 'admitted':
        if (this.stored.link.multiUse) this.#face.admitted()
        return
      case 'life':
        if (isEndedLife(effect.life)) this.#face.ended()
        return
      case 'notStored':
        // Asked again at the next event, if it was the expiry that could not be stored, or what was heard of others.
        this.#expired = false
        this.#looksAgain = true
        this.#face.notStored()
        return
    }
  }

  async #write(record: HostRecord, newCode?: Redacted<string>): Promise<HostEvent> {
    if (!(await this.#keeper.write(record, newCode))) return { type: 'writeFailed' }
    if (newCode !== undefined) this.#face.rearmed()
    return { type: 'written' }
  }

  async #tell(failed: number): Promise<HostEvent> {
    return { type: (await this.#keeper.tell(failed)) ? 'written' : 'writeFailed' }
  }

  #compare(id: SessionId): HostEvent {
    const session = this.#sessions.get(id)
    try {
      if (session !== undefined) return { type: 'compared', session: id, match: session.compare() }
    } catch (error) {
      reportLater(error)
    }
    return { type: 'compareFailed', session: id }
  }

  async #verify(session: HostSession): Promise<HostEvent> {
    const verdict = await session.verify(this.#kind).catch((error: unknown) => {
      if (error instanceof InvitationError) return 'PROTOCOL_VIOLATION' as const
      throw error
    })
    const { id, applicant } = session
    if (verdict === 'verified' && applicant !== undefined)
      return { type: 'verified', session: id, identity: String(applicant.key) }
    return { type: 'unverified', session: id, reason: verdict === 'verified' ? 'PROOF_INVALID' : verdict }
  }

  async #commit(id: SessionId, record: HostRecord): Promise<HostEvent> {
    const session = this.#sessions.get(id)
    const applicant = session?.applicant
    if (session === undefined || applicant === undefined)
      return { type: 'commitFailed', reason: 'HOST_FAILED' }
    const outcome = await this.#keeper.commit(applicant, record)
    if (!(outcome instanceof Uint8Array)) return { type: 'commitFailed', reason: outcome }
    session.admission = outcome
    return { type: 'committed' }
  }

  /** After the commit, or once more for a guest whose answer was lost. */
  async #answer(session: HostSession): Promise<void> {
    const { applicant } = session
    if (applicant === undefined) return
    try {
      session.admission ??= await applicant.admit()
      await session.answer(session.admission)
    } catch (error) {
      // It was admitted with other keys than it has now: nothing here can make it a member of this device.
      if (!(error instanceof SpaceError)) throw error
      await session.refuse({ code: this.#keeper.refusalOf(applicant) }, false)
    }
    await session.channel.close()
  }

  #publish(): void {
    if (this.#swarm === undefined) return
    this.#face.show(this.stored, this.#state, (id) => this.#sessions.get(id)?.request)
  }

  #enqueue(id: SessionId, task: (session: HostSession) => Promise<void>): void {
    const session = this.#sessions.get(id)
    session?.enqueue(() => task(session))
  }

  #with(id: SessionId, task: (session: HostSession) => Promise<HostEvent>): void {
    this.#run(async () => {
      const session = this.#sessions.get(id)
      try {
        if (session !== undefined) return await task(session)
      } catch (error) {
        // A fault of ours: it ends this guest's session, and the application hears of it like of any other.
        session?.channel.abort(error instanceof Error ? error : new Error('the session failed'))
        reportLater(error)
      }
      return { type: 'lost', session: id }
    })
  }

  /** Performs something whose outcome is an event. */
  #run(task: () => Promise<HostEvent>): void {
    const running = task().then((event) => this.#dispatch(event))
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  #later(event: HostEvent): void {
    this.#run(async () => event)
  }
}

/** Like an exception in an event listener: it stops nothing here, and is not lost. */
function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
