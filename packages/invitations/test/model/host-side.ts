import { hostStep } from '../../src/machine/host-machine.ts'
import {
  asking,
  effectiveLife,
  type HostConfig,
  type HostEffect,
  type HostEvent,
  type HostRecord,
  type HostState,
  type HostStep,
  hostState,
  isEndedLife,
  type SessionId,
  usesOf,
} from '../../src/machine/host-state.ts'
import type { Refusal } from '../../src/protocol/messages.ts'

export type StepHost = (state: HostState, event: HostEvent) => HostStep

/** What a host sends, as far as machines look at it. */
export type ToGuest =
  | { readonly type: 'offer' }
  | { readonly type: 'share' }
  | { readonly type: 'refused'; readonly refusal: Refusal; readonly signed: boolean }
  | { readonly type: 'waiting' }
  | { readonly type: 'answer'; readonly identity: string }
  | { readonly type: 'end' }

/** Message 5, as the model knows it. */
export interface Proof {
  readonly right: boolean
  /** The identity whose keys signed; undefined when a proof does not hold. */
  readonly identity: string | undefined
  /** Why it does not. */
  readonly reason?: 'PROOF_INVALID' | 'WRONG_GUEST'
}

/** The host's driver and its storage, with everything that the laws need to remember. */
export interface HostSide {
  readonly machine: HostState
  /** What survives a crash. */
  readonly record: HostRecord
  readonly admitted: readonly string[]
  /** The one thing that is being stored. */
  readonly storing: Extract<HostEffect, { type: 'write' | 'commit' | 'tell' }> | undefined
  readonly comparing: readonly SessionId[]
  readonly verifying: readonly SessionId[]
  readonly proofs: ReadonlyMap<SessionId, Proof>
  /** Sessions with a deadline running. */
  readonly armed: ReadonlySet<SessionId>
  /** Sessions whose code was compared and found right. */
  readonly matched: ReadonlySet<SessionId>
  /** Sessions whose charge was given back, so that a person could be asked. */
  readonly asked: ReadonlySet<SessionId>
  /** Identities to which a person said yes. */
  readonly approved: ReadonlySet<string>
  readonly wrongCompared: number
  /** Charges that a crash or a failing disk made permanent. */
  readonly burnt: number
  /** How many failed attempts others were told of. */
  readonly told: number
  /** An end was told to the application. */
  readonly acknowledged: boolean
  readonly broken: string | undefined
}

export interface HostModel {
  readonly config: HostConfig
  readonly step: StepHost
  /** The driver's own answers (comparison, verification) come at once; otherwise anything may come between. */
  readonly prompt: boolean
  /** What a write puts into storage, where a seeded defect changes that. */
  readonly store?: (effect: Extract<HostEffect, { type: 'write' | 'commit' }>) => HostRecord
}

export const theHost = (config: HostConfig, changes: Partial<HostModel> = {}): HostModel => ({
  config,
  step: hostStep,
  prompt: true,
  ...changes,
})

export interface Heard {
  readonly side: HostSide
  readonly sent: readonly (readonly [SessionId, ToGuest])[]
}

export function newHostSide(model: HostModel): HostSide {
  const machine = hostState(model.config)
  return {
    machine,
    record: machine.record,
    admitted: [],
    storing: undefined,
    comparing: [],
    verifying: [],
    proofs: new Map(),
    armed: new Set(),
    matched: new Set(),
    asked: new Set(),
    approved: new Set(),
    wrongCompared: 0,
    burnt: 0,
    told: 0,
    acknowledged: false,
    broken: undefined,
  }
}

type Mutable = { -readonly [K in keyof HostSide]: HostSide[K] }

/** One event into the machine, its effects carried out, and the laws that speak about them checked. */
export function hear(model: HostModel, before: HostSide, event: HostEvent, proof?: Proof): Heard {
  const side: Mutable = { ...before }
  const sent: [SessionId, ToGuest][] = []
  if (proof !== undefined && 'session' in event) side.proofs = new Map(side.proofs).set(event.session, proof)
  const [machine, effects] = model.step(side.machine, event)
  side.machine = machine
  for (const effect of effects) perform(model, side, sent, effect)
  if (isEndedLife(before.machine.record.life) && machine.record.life !== before.machine.record.life)
    fail(side, 'law 7: a life that has ended is never left')
  if (asking(machine).some((id) => !side.armed.has(id) || effectiveLife(machine) !== 'OPEN'))
    fail(side, 'law 6: no person is waited for without end')
  const heard = tidy({ side, sent })
  return model.prompt ? answerPromptly(model, heard) : heard
}

function answerPromptly(model: HostModel, heard: Heard): Heard {
  const [comparing] = heard.side.comparing
  const [verifying] = heard.side.verifying
  if (comparing === undefined && verifying === undefined) return heard
  const next =
    comparing !== undefined
      ? compare(model, heard.side, comparing)
      : verify(model, heard.side, verifying ?? '')
  return { side: next.side, sent: [...heard.sent, ...next.sent] }
}

function fail(side: Mutable, law: string): void {
  side.broken ??= law
}

function perform(model: HostModel, side: Mutable, sent: [SessionId, ToGuest][], effect: HostEffect): void {
  switch (effect.type) {
    case 'offer':
      sent.push([effect.session, { type: 'offer' }])
      return
    case 'answerShare':
      sent.push([effect.session, { type: 'share' }])
      return
    case 'refuse':
      sent.push([effect.session, { type: 'refused', refusal: effect.refusal, signed: effect.signed }])
      return
    case 'answer':
      if (!side.admitted.includes(effect.identity))
        fail(side, 'law 3: credentials are sent only to who was admitted')
      sent.push(
        [effect.session, { type: 'answer', identity: effect.identity }],
        [effect.session, { type: 'end' }],
      )
      return forgetSession(side, effect.session)
    case 'close':
      sent.push([effect.session, { type: 'end' }])
      return forgetSession(side, effect.session)
    case 'arm':
      side.armed = new Set(side.armed).add(effect.session)
      return
    case 'disarm':
      side.armed = without(side.armed, effect.session)
      return
    case 'write':
    case 'tell':
    case 'commit':
      if (side.storing !== undefined) fail(side, 'one thing is stored at a time')
      if (effect.type === 'commit') checkCommit(model, side, effect)
      side.storing = effect
      return
    case 'compare': {
      const paid = side.record.charged - side.wrongCompared - side.burnt
      // After a yes the charge is back.
      const isBack = (id: SessionId): boolean =>
        model.config.approve && side.machine.sessions.get(id)?.step === 'committing'
      const open = side.comparing.length + [...side.matched].filter((id) => !isBack(id)).length
      if (model.config.hasCode && paid <= open) fail(side, 'law 1: a charge is durable before its comparison')
      side.comparing = [...side.comparing, effect.session]
      return
    }
    case 'verify': {
      side.verifying = [...side.verifying, effect.session]
      const between = [...side.machine.sessions.values()].filter(
        ({ step }) => step === 'proving' || step === 'committing',
      )
      const { multiUse, approve } = model.config
      if (!multiUse && !approve && effectiveLife(side.machine) === 'OPEN' && between.length > 1)
        fail(side, 'law 2: one guest at a time is between match and commit')
      return
    }
    case 'waiting':
      if (!side.matched.has(effect.session))
        fail(side, 'law 3: a person is asked only about who has proven the code')
      side.matched = without(side.matched, effect.session)
      side.asked = new Set(side.asked).add(effect.session)
      sent.push([effect.session, { type: 'waiting' }])
      return
    case 'life':
      if (side.record.life !== effect.life) fail(side, 'law 4: an end is told only when it is durable')
      if (isEndedLife(effect.life)) side.acknowledged = true
      return
    case 'admitted':
    case 'notStored':
      return
  }
}

function checkCommit(
  { config }: HostModel,
  side: Mutable,
  effect: Extract<HostEffect, { type: 'commit' }>,
): void {
  const proof = side.proofs.get(effect.session)
  const proven = side.matched.has(effect.session) || (config.approve && side.asked.has(effect.session))
  if (!proven || proof?.identity !== effect.identity)
    fail(side, 'law 3: nobody is admitted who did not prove link, code and keys')
  if (config.approve && !side.approved.has(effect.identity))
    fail(side, 'law 3: nobody is admitted without the yes that is asked for')
}

/** A person says yes or no to a session about which it was asked. */
export function decide(model: HostModel, before: HostSide, session: SessionId, yes: boolean): Heard {
  const identity = before.proofs.get(session)?.identity ?? ''
  const side = yes ? { ...before, approved: new Set(before.approved).add(identity) } : before
  return hear(model, side, { type: yes ? 'approved' : 'declined', session })
}

function forgetSession(side: Mutable, session: SessionId): void {
  side.armed = without(side.armed, session)
}

/** Whether this id is free: nobody will hear of its last bearer any more. */
export function isForgotten(side: HostSide, session: SessionId): boolean {
  return (
    !side.machine.sessions.has(session) &&
    !side.comparing.includes(session) &&
    !side.verifying.includes(session)
  )
}

export function compare(model: HostModel, before: HostSide, session: SessionId): Heard {
  const match = before.proofs.get(session)?.right === true
  const side: Mutable = { ...before, comparing: before.comparing.filter((id) => id !== session) }
  if (match) side.matched = new Set(side.matched).add(session)
  else if (model.config.hasCode) {
    side.wrongCompared++
    const budget = model.config.attempts + (model.config.multiUse ? side.admitted.length : 0)
    if (side.wrongCompared > budget) fail(side, 'law 1: no more wrong codes are compared than the budget')
  }
  return hear(model, side, { type: 'compared', session, match })
}

/** The comparison never comes out: its charge is lost. */
export function failCompare(model: HostModel, before: HostSide, session: SessionId): Heard {
  const burnt = before.burnt + (model.config.hasCode ? 1 : 0)
  const side = { ...before, burnt, comparing: before.comparing.filter((id) => id !== session) }
  return hear(model, side, { type: 'compareFailed', session })
}

/** The verification of a request comes out. */
export function verify(model: HostModel, before: HostSide, session: SessionId): Heard {
  const { identity, reason = 'PROOF_INVALID' } = before.proofs.get(session) ?? {}
  const side = { ...before, verifying: before.verifying.filter((id) => id !== session) }
  const event: HostEvent =
    identity === undefined ? { type: 'unverified', session, reason } : { type: 'verified', session, identity }
  return hear(model, side, event)
}

/** What is being stored has become durable; the machine does not know yet. */
export function land(model: HostModel, before: HostSide): HostSide {
  const effect = before.storing
  if (effect === undefined) return before
  if (effect.type === 'tell') return { ...before, told: Math.max(before.told, effect.failed) }
  const side: Mutable = { ...before, record: model.store?.(effect) ?? effect.record }
  if (effect.type === 'write' && effect.purpose === 'rearm') {
    side.wrongCompared = 0
    side.burnt = 0
  }
  if (effect.type === 'commit') {
    if (side.acknowledged) fail(side, 'law 4: after an acknowledged end nobody is newly admitted')
    if (side.admitted.includes(effect.identity)) fail(side, 'law 2: an identity is admitted once')
    side.admitted = [...side.admitted, effect.identity]
    if (side.admitted.length > usesOf(model.config))
      fail(side, 'law 2: an invitation admits no more identities than it has uses')
    const back = model.config.hasCode && !model.config.approve ? 1 : 0
    if (side.record.charged !== before.record.charged - back)
      fail(side, 'law 6: a right code gives its charge back in the transaction of its admission')
  }
  return side
}

/** What was being stored is durable, and the machine hears so. */
export function stored(model: HostModel, before: HostSide): Heard {
  const { type } = before.storing ?? { type: 'write' }
  const side = { ...land(model, before), storing: undefined }
  return hear(model, side, { type: type === 'commit' ? 'committed' : 'written' })
}

export function storeFailed(model: HostModel, before: HostSide): Heard {
  const { storing } = before
  const side: Mutable = { ...before, storing: undefined }
  if (storing?.type === 'commit') return hear(model, side, { type: 'commitFailed', reason: 'HOST_FAILED' })
  if (storing?.type === 'write' && storing.purpose === 'refund') side.burnt++
  return hear(model, side, { type: 'writeFailed' })
}

/** The process dies and starts again from what is durable. Charges whose outcome was open stay charged. */
export function crash(model: HostModel, before: HostSide): HostSide {
  const side: Mutable = {
    ...before,
    machine: hostState(model.config, before.record, before.admitted),
    storing: undefined,
    comparing: [],
    verifying: [],
    proofs: new Map(),
    armed: new Set(),
    matched: new Set(),
    asked: new Set(),
    approved: new Set(),
    burnt: Math.max(0, before.record.charged - before.wrongCompared),
  }
  return hear(model, side, { type: 'started' }).side
}

/** Forgets the proofs of sessions that are over. */
function tidy(heard: Heard): Heard {
  const { machine, proofs, matched } = heard.side
  const live = (id: SessionId): boolean => machine.sessions.has(id)
  const side = {
    ...heard.side,
    proofs: new Map([...proofs].filter(([id]) => isExamined(machine, id) || isAsking(machine, id))),
    matched: new Set([...matched].filter(live)),
    asked: new Set([...heard.side.asked].filter(live)),
  }
  // With nothing under way, every charge is a wrong code, or was lost with a crash.
  const quiet =
    side.storing === undefined && [...machine.sessions.keys()].every((id) => !isExamined(machine, id))
  if (quiet && side.record.charged !== side.wrongCompared + side.burnt)
    return { ...heard, side: { ...side, broken: side.broken ?? 'law 6: only wrong codes stay charged' } }
  return { ...heard, side }
}

/** Message 5 of this session is being dealt with. */
function isExamined({ sessions }: HostState, id: SessionId): boolean {
  const step = sessions.get(id)?.step
  return step !== undefined && !['greeting', 'typing', 'sharing', 'asking'].includes(step)
}

const isAsking = (state: HostState, id: SessionId): boolean => asking(state).includes(id)

const without = <T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> => {
  if (!set.has(item)) return set
  const next = new Set(set)
  next.delete(item)
  return next
}
