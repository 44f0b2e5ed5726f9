import type { RefusalCode } from '../protocol/messages.ts'
import {
  effectiveLife,
  type HostEffect,
  type HostLife,
  type HostRecord,
  type HostSession,
  type HostState,
  isEndedLife,
  type SessionId,
  type StoreIntent,
} from './host-state.ts'

/** The next state while it is being made; never leaves `hostStep`. Here is what its transitions ask and do. */
export interface Draft extends Omit<HostState, 'sessions' | 'intents'> {
  record: HostRecord
  elsewhere: HostState['elsewhere']
  admitted: ReadonlySet<string>
  declined: ReadonlySet<string>
  sessions: Map<SessionId, HostSession>
  reserved: SessionId | undefined
  closing: HostState['closing']
  storing: HostState['storing']
  intents: StoreIntent[]
  effects: HostEffect[]
}

/** Why a session can't go on as things stand, or `undefined`. */
export function refusalByLife(draft: Draft, session: HostSession): RefusalCode | undefined {
  const life: HostLife = effectiveLife(draft)
  // Whoever is asked about was not admitted before.
  const mayResume = session.resume && session.step !== 'asking'
  if (life === 'OPEN' || (isEndedLife(life) && mayResume)) return undefined
  return life
}

/** All charges are taken and none of them can be given back any more. */
export function isExhausted(draft: Draft): boolean {
  return draft.config.hasCode && draft.record.charged >= allowedHere(draft) && chargesInFlight(draft) === 0
}

/** How many charges there may be here: without those that failed elsewhere, with those for whoever was admitted there. */
export function allowedHere({ config, record, elsewhere }: Draft): number {
  const others = config.multiUse ? Math.max(0, elsewhere.admissions - record.admissions) : 0
  return record.allowed - elsewhere.failed + others
}

/** How many were admitted, as far as is known here. */
export function admissionsOf({ record, elsewhere }: Draft): number {
  return Math.max(record.admissions, elsewhere.admissions)
}

/** Charges in the record whose outcome is open: a guest's is being decided, or it is to be given back. */
export function chargesInFlight(draft: Draft): number {
  const sessions = [...draft.sessions.values()].filter((session) => holdsCharge(draft, session))
  const refunds = [...draft.intents, draft.storing].filter((intent) => intent?.type === 'refund')
  return sessions.length + refunds.length
}

/** Charges that are asked for but not in the record yet. */
export function chargesWanted(draft: Draft): number {
  return [...draft.intents, draft.storing].filter((intent) => intent?.type === 'charge').length
}

/** Whether a charge of this session is in the durable record. */
export function holdsCharge(draft: Draft, { step }: HostSession): boolean {
  if (!draft.config.hasCode) return false
  if (step === 'committing') return !draft.config.approve
  return step === 'comparing' || step === 'matched' || step === 'proving'
}

export function holdsSlot(step: HostSession['step']): boolean {
  return step !== 'greeting' && step !== 'typing' && step !== 'asking'
}

export function isReserved(draft: Draft): boolean {
  return draft.reserved !== undefined
}

/** Whether an answer is awaited (from storage or the driver) that decides this session. */
export function isUnderWay(draft: Draft, id: SessionId, { step }: HostSession): boolean {
  if (step === 'charging' || step === 'committing') return isStoring(draft, id)
  return step === 'comparing' || step === 'proving'
}

export function isStoring(draft: Draft, id: SessionId): boolean {
  const { storing } = draft
  return (storing?.type === 'charge' || storing?.type === 'commit') && storing.session === id
}

/** Refuses (unless that was done), closes, and releases what the session holds. */
export function turnAway(draft: Draft, id: SessionId, code?: RefusalCode): undefined {
  const session = draft.sessions.get(id)
  if (session?.connected) {
    const refusal = code === 'BUSY' ? { code, retryAfterMs: draft.config.retryAfterMs } : code && { code }
    if (refusal !== undefined) draft.effects.push({ type: 'refuse', session: id, refusal, signed: false })
    draft.effects.push({ type: 'close', session: id })
  }
  release(draft, id)
}

/** Ends a session: its reservation is free again, and a charge that was no wrong code is given back. */
export function release(draft: Draft, id: SessionId): undefined {
  const session = draft.sessions.get(id)
  if (session === undefined) return
  if (holdsCharge(draft, session)) draft.intents.push({ type: 'refund' })
  draft.intents = draft.intents.filter(
    (intent) => !((intent.type === 'charge' || intent.type === 'commit') && intent.session === id),
  )
  if (draft.reserved === id) draft.reserved = undefined
  draft.sessions.delete(id)
}

export function move(draft: Draft, id: SessionId, change: Partial<HostSession>): undefined {
  const session = draft.sessions.get(id)
  if (session !== undefined) draft.sessions.set(id, { ...session, ...change })
}

/** The oldest session at a step when one more would be too many. */
export function oldestBeyond(draft: Draft, step: HostSession['step'], max: number): SessionId | undefined {
  const at = [...draft.sessions].filter(([, session]) => session.step === step)
  return at.length >= max ? at[0]?.[0] : undefined
}

export function refusalAtHello(draft: Draft, session: HostSession): RefusalCode | undefined {
  const refused = refusalByLife(draft, session)
  if (refused !== undefined) return refused
  return isExhausted(draft) ? 'LOCKED' : undefined
}

export function store(draft: Draft, intent: StoreIntent, record: HostRecord): true {
  draft.storing = { ...intent, record }
  if (intent.type === 'commit')
    draft.effects.push({ type: 'commit', session: intent.session, identity: intent.identity, record })
  else if (intent.type === 'attempts')
    draft.effects.push({ type: 'tell', failed: record.charged - chargesInFlight(draft) })
  else draft.effects.push({ type: 'write', purpose: intent.type, record })
  return true
}

/** The guest did what no guest does: its session ends, as when its connection is lost. */
export function violation(draft: Draft, id: SessionId): undefined {
  forget(draft, id, 'PROTOCOL_VIOLATION')
}

/** Its connection is gone (or as good as): what can't be stopped goes on without it, all else is released. */
export function leave(draft: Draft, id: SessionId): undefined {
  const session = draft.sessions.get(id)
  if (session === undefined) return
  if (isStoring(draft, id) || session.step === 'comparing') move(draft, id, { connected: false })
  else release(draft, id)
}

export function forget(draft: Draft, id: SessionId, code: RefusalCode): undefined {
  const session = draft.sessions.get(id)
  if (session?.connected)
    draft.effects.push(
      { type: 'refuse', session: id, refusal: { code }, signed: false },
      { type: 'close', session: id },
    )
  leave(draft, id)
}

/** Gives an identity that this invitation has admitted its credentials once more. */
export function answerAgain(draft: Draft, id: SessionId, identity: string): undefined {
  draft.effects.push({ type: 'answer', session: id, identity })
  release(draft, id)
}

export function commit(draft: Draft, id: SessionId, identity: string): undefined {
  move(draft, id, { step: 'committing' })
  draft.intents.push({ type: 'commit', session: id, identity })
}

/** The sessions of an identity about which a person is being asked. */
export function askingAs(draft: Draft, identity: string): SessionId[] {
  return [...draft.sessions].flatMap(([id, one]) =>
    one.step === 'asking' && one.identity === identity ? id : [],
  )
}

/** Asks a person about a guest. Of one peer the newer connection counts. */
export function ask(draft: Draft, id: SessionId): undefined {
  const session = draft.sessions.get(id)
  if (session?.step !== 'refunding' || session.identity === undefined) return
  // It may have been decided about meanwhile, on another connection.
  if (draft.admitted.has(session.identity)) return answerAgain(draft, id, session.identity)
  if (draft.declined.has(session.identity)) return turnAway(draft, id, 'DECLINED')
  const life = effectiveLife(draft)
  if (life !== 'OPEN') return turnAway(draft, id, life)
  const committing = draft.intents.find((one) => one.type === 'commit' && one.identity === session.identity)
  const isStored = draft.storing?.type === 'commit' && draft.storing.identity === session.identity
  if (committing !== undefined || isStored) return commit(draft, id, session.identity)
  const asked = [...draft.sessions].filter(([, { step }]) => step === 'asking')
  const older = asked.find(([, { peer }]) => peer === session.peer)
  if (older !== undefined) turnAway(draft, older[0], 'SUPERSEDED')
  else if (asked.length >= draft.config.maxAsking) return turnAway(draft, id, 'BUSY')
  // Deleted and set again, so that the order is the order in which a person was asked.
  draft.sessions.delete(id)
  draft.sessions.set(id, { ...session, step: 'asking' })
  draft.effects.push({ type: 'waiting', session: id }, { type: 'arm', session: id, deadline: 'person' })
}
