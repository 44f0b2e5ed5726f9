import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/index.ts'
import { Spec } from '../../src/testing/spec.ts'
import { keyOf } from '../cast.ts'
import { act, admit, extend, foldOf, opening, opsArb, PEOPLE, remove, SPACE, stateOf } from './history.ts'

const [FOUNDER, M, X] = PEOPLE
const MANY = 5000

/** Acts of one author, each after the one before; the first after the opening. */
function chain(prefix: string, start: string, claim: (i: number) => Parameters<typeof act>[2], by = FOUNDER) {
  const out: Credential[] = []
  for (let i = 0; i < MANY; i++) out.push(act(`${prefix}${i}`, by, claim(i), [out.at(-1)?.id ?? start]))
  return out
}

/** Both in turn, so that every act of the one is late for the other. */
const inTurn = (a: readonly Credential[], b: readonly Credential[]) =>
  a.flatMap((one, i) => [one, b[i] ?? one])

describe('many acts at once', () => {
  it('that can never hold cost no more than others: removals of the founder by an admin', () => {
    const start = opening(['ADMIN', 'EDITOR'])
    const storm = chain('r', 's1', () => remove(FOUNDER), M)
    const work = chain('w', 's1', (i) => admit(keyOf(10_000 + i), 'READER'))
    for (const rest of [[...work, ...storm], [...storm, ...work], inTurn(storm, work)]) {
      const fold = foldOf([...start, ...rest])
      expect(fold.members().size).toBe(MANY + 3)
      expect(fold.roleOf(FOUNDER)).toBe('OWNER')
    }
  })

  const profile = { type: 'MemberProfile', space: SPACE, member: X, profile: { displayName: 'X' } } as const

  it('that take what is taken already cost no more either: removals of one editor, again and again', () => {
    const start = opening(['ADMIN', 'EDITOR'])
    const storm = chain('r', 's1', () => remove(X), M)
    const work = chain('w', 's1', () => profile, X)
    for (const rest of [[...work, ...storm], [...storm, ...work], inTurn(storm, work)]) {
      const fold = foldOf([...start, ...rest])
      expect(fold.roleOf(X)).toBeUndefined()
    }
  })

  it('by somebody who was removed meanwhile are void, all of them', () => {
    const start = opening(['ADMIN', 'EDITOR'])
    const storm = chain('r', 's1', (i) => (i % 2 ? remove(X) : admit(keyOf(10_000 + i), 'ADMIN')), M)
    const cut = act('cut', FOUNDER, remove(M), ['s1'])
    for (const rest of [
      [cut, ...storm],
      [...storm, cut],
    ]) {
      const fold = foldOf([...start, ...rest])
      expect(fold.members().size).toBe(2)
      expect(storm.some(({ id }) => fold.counts(id))).toBe(false)
    }
  })

  it('that rest on each other, a line of thousands, fall with the first', () => {
    const start = opening(['ADMIN'])
    const line: Credential[] = []
    for (let i = 0; i < MANY; i++)
      line.push(
        act(`a${i}`, i === 0 ? M : keyOf(10_000 + i - 1), admit(keyOf(10_000 + i), 'ADMIN'), [
          line.at(-1)?.id ?? 's0',
        ]),
      )
    const fold = foldOf([...start, ...line, act('cut', FOUNDER, remove(M), ['s0'])])
    expect(fold.members().size).toBe(1)
  })
})

describe('long histories', () => {
  it('are what the specification says, delivered in any order', () => {
    fc.assert(
      fc.property(opsArb(50, 90), fc.integer({ min: 1, max: 1_000_000 }), (ops, seed) => {
        const start = opening(['OWNER', 'ADMIN', 'ADMIN', 'EDITOR'])
        const near = ops.map((one, i) => ({
          ...one,
          odd: Math.max(one.odd, 2),
          parents: one.parents.map((n) => Math.max(0, start.length + i - 1 - (n % 12))),
        }))
        const history = extend(start, near, 'x')
        const shuffled = history
          .map((one, i) => [Math.imul(seed + i, 2_654_435_761) >>> 0, one] as const)
          .sort(([a], [b]) => a - b)
          .map(([, one]) => one)
        const fold = foldOf(shuffled)
        expect(stateOf(fold, history).counted).toEqual(new Spec(SPACE, history).counted())
      }),
      { numRuns: 12 },
    )
  })
})
