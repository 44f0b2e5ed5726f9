import { guestStep } from '../../src/machine/guest-machine.ts'
import {
  type GuestEffect,
  type GuestEvent,
  type GuestState,
  type GuestStepResult,
  guestConfig,
  guestState,
} from '../../src/machine/guest-state.ts'
import type { Model, Move } from './explore.ts'

/** One guest on a topic full of strangers: its other ends send anything at any time, in two connections. */
export interface Strangers {
  readonly machine: GuestState
  /** Deadlines that are running: of sessions, of the person, of the search. */
  readonly running: ReadonlySet<string>
  readonly storing: 'keys' | 'membership' | undefined
  readonly keysDurable: boolean
  readonly member: boolean
  readonly sessions: ReadonlySet<string>
  /** The connection whose other end has shown the host's signature. */
  readonly host: string | undefined
  readonly retries: boolean
  readonly broken: string | undefined
}

export type StepGuest = (state: GuestState, event: GuestEvent) => GuestStepResult

export function strangers(
  rules: { readonly hasCode: boolean; readonly resume?: boolean; readonly isDelegated?: boolean },
  step: StepGuest = guestStep,
): Model<Strangers> {
  const config = { ...guestConfig(rules), attempts: 2 }
  const start: Strangers = {
    machine: guestState(config, { resume: rules.resume === true }),
    running: new Set(),
    storing: undefined,
    keysDurable: false,
    member: false,
    sessions: new Set(),
    host: undefined,
    retries: false,
    broken: undefined,
  }
  return {
    start: tell(step, start, { type: 'started' }),
    key: ({ machine: m, running, sessions, ...rest }) =>
      JSON.stringify([
        { ...m, greeting: [...m.greeting].sort(), refusedBy: [...m.refusedBy].sort() },
        [...running].sort(),
        [...sessions].sort(),
        rest,
      ]),
    broken: (world) => world.broken,
    ended: ({ machine }) => machine.outcome !== undefined,
    moves: (world) => moves(step, world),
  }
}

function moves(step: StepGuest, world: Strangers): Move<Strangers>[] {
  const list: Move<Strangers>[] = []
  const add = (event: GuestEvent, changes: Partial<Strangers> = {}): void => {
    const label = `${event.type} ${JSON.stringify({ ...event, type: undefined })}`
    list.push([label, tell(step, { ...world, ...changes }, event)])
  }
  for (const session of ['a', 'b']) {
    if (!world.sessions.has(session)) {
      add({ type: 'opened', session, peer: session }, { sessions: new Set(world.sessions).add(session) })
      continue
    }
    for (const valid of [true, false]) {
      const known = world.machine.greeting.has(session) && valid ? session : world.host
      add({ type: 'offered', session, valid }, { host: known })
      add({ type: 'shared', session, valid })
      add({ type: 'answered', session, valid })
    }
    add({ type: 'waiting', session })
    add({ type: 'garbled', session })
    for (const code of [
      'EXPIRED',
      'LOCKED',
      'NOT_ALLOWED',
      'BUSY',
      'WRONG_CODE',
      'HOST_FAILED',
      'TIMED_OUT',
      'PROTOCOL_VIOLATION',
    ] as const)
      for (const signed of [true, false])
        add({ type: 'refused', session, peer: session, refusal: { code }, signed })
    add({ type: 'lost', session }, without(world, session))
    if (world.running.has(session))
      add({ type: 'timedOut', session }, { running: less(world.running, session) })
    if (world.retries) add({ type: 'retry', session }, { retries: false })
  }
  add({ type: 'code' })
  add({ type: 'cancel' })
  if (world.running.has('person')) add({ type: 'personTimedOut' }, { running: less(world.running, 'person') })
  if (world.running.has('search')) add({ type: 'searchTimedOut' }, { running: less(world.running, 'search') })
  if (world.storing === 'keys') {
    add({ type: 'prepared' }, { storing: undefined, keysDurable: true })
    add({ type: 'prepareFailed' }, { storing: undefined })
  }
  if (world.storing === 'membership') {
    add({ type: 'accepted' }, { storing: undefined, member: true })
    add({ type: 'acceptFailed', reason: 'STORAGE_FAILED' }, { storing: undefined })
  }
  return list
}

function tell(step: StepGuest, world: Strangers, event: GuestEvent): Strangers {
  const [machine, effects] = step(world.machine, event)
  let next: Strangers = { ...world, machine }
  for (const effect of effects) next = perform(next, effect, event, world.host)
  if (world.machine.outcome !== undefined && machine.outcome !== world.machine.outcome)
    next = brokenBy(next, 'law 7: an end is not taken back')
  const waits = machine.outcome === undefined && next.storing === undefined
  if (waits && machine.state !== 'INIT' && !next.running.has('person') && !next.running.has('search'))
    next = brokenBy(next, 'law 6: no state waits for ever')
  return next
}

function perform(
  world: Strangers,
  effect: GuestEffect,
  event: GuestEvent,
  hostBefore: string | undefined,
): Strangers {
  switch (effect.type) {
    case 'ask':
    case 'connected':
    case 'forgetCode':
    case 'hello':
      return world
    case 'share':
      return world.host === effect.session
        ? world
        : brokenBy(world, 'law 3: shares go to the proven host only')
    case 'proof':
      if (world.host !== effect.session) return brokenBy(world, 'law 3: a proof goes to the proven host only')
      return world.keysDurable ? world : brokenBy(world, 'law 5: keys are durable before message 5')
    case 'prepare':
      return world.storing === undefined
        ? { ...world, storing: 'keys' }
        : brokenBy(world, 'one thing is stored at a time')
    case 'accept': {
      const due = event.type === 'answered' && event.valid && event.session === world.host
      return due
        ? { ...world, storing: 'membership' }
        : brokenBy(world, 'law 5: only a verified answer of the host is accepted')
    }
    case 'retryLater':
      return { ...world, retries: true }
    case 'close':
      return { ...world, ...without(world, effect.session) }
    case 'arm':
      return { ...world, running: new Set(world.running).add(effect.session) }
    case 'disarm':
      return { ...world, running: less(world.running, effect.session) }
    case 'armPerson':
      return { ...world, running: new Set(world.running).add('person') }
    case 'disarmPerson':
      return { ...world, running: less(world.running, 'person') }
    case 'armSearch':
      return { ...world, running: new Set(world.running).add('search') }
    case 'disarmSearch':
      return { ...world, running: less(world.running, 'search') }
    case 'finished': {
      const over: Strangers = {
        ...world,
        running: new Set(),
        sessions: new Set(),
        storing: undefined,
        retries: false,
      }
      if (effect.outcome.state === 'SUCCESS' && !world.member)
        return brokenBy(over, 'law 5: success is reported once the membership is durable')
      const byStranger = event.type === 'refused' && !event.signed && event.session !== hostBefore
      return byStranger ? brokenBy(over, 'a stranger can not end an acceptance') : over
    }
  }
}

function without(world: Strangers, session: string): Partial<Strangers> {
  return {
    sessions: less(world.sessions, session),
    running: less(world.running, session),
    host: world.host === session ? undefined : world.host,
  }
}
function less(set: ReadonlySet<string>, item: string): ReadonlySet<string> {
  return new Set([...set].filter((other) => other !== item))
}
function brokenBy(world: Strangers, law: string): Strangers {
  return { ...world, broken: world.broken ?? law }
}
