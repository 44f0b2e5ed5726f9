import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Credential, isAtLeast, ROLES } from '../../src/index.ts'
import { Spec } from '../../src/testing/spec.ts'
import {
  act,
  deviceOf,
  extend,
  foldOf,
  histories,
  NOTE,
  opsArb,
  PEOPLE,
  print,
  remove,
  runsOf,
  SPACE,
} from './history.ts'

const RUNS = { numRuns: runsOf(1000) }
const [FOUNDER] = PEOPLE
/** Everybody but the founder. */
const someone = fc.constantFrom(...PEOPLE.slice(1))
type History = readonly Credential[]
const lowest = 'READER'

/** Everybody on whose acts a grant rests. */
const lineOf = (spec: Spec, history: History, grant: Credential, seen = new Set<Credential>()) => {
  if (seen.has(grant)) return seen
  seen.add(grant)
  const invitation = spec.invitation(grant)
  for (const one of invitation === undefined ? [grant] : [grant, invitation])
    for (const own of spec.grantsOf(one.issuer)) if (spec.before(own, one)) lineOf(spec, history, own, seen)
  if (invitation !== undefined) seen.add(invitation)
  return seen
}

describe('the laws of a space, on random histories', () => {
  it('there is an owner, or somebody who stands in for one, while there is anybody', () => {
    fc.assert(
      fc.property(histories(16), (history) => {
        const members = [...foldOf(history).members().values()]
        expect(members.length === 0 || members.some(({ role }) => role === 'OWNER')).toBe(true)
        expect(members.filter(({ acting }) => acting !== undefined).length).toBeLessThan(2)
      }),
      RUNS,
    )
  })

  it('nobody raises itself, whatever it signs and wherever it says that belongs', () => {
    fc.assert(
      fc.property(histories(10, false), opsArb(1, 6), someone, (history, evil, who) => {
        const before = foldOf(history).members().get(who)
        // A revoked device’s own leave is undone with it, and rightly so.
        const kept = evil.filter(({ claim }) => claim.type !== 'RevokedDevice')
        const acts = kept.map((one) => ({ ...one, by: who, odd: Math.max(one.odd, 6) }))
        const more = extend(history, acts, 'e')
        const after = foldOf(more).members().get(who)
        const had = before?.acting ?? before?.role
        const has = after?.acting ?? after?.role
        if (had === undefined) expect(has, print(more)).toBeUndefined()
        else expect(isAtLeast(had, has ?? lowest), print(more)).toBe(true)
      }),
      RUNS,
    )
  })

  it('nobody takes a grant that it does not outrank and did not help to give', () => {
    fc.assert(
      fc.property(histories(10, false), opsArb(1, 6), someone, (history, evil, who) => {
        const spec = new Spec(SPACE, history)
        const founder = history[1]
        fc.pre(founder !== undefined && spec.stands(founder))
        const acts = evil.map((one) => ({ ...one, by: who, odd: Math.max(one.odd, 6) }))
        const more = extend(history, acts, 'e')
        const [after, fold] = [new Spec(SPACE, more), foldOf(more)]
        const own = after.grantsOf(who)
        for (const grant of history) {
          if (spec.role(grant) === 0 || spec.holder(grant) === who || !spec.stands(grant)) continue
          const helped = [...lineOf(spec, history, grant)].some(({ issuer }) => issuer === who)
          if (helped || own.some((one) => after.outranks(one, grant))) continue
          expect(fold.counts(grant.id) && after.stands(grant), print(more)).toBe(true)
        }
      }),
      RUNS,
    )
  })

  it('who was removed by somebody above gains nothing by acts slipped behind the removal', () => {
    fc.assert(
      fc.property(histories(10, false), opsArb(1, 6), someone, (history, evil, who) => {
        const spec = new Spec(SPACE, history)
        const founder = history[1]
        fc.pre(founder !== undefined && spec.stands(founder))
        // A device of the founder that nothing was said about can't have been revoked; its key always signs.
        const cut = act('500cut', FOUNDER, remove(who), spec.heads())
        fc.pre(spec.deviceOk(cut))
        const acts = evil.map((one) => ({ ...one, by: who, odd: Math.max(one.odd, 6) }))
        const slipped = extend(history, acts, 'e')
        const all = [...slipped, cut]
        const fold = foldOf(all)
        expect(fold.roleOf(who), print(all)).toBeUndefined()
        for (const { id, claim } of slipped.slice(history.length))
          if ('space' in claim && !['LeftSpace', 'MemberProfile'].includes(claim.type))
            expect(fold.counts(id), `${id}\n${print(all)}`).toBe(false)
      }),
      RUNS,
    )
  })

  it('who was removed stays so, whatever others do who do not admit it again', () => {
    fc.assert(
      fc.property(histories(14, false), someone, (history, who) => {
        const [kept, gone] = [new Map<string, Credential>(), new Set<string>()]
        for (const one of history) {
          const { claim } = one
          const gives = (claim.type === 'SpaceMember' || claim.type === 'ChangedRole') && claim.member === who
          if ((gives && !one.id.startsWith('s')) || one.parents.some((id) => gone.has(id))) gone.add(one.id)
          else kept.set(one.id, one)
        }
        const cut = act('001cut', FOUNDER, remove(who), ['founder'], deviceOf(FOUNDER, 0))
        const all = [...kept.values(), cut]
        const spec = new Spec(SPACE, all)
        fc.pre(history[1] !== undefined && spec.stands(history[1]) && spec.deviceOk(cut))
        expect(foldOf(all).roleOf(who), print(all)).toBeUndefined()
      }),
      RUNS,
    )
  })

  it('one identity comes by an invitation for one', () => {
    fc.assert(
      fc.property(histories(16), (history) => {
        const fold = foldOf(history)
        for (const { id, claim } of history) {
          if (claim.type !== 'DelegatedInvitation' || claim.multiUse) continue
          const came = history.flatMap(({ id: by, claim: c }) =>
            c.type === 'SpaceMember' && c.delegation === id && fold.counts(by) ? [c.member] : [],
          )
          expect(new Set(came).size).toBeLessThan(2)
        }
      }),
      RUNS,
    )
  })

  it('a revoked device is one by which nothing can be done any more', () => {
    fc.assert(
      fc.property(histories(16), someone, fc.nat(2), (history, who, n) => {
        const device = n === 2 ? who : deviceOf(who, n)
        const next = act('~next', who, NOTE, foldOf(history).heads, device)
        const spec = new Spec(SPACE, [...history, next])
        fc.pre(Number.isFinite(spec.level(who, device)))
        expect(foldOf(history).isRevoked(who, device), print(history)).toBe(!spec.deviceOk(next))
      }),
      RUNS,
    )
  })

  it('every verdict has its reason, and asking for it changes nothing', () => {
    fc.assert(
      fc.property(histories(14), (history) => {
        const [fold, other] = [foldOf(history), foldOf(history.toReversed())]
        for (const { id } of history) {
          const reason = fold.why(id)
          expect(reason.counts).toBe(fold.counts(id))
          expect(other.why(id).code).toBe(reason.code)
          if (reason.by !== undefined) expect(fold.has(reason.by)).toBe(true)
        }
        expect(fold.members()).toEqual(foldOf(history).members())
      }),
      RUNS,
    )
  })

  it('whoever may remove somebody can, and nobody else', () => {
    fc.assert(
      fc.property(histories(12, false), fc.constantFrom(...PEOPLE), someone, (history, who, whom) => {
        const fold = foldOf(history)
        const cut = act(
          '~cut',
          who,
          who === whom ? { type: 'LeftSpace', space: SPACE, heads: [] } : remove(whom),
          fold.heads,
        )
        const after = foldOf([...history, cut])
        fc.pre(new Spec(SPACE, [...history, cut]).deviceOk(cut) && fold.roleOf(whom) !== undefined)
        expect(after.roleOf(whom) === undefined, print(history)).toBe(fold.mayRemove(who, whom))
      }),
      RUNS,
    )
  })

  it('whoever may give a role can, and nobody else', () => {
    fc.assert(
      fc.property(
        histories(12, false),
        fc.constantFrom(...PEOPLE),
        fc.constantFrom(...PEOPLE),
        fc.constantFrom(...ROLES),
        (history, who, whom, role) => {
          const fold = foldOf(history)
          const had = fold.members().get(whom)
          const change = act(
            '~c',
            who,
            { type: 'ChangedRole', space: SPACE, member: whom, role, heads: [] },
            fold.heads,
          )
          fc.pre(had !== undefined && new Spec(SPACE, [...history, change]).deviceOk(change))
          const has = foldOf([...history, change])
            .members()
            .get(whom)
          const isNow = (has?.acting ?? has?.role) === role
          if (fold.mayChange(who, whom, role))
            expect(
              isNow,
              `${PEOPLE.indexOf(who)} makes ${PEOPLE.indexOf(whom)} ${role}\n${print(history)}`,
            ).toBe(true)
          else expect(isNow && (had?.acting ?? had?.role) !== role, print(history)).toBe(false)
        },
      ),
      RUNS,
    )
  })
})
