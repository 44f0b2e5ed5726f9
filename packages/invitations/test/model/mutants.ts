import { hostStep } from '../../src/machine/host-machine.ts'
import {
  asking,
  type HostEffect,
  type HostEvent,
  type HostRecord,
  type HostState,
  type HostStep,
} from '../../src/machine/host-state.ts'
import { type ChaosBounds, chaos, OTHER, RIGHT, WRONG } from './chaos.ts'
import { explore, type Verdict } from './explore.ts'
import type { HostModel } from './host-side.ts'
import { party } from './party.ts'
import type { Party, PartyRules } from './party-world.ts'

/** A seeded defect, the law that has to find it, and the smallest world in which it can. */
export interface Mutant {
  readonly name: string
  readonly law: string
  readonly run: () => Verdict
}

type Patch = (state: HostState, event: HostEvent) => HostStep

const chaosBounds: ChaosBounds = {
  multiUse: false,
  hasCode: true,
  attempts: 2,
  unruly: false,
  live: 2,
  crashes: 0,
  failures: 0,
  ends: false,
  rearms: 0,
  proofs: [RIGHT, WRONG],
}
const inChaos =
  (step: Patch, bounds: Partial<ChaosBounds> = {}, changes: Partial<HostModel> = {}): Mutant['run'] =>
  () =>
    explore(chaos({ ...chaosBounds, ...bounds }, { step, ...changes }))
const inParty =
  (step: Patch, rules: Partial<PartyRules>, changes: Partial<HostModel> = {}): Mutant['run'] =>
  () =>
    explore<Party>(
      party({ guests: 1, multiUse: false, hasCode: true, budget: {}, ...rules, host: { step, ...changes } }),
    )

const withRecord = (state: HostState, record: Partial<HostRecord>): HostState => ({
  ...state,
  record: { ...state.record, ...record },
})
/** The step, then a change of its effects. */
const after =
  (change: (effect: HostEffect) => readonly HostEffect[]): Patch =>
  (state, event) => {
    const [next, effects] = hostStep(state, event)
    return [next, effects.flatMap(change)]
  }

export const mutants: readonly Mutant[] = [
  {
    name: 'the budget is off by one',
    law: 'law 1',
    run: inChaos((state, event) =>
      hostStep(
        event.type === 'started' || state.record.allowed > 2 ? state : withRecord(state, { allowed: 3 }),
        event,
      ),
    ),
  },
  {
    name: 'wrong codes are counted per connection',
    law: 'law 1',
    run: inChaos((state, event) =>
      hostStep(event.type === 'opened' ? withRecord(state, { charged: 0 }) : state, event),
    ),
  },
  {
    name: 'wrong codes are forgotten in a crash',
    law: 'law 1',
    run: inChaos(
      hostStep,
      { crashes: 1, live: 1 },
      {
        store: ({ record, type }) => (type === 'write' ? { ...record, charged: 0 } : record),
      },
    ),
  },
  {
    name: 'the code is compared before the charge is written',
    law: 'law 1',
    run: inChaos((state, event) => {
      const [next, effects] = hostStep(state, event)
      if (next.storing?.type !== 'charge') return [next, effects]
      const [early, more] = hostStep(next, { type: 'written' })
      return [early, [...effects.filter((effect) => effect.type !== 'write'), ...more]]
    }),
  },
  {
    name: 'nothing is reserved between match and commit',
    law: 'law 2',
    run: inChaos(
      (state, event) => hostStep({ ...state, reserved: undefined }, event),
      {
        proofs: [RIGHT, OTHER],
      },
      { prompt: false },
    ),
  },
  {
    name: 'a redeemed invitation is offered again',
    law: 'law 2',
    run: inChaos(
      (state, event) =>
        hostStep(event.type === 'committed' && state.storing ? reopened(state) : state, event),
      { proofs: [RIGHT, OTHER] },
    ),
  },
  {
    name: 'the uses of a multi-use invitation are not counted',
    law: 'law 2',
    run: inChaos(
      (state, event) => {
        const [next, effects] = hostStep({ ...state, config: { ...state.config, uses: undefined } }, event)
        return [{ ...next, config: state.config }, effects]
      },
      { multiUse: true, uses: 1, proofs: [RIGHT, OTHER] },
    ),
  },
  {
    name: 'the request is not verified',
    law: 'law 3',
    run: inChaos((state, event) =>
      hostStep(state, event.type === 'verified' ? { ...event, identity: 'B' } : event),
    ),
  },
  {
    name: 'a wrong code is taken for a right one',
    law: 'law 3',
    run: inChaos((state, event) =>
      hostStep(state, event.type === 'compared' ? { ...event, match: true } : event),
    ),
  },
  {
    name: 'a stranger is served by resume',
    law: 'law 3',
    run: inChaos(
      (state, event) =>
        hostStep(
          event.type === 'verified' && state.record.life === 'REDEEMED'
            ? { ...state, admitted: new Set([...state.admitted, event.identity]) }
            : state,
          event,
        ),
      { ends: true, proofs: [RIGHT, OTHER] },
    ),
  },
  {
    name: 'expiry overtakes the write',
    law: 'law 4',
    run: inChaos(
      (state, event) =>
        event.type === 'expired' && state.storing?.type === 'commit'
          ? [{ ...state, closing: 'EXPIRED' }, [{ type: 'life', life: 'EXPIRED' }]]
          : hostStep(state, event),
      { ends: true },
    ),
  },
  {
    name: 'cancelling is acknowledged before it is durable',
    law: 'law 4',
    run: inChaos(
      (state, event) => {
        const [next, effects] = hostStep(state, event)
        return [next, event.type === 'cancel' ? [...effects, { type: 'life', life: 'CANCELLED' }] : effects]
      },
      { ends: true, live: 1 },
    ),
  },
  {
    name: 'credentials are sent before the transaction',
    law: 'law 3',
    run: inChaos(
      after((effect) =>
        effect.type === 'commit'
          ? [effect, { type: 'answer', session: effect.session, identity: effect.identity }]
          : [effect],
      ),
    ),
  },
  {
    name: 'a terminal state is left again',
    law: 'law 7',
    run: inChaos((state, event) =>
      hostStep(
        event.type === 'opened' && state.record.life === 'REDEEMED'
          ? withRecord(state, { life: 'OPEN' })
          : state,
        event,
      ),
    ),
  },
  {
    name: 'a reservation is never released',
    law: 'law 6',
    run: inParty(
      (state, event) => {
        const [next, effects] = hostStep(state, event)
        return [event.type === 'commitFailed' ? { ...next, reserved: state.reserved } : next, effects]
      },
      { budget: { connections: 2, failures: 1 } },
    ),
  },
  {
    name: 'a lost connection keeps its charge',
    law: 'law 6',
    run: inChaos(
      (state, event) => {
        const [next, effects] = hostStep(state, event)
        const kept = event.type === 'lost' && state.storing === undefined && next.storing?.type === 'refund'
        return kept
          ? [{ ...next, storing: undefined }, effects.filter(({ type }) => type !== 'write')]
          : [next, effects]
      },
      {},
      { prompt: false },
    ),
  },
  {
    name: 'a reply that is lost after the write stays lost',
    law: 'law 6',
    run: inParty(
      (state, event) => hostStep(state, event.type === 'hello' ? { ...event, resume: false } : event),
      { budget: { connections: 2, cuts: 1 } },
    ),
  },
  {
    name: 'the refund is not part of the transaction',
    law: 'law 6',
    run: inChaos(
      hostStep,
      { crashes: 1 },
      {
        store: ({ record, type }) =>
          type === 'commit' ? { ...record, charged: record.charged + 1 } : record,
      },
    ),
  },
  {
    name: 'nobody is asked',
    law: 'law 3',
    run: inChaos(
      (state, event) => {
        const [next, effects] = hostStep({ ...state, config: { ...state.config, approve: false } }, event)
        return [{ ...next, config: state.config }, effects]
      },
      { approve: true, live: 1 },
    ),
  },
  {
    name: 'a no is taken for a yes',
    law: 'law 3',
    run: inChaos(
      (state, event) => hostStep(state, event.type === 'declined' ? { ...event, type: 'approved' } : event),
      { approve: true, live: 1 },
    ),
  },
  {
    name: 'a yes to one lets in another',
    law: 'law 3',
    run: inChaos(
      (state, event) => {
        const other = asking(state).at(-1)
        return hostStep(
          state,
          event.type === 'approved' && other !== undefined ? { ...event, session: other } : event,
        )
      },
      { approve: true, proofs: [RIGHT, OTHER] },
    ),
  },
  {
    name: 'a guest stays charged while a person decides',
    law: 'law 6',
    run: inChaos(
      (state, event) => {
        const [next, effects] = hostStep(state, event)
        if (next.storing?.type !== 'refund') return [next, effects]
        const [later, more] = hostStep(next, { type: 'writeFailed' })
        return [later, [...effects.filter(({ type }) => type !== 'write'), ...more]]
      },
      { approve: true, live: 1 },
    ),
  },
  {
    name: 'a person may take for ever',
    law: 'law 6',
    run: inChaos(
      (state, event) => {
        const [next, effects] = hostStep(state, event)
        return [
          next,
          effects.filter((e) => !(e.type === 'arm' && next.sessions.get(e.session)?.step === 'asking')),
        ]
      },
      { approve: true, live: 1 },
    ),
  },
  {
    name: 'a guest that finds the budget taken is locked out instead of waiting',
    law: 'law 6',
    run: inParty(
      (state, event) => {
        const taken = state.record.charged >= state.record.allowed
        return event.type === 'proof' && taken
          ? [state, [{ type: 'refuse', session: event.session, refusal: { code: 'LOCKED' }, signed: false }]]
          : hostStep(state, event)
      },
      { guests: 2, budget: { connections: 2, typos: 1 }, multiUse: true },
    ),
  },
]

function reopened(state: HostState): HostState {
  const { storing } = state
  return storing === undefined
    ? state
    : { ...state, storing: { ...storing, record: { ...storing.record, life: 'OPEN' } } }
}
