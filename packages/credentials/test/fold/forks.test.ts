import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Spec } from '../../src/testing/spec.ts'
import { keyOf } from '../cast.ts'
import { act, admit, change, foldOf, histories, NOTE, remove, SPACE, stateOf } from './history.ts'
import { Story, shown, who } from './story.ts'

const permuted = <T>(list: readonly T[], seed: number): T[] =>
  list
    .map((one, i) => [Math.imul(seed + i, 2_654_435_761) >>> 0, one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)

/** The same state from many orders of delivery, and it is what the rules say. */
function expectTheSameInAnyOrder(s: Story): void {
  const state = stateOf(foldOf(s.acts), s.acts)
  for (let seed = 0; seed < 50; seed++)
    expect(stateOf(foldOf(permuted(s.acts, seed)), s.acts), `seed ${seed}`).toEqual(state)
  expect(state.counted).toEqual(new Spec(SPACE, s.acts).counted())
}

describe('a fork at a leaf', () => {
  const s = new Story()
  s.cast('M:A N:A X:E')
  s.say('r', 'M', remove(who('X')))
  s.say('y', 'N', admit(who('Y'), 'EDITOR'))

  it('has two heads, and both acts count', () => {
    const fold = foldOf(s.acts)
    expect(fold.heads).toEqual(['r', 'y'])
    expect(fold.forks()).toEqual([{ after: '+X', branches: ['r', 'y'], isMerged: false }])
    expect(shown(fold)).toBe('F:O M:A N:A Y:E')
    expect(fold.parentsFor()).toEqual(['r', 'y'])
  })

  it('is the same in any order of delivery', () => expectTheSameInAnyOrder(s))

  it('ends with a credential that comes after both', () => {
    const fold = foldOf([...s.acts, act('m', who('F'), NOTE, ['r', 'y'])])
    expect(fold.heads).toEqual(['m'])
    expect(fold.forks()).toEqual([{ after: '+X', branches: ['r', 'y'], isMerged: true }])
  })
})

describe('a fork in the middle', () => {
  const s = new Story()
  s.cast('M:A N:A X:E')
  // One branch goes on for long before the other, from where they parted, is heard of.
  let last = '+X'
  for (let i = 0; i < 6; i++) last = s.say(`n${i}`, 'N', admit(keyOf(700 + i), 'READER'), [last])
  s.say('late', 'M', remove(who('N')), ['+N'])
  s.say('later', 'M', change(who('X'), 'READER'), ['late'])

  it('is named by the credential that it comes after, however much came since', () => {
    const fold = foldOf(s.acts)
    expect(fold.heads).toEqual(['later', 'n5'].sort())
    expect(fold.forks()).toEqual([{ after: '+N', branches: ['+X', 'late'], isMerged: false }])
  })

  it('is the same in any order of delivery: a late branch does what it may, and no more', () => {
    // One admin does not remove another. What it takes from X does not come before X’s admission, so it takes it.
    expectTheSameInAnyOrder(s)
    expect(shown(foldOf(s.acts))).toBe('F:O M:A N:A X:R')
  })

  it('takes back what a removal on the late branch takes', () => {
    const other = new Story()
    other.cast('M:A X:E')
    other.say('y', 'M', admit(who('Y'), 'ADMIN'))
    other.say('z', 'Y', admit(who('Z'), 'EDITOR'), ['y'])
    const before = foldOf(other.acts)
    expect(shown(before)).toBe('F:O M:A X:E Y:A Z:E')
    other.say('cut', 'F', remove(who('M')), ['+M'])
    expectTheSameInAnyOrder(other)
    expect(shown(foldOf(other.acts))).toBe('F:O X:E')
  })
})

describe('eight concurrent removals', () => {
  const s = new Story()
  s.cast('M:A N:A')
  const gone = Array.from({ length: 8 }, (_, i) => keyOf(800 + i))
  for (const [i, one] of gone.entries())
    s.common(s.say(`+${i}`, 'F', admit(one, 'EDITOR'), [i ? `+${i - 1}` : '+N']))
  const removals = gone.map((one, i) => act(`r${i}`, who(['F', 'M', 'N'][i % 3] ?? 'F'), remove(one), ['+7']))

  it('remove all eight, in any order', () => {
    for (let seed = 0; seed < 200; seed++) {
      const fold = foldOf(permuted([...s.acts, ...removals], seed))
      expect(shown(fold)).toBe('F:O M:A N:A')
      expect(fold.members().size).toBe(3)
      expect(fold.heads).toEqual(removals.map(({ id }) => id))
      expect(fold.forks()).toEqual([{ after: '+7', branches: removals.map(({ id }) => id), isMerged: false }])
    }
  })

  it('of one and the same member remove it once', () => {
    const same = removals.map((one) => ({ ...one, claim: remove(keyOf(800)) }))
    for (let seed = 0; seed < 50; seed++) {
      const fold = foldOf(permuted([...s.acts, ...same], seed))
      expect(fold.members().size).toBe(10)
      expect(fold.roleOf(keyOf(800))).toBeUndefined()
    }
  })
})

describe('forks', () => {
  it('are none in a line', () => {
    const s = new Story()
    s.cast('M:A N:A X:E')
    expect(foldOf(s.acts).forks()).toEqual([])
  })

  it('are where children of one act do not know each other, on random histories', () => {
    fc.assert(
      fc.property(histories(14), (history) => {
        const spec = new Spec(SPACE, history)
        const graph = history.filter(({ claim }) => !('space' in claim) || claim.space === SPACE)
        const expected = graph.flatMap((after) => {
          const children = graph.filter(({ parents }) => parents.includes(after.id))
          const first = children.filter((one) => !children.some((other) => spec.before(other, one)))
          if (first.length < 2) return []
          const all = (one: (typeof graph)[number]) => first.every((branch) => spec.before(branch, one))
          return [{ after: after.id, branches: first.map(({ id }) => id).sort(), isMerged: graph.some(all) }]
        })
        const forks = foldOf(history).forks()
        const byId = (a: { after: string }, b: { after: string }) => (a.after < b.after ? -1 : 1)
        expect(forks.map((fork) => ({ ...fork, branches: fork.branches.toSorted() })).sort(byId)).toEqual(
          expected.sort(byId),
        )
      }),
    )
  })
})
