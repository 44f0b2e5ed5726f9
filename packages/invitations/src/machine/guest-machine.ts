import type { InvitationErrorCode } from '../errors.ts'
import type { GuestEffect, GuestEvent, GuestOutcome, GuestState, GuestStepResult } from './guest-state.ts'
import type { SessionId } from './host-state.ts'

/**
 * Every transition of the guest's half of an invitation.
 *
 * Invariants, checked over every reachable state by test/model:
 * - who answers on the topic is nobody until `HK` has signed: it can neither end the acceptance nor ask for a code;
 * - the person is asked before each code, and never again because a connection was lost, unless repeating the
 *   code blindly could hurt;
 * - keys are durable before message 5, the membership before `SUCCESS`;
 * - one of three deadlines is always running until the end, or storage is busy; a state once shown is not taken
 *   back by a connection.
 */
export function guestStep(state: GuestState, event: GuestEvent): GuestStepResult {
  if (state.outcome !== undefined)
    return [state, event.type === 'opened' ? [{ type: 'close', session: event.session }] : []]
  const draft: Draft = { ...state, greeting: new Set(state.greeting), effects: [] }
  transition(draft, event)
  const { effects, ...next } = draft
  return [next, effects]
}

/** The next state while it is being made; never leaves {@link guestStep}. */
type Draft = { -readonly [K in Exclude<keyof GuestState, 'greeting'>]: GuestState[K] } & {
  greeting: Set<SessionId>
  effects: GuestEffect[]
}

function transition(draft: Draft, event: GuestEvent): undefined {
  switch (event.type) {
    case 'started':
      draft.state = 'CONNECTING'
      return void draft.effects.push({ type: 'armSearch' })
    case 'opened':
      return opened(draft, event.session, event.peer)
    case 'offered':
      if (draft.greeting.has(event.session)) return offered(draft, event.session, event.valid)
      return unexpected(draft, event.session)
    case 'code':
      return codeGiven(draft)
    case 'shared':
      if (isAt(draft, event.session, 'sharing')) return shared(draft, event.valid)
      return unexpected(draft, event.session)
    case 'prepared':
      if (draft.storing !== 'keys') return
      draft.storing = undefined
      draft.prepared = true
      return draft.active?.step === 'preparing' ? sendProof(draft) : undefined
    case 'prepareFailed':
      return draft.storing === 'keys' ? finish(draft, 'ERROR', 'STORAGE_FAILED') : undefined
    case 'waiting':
      if (isAt(draft, event.session, 'proving')) return waiting(draft, event.session)
      return unexpected(draft, event.session)
    case 'answered':
      if (isAt(draft, event.session, 'proving') || isAt(draft, event.session, 'waiting'))
        return answered(draft, event.session, event.valid)
      return unexpected(draft, event.session)
    case 'refused':
      return refused(draft, event)
    case 'garbled':
      return unexpected(draft, event.session)
    case 'lost':
      return drop(draft, event.session)
    case 'timedOut':
      draft.effects.push({ type: 'close', session: event.session })
      return drop(draft, event.session)
    case 'personTimedOut':
      return draft.asked ? finish(draft, 'TIMEOUT', 'TIMED_OUT') : undefined
    case 'searchTimedOut':
      if (draft.asked || draft.storing === 'membership') return
      if (draft.refusedBy.size > 0) return finish(draft, 'ERROR', 'NOT_ALLOWED')
      return finish(draft, 'TIMEOUT', 'TIMED_OUT')
    case 'retry':
      return isAt(draft, event.session, 'ready') && !draft.asked ? sendShare(draft) : undefined
    case 'accepted':
      return draft.storing === 'membership' ? finish(draft, 'SUCCESS') : undefined
    case 'acceptFailed':
      return draft.storing === 'membership' ? finish(draft, 'ERROR', event.reason) : undefined
    case 'cancel':
      // What is being stored can't be undone; its outcome is the end.
      return draft.storing === 'membership' ? undefined : finish(draft, 'CANCELLED', 'CANCELLED')
  }
}

function opened(draft: Draft, session: SessionId, peer: string): undefined {
  if (draft.active !== undefined || draft.storing === 'membership' || draft.refusedBy.has(peer))
    return void draft.effects.push({ type: 'close', session })
  draft.greeting.add(session)
  draft.effects.push(
    { type: 'hello', session, resume: draft.resume },
    { type: 'arm', session, deadline: 'machine' },
  )
}

function offered(draft: Draft, session: SessionId, valid: boolean): undefined {
  draft.greeting.delete(session)
  if (!valid) return void draft.effects.push({ type: 'close', session })
  for (const other of draft.greeting) draft.effects.push({ type: 'close', session: other })
  draft.greeting.clear()
  draft.active = { session, step: 'ready', attempt: 1 }
  draft.effects.push({ type: 'disarm', session })
  if (draft.state === 'CONNECTING') {
    draft.state = 'CONNECTED'
    draft.effects.push({ type: 'connected', session })
  }
  if (draft.config.hasCode && !draft.codeHeld) ask(draft)
  else sendShare(draft)
}

/** Asks the person, unless it is being asked already. */
function ask(draft: Draft, attemptsLeft?: number): undefined {
  if (draft.asked) return
  draft.asked = true
  draft.state = 'READY_FOR_AUTHENTICATION'
  draft.effects.push(
    { type: 'disarmSearch' },
    { type: 'armPerson' },
    attemptsLeft === undefined ? { type: 'ask' } : { type: 'ask', attemptsLeft },
  )
}

function codeGiven(draft: Draft): undefined {
  if (!draft.asked) return
  draft.asked = false
  draft.codeHeld = true
  draft.sends = 0
  draft.state = 'AUTHENTICATING'
  draft.effects.push({ type: 'disarmPerson' }, { type: 'armSearch' })
  if (draft.active?.step === 'ready') sendShare(draft)
}

function sendShare(draft: Draft): undefined {
  if (draft.active === undefined) return
  const { session, attempt } = draft.active
  draft.active = { ...draft.active, step: 'sharing' }
  draft.effects.push({ type: 'share', session, attempt }, { type: 'arm', session, deadline: 'machine' })
}

function shared(draft: Draft, valid: boolean): undefined {
  if (!valid) return finish(draft, 'ERROR', 'PROTOCOL_VIOLATION')
  if (draft.prepared) return sendProof(draft)
  if (draft.active === undefined) return
  draft.active = { ...draft.active, step: 'preparing' }
  draft.effects.push({ type: 'disarm', session: draft.active.session })
  // Still under way from a connection that was lost meanwhile: its outcome serves this one too.
  if (draft.storing === 'keys') return
  draft.storing = 'keys'
  draft.effects.push({ type: 'prepare' })
}

function sendProof(draft: Draft): undefined {
  if (draft.active === undefined) return
  const { session } = draft.active
  draft.active = { ...draft.active, step: 'proving' }
  if (draft.codeHeld) draft.sends += 1
  draft.resume = true
  draft.effects.push({ type: 'proof', session }, { type: 'arm', session, deadline: 'machine' })
}

/** A person at the host decides now, so everybody's deadline is a person's. The code was right, and may be sent again. */
function waiting(draft: Draft, session: SessionId): undefined {
  if (draft.active === undefined) return
  draft.active = { ...draft.active, step: 'waiting' }
  draft.sends = 0
  draft.effects.push({ type: 'arm', session, deadline: 'person' }, { type: 'armSearch' })
}

function answered(draft: Draft, session: SessionId, valid: boolean): undefined {
  if (!valid) return finish(draft, 'ERROR', 'ANSWER_INVALID')
  draft.storing = 'membership'
  draft.effects.push({ type: 'disarm', session }, { type: 'disarmSearch' }, { type: 'accept', session })
}

function refused(
  draft: Draft,
  { session, peer, refusal, signed }: Extract<GuestEvent, { type: 'refused' }>,
): undefined {
  const isHost = draft.active?.session === session
  // Anybody can be found on the topic: without the host's signature this is a stranger's word.
  if (!isHost && !(signed && draft.greeting.has(session))) return unexpected(draft, session)
  if (draft.storing === 'membership') return
  const { code } = refusal
  switch (code) {
    case 'WRONG_CODE':
      return isAt(draft, session, 'proving') && draft.config.hasCode
        ? wrongCode(draft, refusal.attemptsLeft)
        : unexpected(draft, session)
    case 'BUSY':
      return busy(draft, session, refusal.retryAfterMs ?? 1_000)
    case 'TIMED_OUT':
      // Nobody decided. Asking again by itself would go on for ever.
      if (isAt(draft, session, 'waiting')) return finish(draft, 'TIMEOUT', code)
      draft.effects.push({ type: 'close', session })
      return drop(draft, session)
    case 'SUPERSEDED':
    case 'HOST_FAILED':
      // Another connection may do better; deadlines bound how long that is tried.
      draft.effects.push({ type: 'close', session })
      return drop(draft, session)
    case 'EXPIRED':
    case 'CANCELLED':
      return finish(draft, code, code)
    case 'PROTOCOL_VIOLATION':
      // Something on the way spoilt this connection; the host may have admitted us all the same.
      return draft.resume ? unexpected(draft, session) : finish(draft, 'ERROR', code)
    case 'NOT_ALLOWED':
      // Of several hosts another may.
      if (draft.refusedBy.size + 1 >= draft.config.hosts) return finish(draft, 'ERROR', code)
      draft.refusedBy = new Set(draft.refusedBy).add(peer)
      draft.effects.push({ type: 'close', session })
      return drop(draft, session)
    case 'REDEEMED':
    case 'LOCKED':
    case 'DECLINED':
    case 'PROOF_INVALID':
    case 'WRONG_GUEST':
    case 'REFUSED':
      return finish(draft, 'ERROR', code)
  }
}

function wrongCode(draft: Draft, attemptsLeft: number | undefined): undefined {
  draft.wrong += 1
  forgetCode(draft)
  if (draft.active === undefined || draft.wrong >= draft.config.attempts)
    return finish(draft, 'ERROR', 'WRONG_CODE')
  const { session, attempt } = draft.active
  draft.active = { session, step: 'ready', attempt: attempt + 1 }
  draft.effects.push({ type: 'disarm', session })
  ask(draft, attemptsLeft)
}

/** All slots are taken: repeat message 3 later. A guest that was typing when it was pushed out comes back by itself. */
function busy(draft: Draft, session: SessionId, afterMs: number): undefined {
  if (draft.active === undefined || !isAt(draft, session, 'sharing')) {
    draft.effects.push({ type: 'close', session })
    return drop(draft, session)
  }
  draft.active = { ...draft.active, step: 'ready' }
  draft.effects.push({ type: 'disarm', session }, { type: 'retryLater', session, afterMs })
}

/** A message that was not due. Of a stranger: not the host. Of the host: this connection is of no more use. */
function unexpected(draft: Draft, session: SessionId): undefined {
  if (!draft.greeting.has(session) && draft.active?.session !== session) return
  if (draft.storing === 'membership') return
  draft.effects.push({ type: 'close', session })
  drop(draft, session)
}

/** A connection is gone. The driver keeps looking for another one. */
function drop(draft: Draft, session: SessionId): undefined {
  draft.greeting.delete(session)
  if (draft.active?.session !== session) return
  draft.active = undefined
  if (draft.storing === 'membership' || !draft.codeHeld || draft.sends < draft.config.blindSends) return
  forgetCode(draft)
  ask(draft)
}

function forgetCode(draft: Draft): undefined {
  draft.codeHeld = false
  draft.effects.push({ type: 'forgetCode' })
}

function finish(draft: Draft, state: GuestOutcome['state'], error?: InvitationErrorCode): undefined {
  const open = [...draft.greeting, ...(draft.active ? [draft.active.session] : [])]
  for (const session of open) draft.effects.push({ type: 'close', session })
  draft.greeting.clear()
  draft.active = undefined
  draft.asked = false
  draft.codeHeld = false
  draft.storing = undefined
  draft.state = state
  draft.outcome = error === undefined ? { state } : { state, error }
  draft.effects.push({ type: 'finished', outcome: draft.outcome })
}

function isAt(draft: Draft, session: SessionId, step: NonNullable<GuestState['active']>['step']): boolean {
  return draft.active?.session === session && draft.active.step === step
}
