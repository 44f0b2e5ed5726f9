import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Membership, verifyAdmission } from '../../src/index.ts'
import { Spec } from '../../src/testing/spec.ts'
import { keyOf } from '../cast.ts'
import {
  act,
  admit,
  extend,
  foldOf,
  genesisClaim,
  histories,
  NOTE,
  opening,
  opsArb,
  PEOPLE,
  print,
  runsOf,
  SPACE,
  shuffled,
  stateOf,
} from './history.ts'

const RUNS = { numRuns: runsOf(1500) }
const isForeign = ({ claim }: ReturnType<typeof act>) => 'space' in claim && claim.space !== SPACE
/** Members and feeds, whatever order the maps have. */
const sorted = ({ members, feeds, ...rest }: ReturnType<typeof stateOf>) => ({
  members: members.toSorted(),
  feeds: feeds.toSorted(),
  ...rest,
})
const specState = (history: ReturnType<typeof histories> extends fc.Arbitrary<infer H> ? H : never) => {
  const spec = new Spec(SPACE, history)
  return {
    members: [...spec.members()].map(([who, { role, since }]) => `${who.toHex()} ${role} ${since}`).sort(),
    feeds: [...spec.feeds()].map(([feed, id]) => `${feed.toHex()} ${id}`).sort(),
    counted: spec.counted(),
    heads: spec.heads(),
    waiting: 0,
  }
}

/** A later place in the order costs an owner its seniority, and a redemption the race; nothing else. */
const withoutRaces = (history: readonly ReturnType<typeof act>[]) =>
  history.map((one, i) => {
    const { claim } = one
    const races =
      i > 1 &&
      (('role' in claim && claim.role === 'OWNER') ||
        ('delegation' in claim && claim.delegation !== undefined) ||
        claim.type === 'RevokedDevice')
    return races ? { ...one, type: 'Unknown', claim: NOTE } : one
  })

describe('the fold, on random histories', () => {
  it('is what the specification says, at every step', () => {
    fc.assert(
      fc.property(histories(14), (history) => {
        const membership = new Membership(SPACE)
        for (const [i, one] of history.entries()) {
          membership.add(one)
          const sofar = history.slice(0, i + 1)
          expect(sorted(stateOf(membership, sofar)), print(sofar)).toEqual(specState(sofar))
        }
      }),
      { numRuns: runsOf(500) },
    )
  })

  it('is copied whole, and a copy goes its own way', () => {
    fc.assert(
      fc.property(histories(14), fc.nat(14), (history, at) => {
        const fold = foldOf(history.slice(0, at))
        const before = stateOf(fold, history)
        const copy = fold.copy()
        expect(stateOf(copy, history)).toEqual(before)
        for (const one of history.slice(at)) copy.add(one)
        expect(stateOf(copy, history), print(history)).toEqual(stateOf(foldOf(history), history))
        expect(stateOf(fold, history)).toEqual(before)
      }),
      { numRuns: 300 },
    )
  })

  it('is what the specification says of what is there, at every step of any order of delivery', () => {
    const any = histories(14).chain((history) => fc.tuple(fc.constant(history), shuffled(history)))
    fc.assert(
      fc.property(any, ([history, delivered]) => {
        const membership = new Membership(SPACE)
        for (const one of delivered) {
          if (membership.add(one).placed.length === 0) continue
          const here = history.filter((other) => membership.has(other.id))
          const state = { ...sorted(stateOf(membership, here)), waiting: 0 }
          expect(state, print(here)).toEqual(specState(here))
        }
      }),
      { numRuns: runsOf(300) },
    )
  })

  it('is the same whatever the order of delivery, however often', () => {
    const any = histories(16).chain((history) => fc.tuple(fc.constant(history), shuffled(history)))
    fc.assert(
      fc.property(any, ([history, delivered]) => {
        const [a, b] = [foldOf(history), foldOf(delivered)]
        expect(stateOf(b, history), print(history)).toEqual(stateOf(a, history))
        expect(sorted(stateOf(b, history)), print(history)).toEqual(specState(history))
      }),
      RUNS,
    )
  })

  it('is the same in every one of the orders of small histories', () => {
    const permutations = <T>(list: readonly T[]): T[][] =>
      list.length <= 1
        ? [[...list]]
        : list.flatMap((one, i) => permutations(list.toSpliced(i, 1)).map((rest) => [one, ...rest]))
    fc.assert(
      fc.property(opsArb(3, 4), (ops) => {
        const few = extend(opening(['ADMIN']), ops, 'x')
        const state = stateOf(foldOf(few), few)
        for (const order of permutations(few)) expect(stateOf(foldOf(order), few), print(few)).toEqual(state)
      }),
      { numRuns: 20 },
    )
  })

  it('gives no place to anybody without an unbroken line of admissions to the genesis', () => {
    fc.assert(
      fc.property(histories(16), (history) => {
        const membership = foldOf(history)
        const genesisId = membership.genesis?.id ?? ''
        for (const [member, { role: shown, acting, since }] of membership.members()) {
          const [path, role] = [membership.admissionPath(since), acting ?? shown]
          const expected = { space: SPACE, genesisId, member, role }
          // What somebody granted who only stood in for an owner shows nothing without its whole past.
          if (path.every(({ id }) => membership.why(id).code !== 'ACTING_OWNER'))
            verifyAdmission(path, expected)
        }
      }),
      RUNS,
    )
  })

  it('is not moved by anything that somebody who is no member signs', () => {
    fc.assert(
      fc.property(histories(10, false), opsArb(1, 8), (history, evil) => {
        const before = foldOf(history)
        const outsider = PEOPLE.find((who) => before.roleOf(who) === undefined)
        fc.pre(outsider !== undefined && !history.some(({ issuer }) => issuer === outsider))
        const acts = evil.map((one) => ({ ...one, by: outsider ?? PEOPLE[0], odd: Math.max(one.odd, 2) }))
        const after = foldOf(extend(history, acts, 'e'))
        expect(after.members()).toEqual(before.members())
        expect(after.feeds()).toEqual(before.feeds())
      }),
      RUNS,
    )
  })

  it('gives the same roles when empty acts are slipped under others, where neither owners nor redemptions race', () => {
    fc.assert(
      fc.property(histories(12, false), fc.array(fc.nat(14), { maxLength: 8 }), (all, pads) => {
        const history = withoutRaces(all)
        fc.pre(foldOf(history).roleOf(PEOPLE[0]) === 'OWNER')
        const padded = history.flatMap((one, i) => {
          if (i < 2 || !pads.includes(i) || isForeign(one)) return [one]
          const pad = act(`p${i}`, keyOf(99), NOTE, one.parents)
          return [pad, { ...one, parents: [...one.parents, pad.id].sort() }]
        })
        const roles = (list: typeof history) => {
          const membership = foldOf(list)
          return new Map(PEOPLE.map((who) => [who, membership.roleOf(who)]))
        }
        expect(roles(padded)).toEqual(roles(history))
      }),
      RUNS,
    )
  })

  it('holds what the histories are meant to hold', () => {
    const seen = {
      members: 0,
      feeds: 0,
      counted: 0,
      acts: 0,
      concurrent: 0,
      unseated: 0,
      hosted: 0,
      named: 0,
      contested: 0,
    }
    fc.assert(
      fc.property(histories(16), (history) => {
        const membership = foldOf(history)
        const spec = new Spec(SPACE, history)
        const acts = history.filter((one) => !isForeign(one))
        seen.members += membership.members().size
        seen.feeds += membership.feeds().size
        seen.acts += acts.length
        seen.counted += acts.filter(({ id }) => membership.counts(id)).length
        if (membership.genesis?.id !== 'genesis') seen.unseated++
        for (const one of acts)
          if (one.claim.type === 'AdmittedFeed' && membership.counts(one.id)) {
            if (one.issuer !== one.claim.member) seen.hosted++
            else if (one.signer !== one.claim.device) seen.named++
            if (spec.rivals(one).some((other) => spec.fits(other))) seen.contested++
          }
        for (const a of acts)
          for (const b of acts) if (a.id < b.id && !spec.before(a, b) && !spec.before(b, a)) seen.concurrent++
      }),
      { numRuns: 300, seed: 5 },
    )
    expect(seen.members / 300).toBeGreaterThan(1.5)
    expect(seen.feeds / 300).toBeGreaterThan(0.1)
    expect(seen.concurrent / 300).toBeGreaterThan(20)
    expect(seen.counted / seen.acts).toBeGreaterThan(0.3)
    expect(seen.counted / seen.acts).toBeLessThan(0.9)
    expect(seen.unseated).toBeGreaterThan(10)
    expect(seen.hosted).toBeGreaterThan(1)
    expect(seen.named).toBeGreaterThan(1)
    expect(seen.contested).toBeGreaterThan(1)
  })
})

describe('the fold, on long histories', () => {
  it('takes 20,000 admissions, each by the one admitted before, delivered backwards', () => {
    const history = opening([])
    for (let i = 0; i < 20_000; i++) {
      const issuer = i === 0 ? PEOPLE[0] : keyOf(10_000 + i - 1)
      history.push(act(`a${i}`, issuer, admit(keyOf(10_000 + i), 'OWNER'), [history.at(-1)?.id ?? '']))
    }
    const membership = foldOf(history.toReversed())
    expect(membership.members().size).toBe(20_001)
    expect(membership.waiting).toBe(0)
    expect(membership.admissionPath('a19999')).toHaveLength(20_002)
    // Another genesis, first in the order, turns all of it over, and does not overflow anything either.
    membership.add(act('a-genesis', SPACE, genesisClaim('Other'), []))
    expect(membership.members().size).toBe(0)
  })
})
