import {
  allowedHere,
  answerAgain,
  ask,
  askingAs,
  chargesInFlight,
  chargesWanted,
  commit,
  type Draft,
  forget,
  holdsSlot,
  isExhausted,
  isReserved,
  leave,
  move,
  oldestBeyond,
  refusalAtHello,
  refusalByLife,
  release,
  turnAway,
  violation,
} from './host-draft.ts'
import { end, lockWhenExhausted, shared, tellAttempts, turnAwayByLife } from './host-life.ts'
import {
  type CommitFailure,
  effectiveLife,
  type HostEvent,
  type HostSession,
  type HostState,
  type HostStep,
  type SessionId,
} from './host-state.ts'
import { storeNext } from './host-store.ts'

/**
 * Every transition of the host's half of an invitation (protocol.md, "Rules that the machine enforces").
 *
 * Invariants, checked over every reachable state by test/model:
 * - a code is compared only for a session whose charge is durable, and charges never exceed what is allowed;
 * - of a single-use invitation at most one session is between match and commit, unless a person is asked about each;
 * - a person is asked only about a guest that has proven everything, and whose charge has been given back;
 * - one thing is stored at a time, so each record follows from the durable one before it;
 * - once `closing` is set or the life has ended nothing is committed but what is under way, and the end is
 *   stored (and told) only after that;
 * - whatever a guest sends, at any step, ends at worst its own session.
 */
export function hostStep(state: HostState, event: HostEvent): HostStep {
  const draft: Draft = {
    ...state,
    sessions: new Map(state.sessions),
    intents: [...state.intents],
    effects: [],
  }
  transition(draft, event)
  settle(draft)
  const { effects, ...next } = draft
  return [next, effects]
}

function transition(draft: Draft, event: HostEvent): undefined {
  switch (event.type) {
    case 'started':
      // What a restart left charged nothing gives back.
      return draft.record.charged > 0 ? tellAttempts(draft) : undefined
    case 'opened':
      return opened(draft, event.session, event.peer)
    case 'hello':
    case 'share':
    case 'shareRefused':
    case 'proof':
    case 'garbled':
    case 'lost':
    case 'timedOut':
    case 'compared':
    case 'compareFailed':
    case 'verified':
    case 'unverified':
    case 'approved':
    case 'declined': {
      const session = draft.sessions.get(event.session)
      return session && sessionEvent(draft, event.session, session, event)
    }
    case 'written':
      return written(draft)
    case 'writeFailed':
      return writeFailed(draft)
    case 'committed':
      return committed(draft)
    case 'commitFailed':
      return commitFailed(draft, event.reason)
    case 'shared':
      return shared(draft, event)
    case 'expired':
      return end(draft, 'EXPIRED')
    case 'cancel':
      return end(draft, 'CANCELLED')
    case 'rearm':
      if (effectiveLife(draft) === 'LOCKED' && draft.storing === undefined)
        draft.intents = [{ type: 'rearm' }]
      return
  }
}

type SessionEvent = Exclude<Extract<HostEvent, { session: SessionId }>, { type: 'opened' }>

function sessionEvent(draft: Draft, id: SessionId, session: HostSession, event: SessionEvent): undefined {
  switch (event.type) {
    case 'hello':
      if (session.step !== 'greeting') return violation(draft, id)
      return hello(draft, id, session, event.macValid, event.resume)
    case 'share':
      if (session.step !== 'typing' || event.attempt !== session.attempt) return violation(draft, id)
      return share(draft, id, session)
    case 'proof':
      if (session.step !== 'sharing') return violation(draft, id)
      draft.effects.push({ type: 'disarm', session: id })
      return move(draft, id, { step: 'queued' })
    case 'shareRefused':
    case 'garbled':
      return violation(draft, id)
    case 'lost':
      return leave(draft, id)
    case 'timedOut':
      // Only while the network is waited for is a deadline running.
      if (session.step === 'greeting') return turnAway(draft, id)
      if (session.step === 'typing' || session.step === 'sharing' || session.step === 'asking')
        return turnAway(draft, id, 'TIMED_OUT')
      return
    case 'compared':
      if (session.step === 'comparing') compared(draft, id, session, event.match)
      return
    case 'compareFailed':
      if (session.step !== 'comparing') return
      move(draft, id, { step: 'typing' })
      tellAttempts(draft)
      return turnAway(draft, id, 'HOST_FAILED')
    case 'verified':
      if (session.step === 'proving') verified(draft, id, event.identity)
      return
    case 'unverified':
      if (session.step === 'proving') turnAway(draft, id, event.reason)
      return
    case 'approved':
      if (session.step === 'asking') approve(draft, session.identity)
      return
    case 'declined':
      if (session.step === 'asking') decline(draft, session.identity)
      return
  }
}

function opened(draft: Draft, id: SessionId, peer: string): undefined {
  if (draft.sessions.has(id)) return
  const oldest = oldestBeyond(draft, 'greeting', draft.config.maxGreeting)
  if (oldest !== undefined) turnAway(draft, oldest)
  draft.sessions.set(id, { peer, step: 'greeting', resume: false, attempt: 1, connected: true })
  draft.effects.push({ type: 'arm', session: id, deadline: 'machine' })
}

function hello(
  draft: Draft,
  id: SessionId,
  session: HostSession,
  macValid: boolean,
  resume: boolean,
): undefined {
  // Until the link is proven there is one refusal for everything.
  if (!macValid) return turnAway(draft, id, 'REFUSED')
  const refused = refusalAtHello(draft, { ...session, resume })
  if (refused !== undefined) {
    draft.effects.push({ type: 'refuse', session: id, refusal: { code: refused }, signed: true })
    return turnAway(draft, id)
  }
  const oldest = oldestBeyond(draft, 'typing', draft.config.maxTyping)
  if (oldest !== undefined) turnAway(draft, oldest, 'BUSY')
  // Deleted and set again, so that the order is the order in which guests began to type.
  draft.sessions.delete(id)
  draft.sessions.set(id, { ...session, step: 'typing', resume })
  draft.effects.push({ type: 'offer', session: id }, { type: 'arm', session: id, deadline: 'person' })
}

function share(draft: Draft, id: SessionId, session: HostSession): undefined {
  for (const [other, { peer, step }] of draft.sessions) {
    if (other === id || peer !== session.peer || !holdsSlot(step)) continue
    // One slot for each peer. A connection that is silent gives way to a newer one of the same guest.
    if (step !== 'sharing') return busy(draft, id)
    turnAway(draft, other, 'SUPERSEDED')
  }
  const taken = [...draft.sessions.values()].filter(({ step }) => holdsSlot(step)).length
  if (taken >= draft.config.slots) return busy(draft, id)
  move(draft, id, { step: 'sharing' })
  draft.effects.push(
    { type: 'arm', session: id, deadline: 'machine' },
    { type: 'answerShare', session: id, attempt: session.attempt },
  )
}

/** The guest stays, and may repeat message 3; its deadline runs on. */
function busy(draft: Draft, id: SessionId): undefined {
  const refusal = { code: 'BUSY', retryAfterMs: draft.config.retryAfterMs } as const
  draft.effects.push({ type: 'refuse', session: id, refusal, signed: false })
}

function compared(draft: Draft, id: SessionId, session: HostSession, match: boolean): undefined {
  if (!match) return wrongCode(draft, id, session)
  if (!session.connected) return release(draft, id)
  move(draft, id, { step: 'matched' })
}

function wrongCode(draft: Draft, id: SessionId, session: HostSession): undefined {
  // The charge stays where it is: from here on nothing gives it back.
  move(draft, id, { step: 'typing' })
  if (!draft.config.hasCode) return violation(draft, id)
  tellAttempts(draft)
  if (!session.connected || isExhausted(draft)) return turnAway(draft, id, 'LOCKED')
  const attemptsLeft = allowedHere(draft) - (draft.record.charged - chargesInFlight(draft))
  draft.effects.push({
    type: 'refuse',
    session: id,
    refusal: { code: 'WRONG_CODE', attemptsLeft },
    signed: false,
  })
  if (session.attempt >= draft.config.attempts) return turnAway(draft, id)
  move(draft, id, { step: 'typing', attempt: session.attempt + 1 })
  draft.effects.push({ type: 'arm', session: id, deadline: 'person' })
}

function verified(draft: Draft, id: SessionId, identity: string): undefined {
  if (draft.admitted.has(identity)) return answerAgain(draft, id, identity)
  const life = effectiveLife(draft)
  // Resume opens an ended invitation to those that it admitted, and to nobody else.
  if (life !== 'OPEN') return turnAway(draft, id, life)
  if (!draft.config.approve) return commit(draft, id, identity)
  move(draft, id, { step: 'refunding', identity })
  if (!draft.config.hasCode) return ask(draft, id)
  // The code was right: it must not be charged for as long as a person takes, nor if the answer is no.
  draft.intents.push({ type: 'refund', session: id })
}

/** A decision is about an identity, whatever connections it asks on. */
function approve(draft: Draft, identity: string | undefined): undefined {
  if (identity === undefined) return
  for (const id of askingAs(draft, identity)) {
    draft.effects.push({ type: 'disarm', session: id })
    commit(draft, id, identity)
  }
}

function decline(draft: Draft, identity: string | undefined): undefined {
  if (identity === undefined) return
  draft.declined = new Set(draft.declined).add(identity)
  for (const id of askingAs(draft, identity)) turnAway(draft, id, 'DECLINED')
}

function written(draft: Draft): undefined {
  const done = draft.storing
  if (done === undefined || done.type === 'commit') return
  draft.storing = undefined
  draft.record = done.record
  switch (done.type) {
    case 'refund':
      return done.session === undefined ? undefined : ask(draft, done.session)
    case 'attempts':
      return
    case 'rearm':
      if (draft.closing === 'LOCKED') draft.closing = undefined
      draft.effects.push({ type: 'life', life: 'OPEN' })
      return
    case 'life':
      if (draft.closing === done.record.life) draft.closing = undefined
      draft.effects.push({ type: 'life', life: done.record.life })
      return
    case 'charge': {
      const session = draft.sessions.get(done.session)
      if (session === undefined) return
      move(draft, done.session, { step: 'comparing' })
      // Nothing was compared yet, so a guest that is gone or too late gets its charge back.
      const refused = refusalByLife(draft, session)
      if (!session.connected || refused !== undefined) return turnAway(draft, done.session, refused)
      draft.effects.push({ type: 'compare', session: done.session })
      return
    }
  }
}

function writeFailed(draft: Draft): undefined {
  const failed = draft.storing
  if (failed === undefined || failed.type === 'commit') return
  draft.storing = undefined
  switch (failed.type) {
    case 'charge':
      // No charge, no comparison.
      return forget(draft, failed.session, 'HOST_FAILED')
    case 'attempts':
      // Told with the next one, or after a restart.
      return
    case 'refund':
      // The charge stays: on the safe side, and no reason to fail the guest.
      return failed.session === undefined ? undefined : ask(draft, failed.session)
    case 'life':
    case 'rearm':
      draft.effects.push({ type: 'notStored', purpose: failed.type })
      return
  }
}

function committed(draft: Draft): undefined {
  const done = draft.storing
  if (done?.type !== 'commit') return
  draft.storing = undefined
  draft.record = done.record
  draft.admitted = new Set(draft.admitted).add(done.identity)
  draft.effects.push({ type: 'admitted', identity: done.identity })
  if (draft.sessions.get(done.session)?.connected)
    draft.effects.push({ type: 'answer', session: done.session, identity: done.identity })
  // The charge was given back in the transaction itself, or before a person was asked.
  draft.sessions.delete(done.session)
  for (const id of askingAs(draft, done.identity)) answerAgain(draft, id, done.identity)
  draft.reserved = undefined
  if (done.record.life === 'OPEN') return
  draft.closing = undefined
  draft.intents = draft.intents.filter((intent) => intent.type !== 'life')
  draft.effects.push({ type: 'life', life: done.record.life })
}

function commitFailed(draft: Draft, reason: CommitFailure): undefined {
  const failed = draft.storing
  if (failed?.type !== 'commit') return
  draft.storing = undefined
  if (draft.sessions.get(failed.session)?.connected) turnAway(draft, failed.session, reason)
  else release(draft, failed.session)
}

/** Brings forward whatever the transition made possible, until nothing moves any more. */
function settle(draft: Draft): undefined {
  for (;;) {
    const lifeDecided = lockWhenExhausted(draft)
    turnAwayByLife(draft)
    const moved = grantReservation(draft)
    const begun = beginExaminations(draft)
    const stored = storeNext(draft)
    if (!lifeDecided && !moved && !begun && !stored) return
  }
}

/** Sessions with a right code go on to have their request verified; of a single-use invitation one at a time. */
function grantReservation(draft: Draft): boolean {
  let moved = false
  for (const [id, session] of draft.sessions) {
    if (session.step !== 'matched' || isReserved(draft)) continue
    const { multiUse, approve } = draft.config
    if (!multiUse && !approve && effectiveLife(draft) === 'OPEN') draft.reserved = id
    move(draft, id, { step: 'proving' })
    draft.effects.push({ type: 'verify', session: id })
    moved = true
  }
  return moved
}

function beginExaminations(draft: Draft): boolean {
  let begun = false
  for (const [id, session] of draft.sessions) {
    if (session.step !== 'queued' || isReserved(draft)) continue
    if (!draft.config.hasCode) {
      move(draft, id, { step: 'comparing' })
      draft.effects.push({ type: 'compare', session: id })
    } else if (draft.record.charged + chargesWanted(draft) < allowedHere(draft)) {
      move(draft, id, { step: 'charging' })
      draft.intents.push({ type: 'charge', session: id })
    } else if (isExhausted(draft)) turnAway(draft, id, 'LOCKED')
    // The budget is taken by guests whose outcome is open: this one waits for it.
    else continue
    begun = true
  }
  return begun
}
