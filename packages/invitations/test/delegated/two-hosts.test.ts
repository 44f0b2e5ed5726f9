import { afterAll, describe, expect, test } from 'vitest'
import { hostStep } from '../../src/machine/host-machine.ts'
import type { HostEvent } from '../../src/machine/host-state.ts'
import { type ChaosBounds, configOf, OTHER, RIGHT, WRONG } from '../model/chaos.ts'
import { explore } from '../model/explore.ts'
import { type StepHost, theHost } from '../model/host-side.ts'
import { type Standing, standingOf, type TwoHostsModel, twoHosts } from './two-hosts.ts'

const PATIENCE = 120_000
const counts = { states: 0, transitions: 0 }
afterAll(() => {
  process.stdout.write(`two hosts: ${counts.states} states, ${counts.transitions} transitions\n`)
})

const bounds: ChaosBounds = {
  multiUse: false,
  hasCode: true,
  attempts: 1,
  unruly: false,
  live: 1,
  crashes: 0,
  failures: 0,
  ends: false,
  rearms: 0,
  proofs: [RIGHT, WRONG],
}

describe('two hosts of one delegated invitation keep the laws', () => {
  const worlds: readonly (readonly [string, Partial<ChaosBounds>])[] = [
    ['wrong codes at both, heard of at any time', { attempts: 2, proofs: [WRONG] }],
    ['two guests, one of whom comes first', { proofs: [RIGHT, OTHER, WRONG] }],
    ['one of them dies at any moment', { crashes: 1 }],
    ['the storage of one fails once', { failures: 1 }],
    ['cancel or expiry at any moment', { ends: true }],
    ['two may come by it', { multiUse: true, uses: 2, hasCode: false, proofs: [RIGHT, OTHER] }],
    ['many may come by it', { multiUse: true, proofs: [RIGHT, WRONG] }],
    ['no code, and one of them dies', { hasCode: false, proofs: [RIGHT, OTHER], crashes: 1, ends: true }],
  ]
  for (const [name, changes] of worlds)
    test(
      name,
      () => {
        const { broken, states, transitions } = explore(twoHosts({ ...bounds, ...changes }))
        counts.states += states
        counts.transitions += transitions
        expect(broken).toBeUndefined()
      },
      PATIENCE,
    )
})

/** A host that hears something else than was said. */
const hearing =
  (change: (event: Extract<HostEvent, { type: 'shared' }>) => HostEvent): StepHost =>
  (state, event) =>
    hostStep(state, event.type === 'shared' ? change(event) : event)
const mutant = (step: StepHost, changes: Partial<ChaosBounds> = {}): Partial<TwoHostsModel> => ({
  host: theHost(configOf({ ...bounds, ...changes, shared: true }), { step }),
})

describe('each seeded defect of two hosts is found by its law', () => {
  const guessed: Partial<ChaosBounds> = { attempts: 2, proofs: [WRONG] }
  const raced: Partial<ChaosBounds> = { proofs: [RIGHT, OTHER] }
  const defects: readonly (readonly [string, string, Partial<ChaosBounds>, Partial<TwoHostsModel>])[] = [
    [
      'what failed elsewhere is not taken off',
      'law 4: what is over',
      guessed,
      mutant(
        hearing((event) => ({ ...event, failed: 0, ended: undefined })),
        guessed,
      ),
    ],
    [
      'what is heard while something is to be stored is passed over',
      'law 1: what is known',
      { ends: true },
      mutant((state, event) => {
        const isBusy = state.storing !== undefined && state.intents.length > 0
        return event.type === 'shared' && isBusy ? [state, []] : hostStep(state, event)
      }),
    ],
    [
      'what failed here is not told',
      'law 1: what failed here',
      guessed,
      mutant((state, event) => {
        const [next, effects] = hostStep({ ...state, config: { ...state.config, shared: false } }, event)
        return [{ ...next, config: state.config }, effects]
      }, guessed),
    ],
    [
      'what a crash left charged is not told',
      'law 1: what failed here',
      { ...guessed, crashes: 1 },
      mutant((state, event) => (event.type === 'started' ? [state, []] : hostStep(state, event)), guessed),
    ],
    [
      'that it was used elsewhere is passed over',
      'law 4',
      raced,
      mutant(
        hearing((event) => ({ ...event, ended: undefined, admitted: [] })),
        raced,
      ),
    ],
    [
      'that it was called off elsewhere is passed over',
      'law 4',
      { ...raced, ends: true },
      mutant(
        hearing((event) => ({ ...event, ended: event.ended === 'CANCELLED' ? undefined : event.ended })),
        raced,
      ),
    ],
    [
      'each host stands by its own guest',
      'law 2',
      raced,
      {
        standing: (rules, own, said) => {
          const [mine] = said[own].redeemed
          const shared: Standing = standingOf(rules, own, said)
          return mine === undefined ? shared : { ...shared, admitted: [mine] }
        },
      },
    ],
    [
      'whoever asks for an answer again is believed to have come by the other host',
      'law 3',
      { ...raced, ends: true },
      mutant((state, event) => {
        const admitted =
          event.type === 'verified' ? new Set([...state.admitted, event.identity]) : state.admitted
        return hostStep({ ...state, admitted }, event)
      }, raced),
    ],
  ]
  for (const [name, law, changes, model] of defects)
    test(name, () => {
      const { broken } = explore(twoHosts({ ...bounds, ...changes }, model))
      expect(broken?.law).toContain(law)
      expect(broken?.trace.length).toBeGreaterThan(0)
    })
})
