import { afterAll, describe, expect, test } from 'vitest'
import { guestStep } from '../../src/machine/guest-machine.ts'
import { type ChaosBounds, chaos, OTHER, RIGHT, STRANGER, THIRD, UNPROVEN, WRONG } from './chaos.ts'
import { explore, type Verdict } from './explore.ts'
import { mutants } from './mutants.ts'
import { party } from './party.ts'
import type { Budget, PartyRules } from './party-world.ts'
import { type StepGuest, strangers } from './strangers.ts'

/** How long a world takes to explore is up to the machine; that it ends is not. */
const PATIENCE = 120_000
const counts = { states: 0, transitions: 0 }
const holds = (verdict: Verdict): void => {
  counts.states += verdict.states
  counts.transitions += verdict.transitions
  expect(verdict.broken).toBeUndefined()
}
afterAll(() => {
  process.stdout.write(`model: ${counts.states} states, ${counts.transitions} transitions\n`)
})

const single: ChaosBounds = {
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

describe('the host keeps the laws whatever guests send', () => {
  const worlds: readonly (readonly [string, Partial<ChaosBounds>, boolean?])[] = [
    ['three wrong codes over two connections', { attempts: 3 }],
    ['three connections at a time', { live: 3 }],
    ['messages that are not due, and two connections of one peer', { unruly: true, ends: true }],
    ['other events between every question and its answer', { proofs: [RIGHT, OTHER, WRONG] }, false],
    ['a comparison that fails', { live: 1, failures: 1, ends: true }, false],
    ['two identities, and proofs that do not hold', { proofs: [RIGHT, OTHER, UNPROVEN, WRONG] }],
    ['cancel and expiry at any moment', { ends: true, proofs: [RIGHT, OTHER, WRONG] }],
    ['a crash at any moment', { crashes: 1, ends: true }],
    ['storage that fails once', { failures: 1, ends: true }],
    ['a new code after the lock', { rearms: 1, ends: true }],
    ['two uses and three identities', { multiUse: true, uses: 2, crashes: 1, proofs: [RIGHT, OTHER, THIRD] }],
    ['multi-use with two identities', { multiUse: true, proofs: [RIGHT, OTHER, WRONG] }],
    [
      'multi-use with cancel, expiry and a crash',
      { multiUse: true, live: 1, ends: true, crashes: 1, proofs: [RIGHT, OTHER, WRONG] },
    ],
    ['no code', { hasCode: false, ends: true, crashes: 1, proofs: [RIGHT, OTHER, WRONG] }],
    [
      'one guest is meant, and others have the link',
      { hasCode: false, ends: true, crashes: 1, proofs: [RIGHT, STRANGER] },
    ],
    ['a person who says yes or no to each', { approve: true, proofs: [RIGHT, OTHER, WRONG] }],
    [
      'a person who decides, with cancel, expiry and a crash',
      { approve: true, live: 1, ends: true, crashes: 1, failures: 1 },
    ],
    [
      'a person who decides, and no code',
      { approve: true, hasCode: false, ends: true, proofs: [RIGHT, OTHER] },
    ],
    [
      'a person who decides over many',
      { approve: true, hasCode: false, multiUse: true, ends: true, proofs: [RIGHT, OTHER] },
    ],
  ]
  for (const [name, bounds, prompt = true] of worlds)
    test(name, () => holds(explore(chaos({ ...single, ...bounds }, { prompt }))), PATIENCE)
})

describe('host and guests together keep the laws', () => {
  const two: Omit<PartyRules, 'budget'> = { guests: 2, multiUse: false, hasCode: true }
  const worlds: readonly (readonly [string, Partial<Budget>, Partial<PartyRules>?])[] = [
    ['two guests, wrong and right codes', { connections: 2, typos: 3 }],
    ['a connection is cut at any moment', { connections: 4, cuts: 1 }],
    ['the host dies at any moment', { connections: 3, crashes: 1 }],
    ['cancel or expiry at any moment', { connections: 3, ends: 1, cuts: 1 }],
    ['a guest cancels at any moment', { connections: 2, leaves: 1 }],
    ['storage of the host fails once', { connections: 3, failures: 1 }],
    ['one slot for two guests', { connections: 2, cuts: 1 }, { slots: 1 }],
    ['a frame is doubled', { connections: 3, duplicates: 1 }],
    ['a frame overtakes another', { connections: 3, swaps: 1, typos: 1 }],
    ['deadlines pass', { connections: 3, timeouts: 1 }],
    ['two connections of one guest', { connections: 3, cuts: 1 }, { oneIdentity: true }],
    ['two guests of a multi-use invitation', { connections: 3, cuts: 1 }, { multiUse: true }],
    ['no code', { connections: 3, cuts: 1, crashes: 1 }, { hasCode: false }],
    ['a person says yes or no to each', { connections: 2, typos: 1 }, { approve: true }],
    ['a person decides while connections are cut', { connections: 3, cuts: 1 }, { approve: true }],
    [
      'a person decides, and the host dies',
      { connections: 2, crashes: 1 },
      { approve: true, hasCode: false },
    ],
    [
      'a person decides while deadlines pass and storage fails',
      { connections: 3, timeouts: 1, failures: 1, ends: 1 },
      { approve: true, guests: 1 },
    ],
    [
      'a person decides about two connections of one guest',
      { connections: 3 },
      { approve: true, oneIdentity: true, multiUse: true },
    ],
    [
      'one guest and everything at once',
      { connections: 2, cuts: 1, typos: 1, crashes: 1, failures: 1, ends: 1 },
      { guests: 1 },
    ],
  ]
  for (const [name, budget, rules] of worlds)
    test(name, () => holds(explore(party({ ...two, ...rules, budget }))), PATIENCE)
})

describe('the guest keeps the laws whatever it hears', () => {
  for (const hasCode of [true, false])
    for (const resume of [true, false])
      test(`${hasCode ? 'with' : 'without'} a code${resume ? ', resumed' : ''}`, () =>
        holds(explore(strangers({ hasCode, resume }))))
  test('with several hosts, of whom one can not admit it', () =>
    holds(explore(strangers({ hasCode: true, isDelegated: true }))))

  const defects: readonly (readonly [string, string, StepGuest])[] = [
    [
      'a refusal is believed without a signature',
      'a stranger can not end an acceptance',
      (state, event) => guestStep(state, event.type === 'refused' ? { ...event, signed: true } : event),
    ],
    [
      'an answer is accepted unverified',
      'law 5',
      (state, event) => guestStep(state, event.type === 'answered' ? { ...event, valid: true } : event),
    ],
    [
      'an offer is believed unverified',
      'a stranger can not end an acceptance',
      (state, event) => guestStep(state, event.type === 'offered' ? { ...event, valid: true } : event),
    ],
    [
      'success is reported before the membership is durable',
      'law 5',
      (state, event) => {
        const [next, effects] = guestStep(state, event)
        return event.type === 'answered' && next.storing === 'membership'
          ? guestStep(next, { type: 'accepted' })
          : [next, effects]
      },
    ],
    [
      'message 5 does not wait for the keys',
      'law 5',
      (state, event) => guestStep(event.type === 'shared' ? { ...state, prepared: true } : state, event),
    ],
    [
      'nothing bounds the search after a code was given',
      'law 6',
      (state, event) => {
        const [next, effects] = guestStep(state, event)
        return [next, event.type === 'code' ? effects.filter(({ type }) => type !== 'armSearch') : effects]
      },
    ],
    [
      'an end is taken back by a new connection',
      'law 7',
      (state, event) => guestStep(event.type === 'opened' ? { ...state, outcome: undefined } : state, event),
    ],
  ]
  for (const [name, law, step] of defects)
    test(`seeded defect: ${name}`, () => {
      expect(explore(strangers({ hasCode: true }, step)).broken?.law).toContain(law)
    })
})

describe('each seeded defect is found by its law', () => {
  for (const { name, law, run } of mutants)
    test(name, () => {
      const { broken } = run()
      expect(broken?.law).toContain(law)
      expect(broken?.trace.length).toBeGreaterThan(0)
    })
})
