import { Redacted } from '@vestibule/keys'
import type { Channel, SwarmConnection } from '@vestibule/network'
import { SpaceError, StorageError } from '@vestibule/space'
import { InvitationError } from '../errors.ts'
import type { InvitationFields } from '../invitation.ts'
import type { GuestKind } from '../kind/kind.ts'
import { normaliseCode } from '../link/codes.ts'
import type { InvitationLink } from '../link/link.ts'
import { deriveLinkKeys, type LinkKeys } from '../link/link-keys.ts'
import { guestStep } from '../machine/guest-machine.ts'
import {
  type GuestEffect,
  type GuestEvent,
  type GuestOutcome,
  type GuestState,
  guestConfig,
  guestState,
} from '../machine/guest-state.ts'
import type { SessionId } from '../machine/host-state.ts'
import type { AuthenticatingInvitationProvider } from '../observable.ts'
import type { HostMessage } from '../protocol/messages.ts'
import { recordKeys } from '../records.ts'
import { Deadlines } from './deadlines.ts'
import { GuestSession } from './guest-session.ts'
import { MACHINE_MS, type Parts } from './parts.ts'

/** Accepts one invitation: performs the effects of the guest's machine, and owns its timers and connections. */
export class GuestDriver {
  readonly #parts: Parts
  readonly #kind: GuestKind
  readonly #link: InvitationLink
  readonly #keys: LinkKeys
  readonly #timeoutMs: number
  readonly #observable: AuthenticatingInvitationProvider
  readonly #deadlines: Deadlines
  readonly #sessions = new Map<SessionId, GuestSession>()
  /** Sessions that were left because their other end is not the host. */
  readonly #strangers = new Set<SessionId>()
  readonly #finished = Promise.withResolvers<void>()
  #state: GuestState
  #swarm: SwarmConnection | undefined
  #making: Promise<boolean> | undefined
  #code: Redacted<string> | undefined
  /** What has been learnt of the invitation since its link. */
  #known: Partial<InvitationFields> = {}
  #nextSession = 1

  constructor(
    parts: Parts,
    kind: GuestKind,
    link: InvitationLink,
    timeoutMs: number,
    observable: AuthenticatingInvitationProvider,
  ) {
    this.#parts = parts
    this.#kind = kind
    this.#link = link
    this.#keys = deriveLinkKeys(link.secret)
    this.#timeoutMs = timeoutMs
    this.#observable = observable
    this.#deadlines = new Deadlines(parts.clock)
    const hasCode = link.authMethod === 'SHARED_SECRET'
    this.#state = guestState(guestConfig({ hasCode, isDelegated: link.type === 'DELEGATED' }))
  }

  /** Begins to look for the host, with the keys of an earlier try if there was one. */
  async start(): Promise<void> {
    const stored = await this.#parts.storage.get(recordKeys.acceptance(this.#keys.invitationId))
    if (this.#state.outcome !== undefined) return
    if (stored !== undefined) {
      this.#kind.resume(stored)
      this.#state = guestState(this.#state.config, { resume: true })
    }
    this.#dispatch({ type: 'started' })
    await this.#search()
  }

  async #search(): Promise<void> {
    const swarm = await this.#parts.networkManager.joinSwarm({
      topic: this.#keys.topic,
      topology: 'guest',
      addresses: this.#link.hosts,
      relays: this.#link.relays,
      protocolProvider: (channel, { signal }) => this.#serve(channel, signal),
    })
    this.#swarm = swarm
    if (this.#state.outcome !== undefined) await swarm.close()
  }

  /**
   * The host was there, and is not. Its swarm gives up on a peer after a few failures in a row, and on one that was
   * turned away while the connection before it still seemed to live; so it is looked for anew while there is time.
   */
  #searchAgainLater(): void {
    this.#deadlines.arm('search again', MACHINE_MS, () => {
      const { active, greeting } = this.#state
      if (active !== undefined) return
      this.#searchAgainLater()
      if (greeting.size > 0) return
      const old = this.#swarm
      const again = async (): Promise<void> => {
        await old?.close()
        if (this.#state.outcome === undefined && this.#swarm === old) await this.#search()
      }
      // A network that was stopped meanwhile finds nobody; the deadline of the search says so.
      void again().catch(() => undefined)
    })
  }

  /** @throws InvitationError `CODE_NOT_WANTED` */
  async authenticate(typed: string): Promise<void> {
    if (!this.#state.asked) throw new InvitationError('CODE_NOT_WANTED')
    const code = normaliseCode(typed)
    if (code === '') throw new InvitationError('WRONG_CODE')
    this.#code = new Redacted(code)
    this.#dispatch({ type: 'code' })
  }

  /** Resolves when it is over; a membership that is being stored meanwhile is kept. */
  cancel(): Promise<void> {
    this.#dispatch({ type: 'cancel' })
    return this.#finished.promise
  }

  async #serve(channel: Channel, signal: AbortSignal): Promise<void> {
    const session = new GuestSession(`s${this.#nextSession++}`, channel, {
      link: this.#link,
      keys: this.#keys,
      random: this.#parts.random,
    })
    const { id } = session
    this.#sessions.set(id, session)
    this.#dispatch({ type: 'opened', session: id, peer: channel.remotePeer })
    try {
      for (;;) this.#dispatch(await this.#eventOf(session, await session.read(signal)))
    } catch (error) {
      const garbled = error instanceof InvitationError && error.code === 'PROTOCOL_VIOLATION'
      this.#dispatch({ type: garbled ? 'garbled' : 'lost', session: id })
      // The swarm dials again whoever its provider failed with, and nobody else: the host has to be found again
      // when it turned this guest away for now. A stranger need not be, nor a host that has said all that it has to say.
      if (this.#state.outcome === undefined && this.#state.storing !== 'membership') {
        if (session.preview !== undefined) this.#searchAgainLater()
        if (!this.#strangers.has(id)) throw error
      }
    } finally {
      this.#sessions.delete(id)
      this.#strangers.delete(id)
    }
  }

  async #eventOf(session: GuestSession, read: HostMessage): Promise<GuestEvent> {
    const { id } = session
    switch (read.type) {
      case 'offer':
        return { type: 'offered', session: id, valid: await session.acceptsOffer(read) }
      case 'share':
        return { type: 'shared', session: id, valid: session.acceptsShare(read.share) }
      case 'waiting':
        return { type: 'waiting', session: id }
      case 'admitted':
        return {
          type: 'answered',
          session: id,
          valid: await session.acceptsAnswer(read, (answer) => this.#kind.read(answer)),
        }
      case 'refused':
        return {
          type: 'refused',
          session: id,
          peer: session.channel.remotePeer,
          refusal: read,
          signed: await session.isSigned(read),
        }
    }
  }

  #dispatch(event: GuestEvent): void {
    const [state, effects] = guestStep(this.#state, event)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
    this.#publish()
  }

  #perform(effect: GuestEffect): void {
    switch (effect.type) {
      case 'hello':
        // Message 5 waits for it; until then there are two round trips, or a person who types.
        void this.#makeKeys()
        return this.#with(effect.session, (session) => session.hello(effect.resume))
      case 'connected':
        this.#known = { ...this.#known, ...this.#preview(effect.session) }
        return
      case 'ask':
        if (effect.attemptsLeft !== undefined)
          this.#known = { ...this.#known, attemptsLeft: effect.attemptsLeft }
        return
      case 'forgetCode':
        this.#code = undefined
        return
      case 'share':
        return this.#with(effect.session, (session) => session.share(effect.attempt, this.#code))
      case 'prepare':
        return this.#run(() => this.#prepare())
      case 'proof':
        return this.#with(effect.session, (session) => session.prove((th2) => this.#kind.request(th2)))
      case 'accept':
        return this.#run(() => this.#accept(effect.session))
      case 'retryLater':
        return this.#deadlines.arm(`retry ${effect.session}`, effect.afterMs, () =>
          this.#dispatch({ type: 'retry', session: effect.session }),
        )
      case 'close':
        this.#deadlines.disarm(effect.session)
        this.#deadlines.disarm(`retry ${effect.session}`)
        return this.#leave(effect.session)
      case 'arm':
        return this.#deadlines.arm(
          effect.session,
          effect.deadline === 'person' ? this.#timeoutMs : MACHINE_MS,
          () => this.#dispatch({ type: 'timedOut', session: effect.session }),
        )
      case 'disarm':
        return this.#deadlines.disarm(effect.session)
      case 'armPerson':
        return this.#deadlines.arm('person', this.#timeoutMs, () =>
          this.#dispatch({ type: 'personTimedOut' }),
        )
      case 'disarmPerson':
        return this.#deadlines.disarm('person')
      case 'armSearch':
        return this.#deadlines.arm('search', this.#timeoutMs, () =>
          this.#dispatch({ type: 'searchTimedOut' }),
        )
      case 'disarmSearch':
        return this.#deadlines.disarm('search')
      case 'finished':
        return this.#finish(effect.outcome)
    }
  }

  #preview(id: SessionId): Partial<InvitationFields> {
    const preview = this.#sessions.get(id)?.preview
    return preview === undefined ? {} : this.#kind.shown(preview)
  }

  #leave(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    // Left before it was proven to be the host, though there is none yet: it said something that no host says.
    if (session.preview === undefined && this.#state.active === undefined) this.#strangers.add(id)
    void session.channel.close()
  }

  /** The guest's keys and this acceptance, durable: whatever happens from here on, a second try uses the same. */
  async #prepare(): Promise<GuestEvent> {
    return (await this.#makeKeys()) ? { type: 'prepared' } : { type: 'prepareFailed' }
  }

  /** Made once, however often it is asked for; a failure is not kept. */
  #makeKeys(): Promise<boolean> {
    this.#making ??= this.#storeKeys().then(
      () => true,
      () => {
        this.#making = undefined
        return false
      },
    )
    return this.#making
  }

  async #storeKeys(): Promise<void> {
    const value = await this.#kind.prepare()
    await this.#parts.storage.transact([{ key: recordKeys.acceptance(this.#keys.invitationId), value }])
  }

  async #accept(id: SessionId): Promise<GuestEvent> {
    const session = this.#sessions.get(id)
    const { membership, preview } = session ?? {}
    if (session === undefined || membership === undefined || preview === undefined)
      return { type: 'acceptFailed', reason: 'ANSWER_INVALID' }
    try {
      const joined = await membership.store({
        role: preview.role,
        addresses: [...this.#link.hosts, `/p2p/${session.channel.remotePeer}`],
        alsoWrite: [{ key: recordKeys.acceptance(this.#keys.invitationId), value: undefined }],
      })
      this.#known = { ...this.#known, ...joined }
      return { type: 'accepted' }
    } catch (error) {
      const invalid = error instanceof SpaceError && !(error instanceof StorageError)
      return { type: 'acceptFailed', reason: invalid ? 'ANSWER_INVALID' : 'STORAGE_FAILED' }
    }
  }

  #finish({ state, error }: GuestOutcome): void {
    this.#deadlines.disarmAll()
    this.#code = undefined
    this.#observable.update(
      this.#observable.invitation.with({
        ...this.#known,
        state,
        ...(this.#observable.invitation.waiting && { waiting: false }),
      }),
      error === undefined ? undefined : new InvitationError(error),
    )
    // Before message 5 the host has not heard of these keys: nothing can come of them any more.
    const forgotten = state === 'SUCCESS' || this.#state.resume ? undefined : this.#forgetKeys()
    this.#finished.resolve(Promise.all([this.#swarm?.close(), forgotten]).then(() => undefined))
  }

  async #forgetKeys(): Promise<void> {
    if ((await this.#making) !== true) return
    try {
      const key = recordKeys.acceptance(this.#keys.invitationId)
      await this.#parts.storage.transact([{ key, value: undefined }])
      await this.#kind.discard()
    } catch {
      // A failing storage has been told already; what stays behind is used by the next try.
    }
  }

  /** Shows the application where the acceptance is, when that has changed. */
  #publish(): void {
    const { invitation } = this.#observable
    const { state, outcome, active } = this.#state
    const waiting = active?.step === 'waiting'
    if (outcome !== undefined || (state === invitation.state && waiting === (invitation.waiting ?? false)))
      return
    this.#observable.update(
      invitation.with({ ...this.#known, state, ...(waiting !== invitation.waiting && { waiting }) }),
    )
  }

  /** Sends something on a session; a channel that has ended is noticed by whoever reads it. */
  #with(id: SessionId, task: (session: GuestSession) => Promise<void>): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    task(session).catch((error: unknown) => {
      session.channel.abort(error instanceof Error ? error : new Error('the session failed'))
    })
  }

  #run(task: () => Promise<GuestEvent>): void {
    void task().then((event) => this.#dispatch(event))
  }
}
