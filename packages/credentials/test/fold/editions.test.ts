import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Editions } from '../../src/fold/outputs/editions.ts'
import { admit, foldOf, histories, NOTE, remove, shuffled } from './history.ts'
import { Story, who } from './story.ts'

describe('a map in editions', () => {
  const changes = fc.array(
    fc.record({ key: fc.nat(5), rank: fc.option(fc.nat(9)), looks: fc.boolean(), reads: fc.boolean() }),
    { maxLength: 40 },
  )

  it('shows everybody what was there when they asked, in order, however much changed since', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const editions = new Editions<number, number, string>((a, b) => a - b)
        const model = new Map<number, number>()
        const kept: [ReadonlyMap<number, string>, [number, string][]][] = []
        const inOrder = () =>
          [...model].sort(([, a], [, b]) => a - b).map(([key, rank]): [number, string] => [key, `${rank}`])
        for (const [i, { key, rank, looks, reads }] of all.entries()) {
          // Ranks are never equal, as in the order of acts.
          const unique = rank === null ? undefined : rank * 100 + i
          if (unique === undefined) model.delete(key)
          else model.set(key, unique)
          editions.set(key, unique === undefined ? undefined : { rank: unique, value: `${unique}` })
          if (looks) kept.push([editions.current, inOrder()])
          if (reads) for (const [edition, expected] of kept) expect(edition.size).toBe(expected.length)
        }
        kept.push([editions.current, inOrder()])
        for (const [edition, expected] of kept) {
          expect([...edition]).toEqual(expected)
          expect([...edition.keys()]).toEqual(expected.map(([key]) => key))
          expect([...edition.values()]).toEqual(expected.map(([, value]) => value))
          for (let key = 0; key < 6; key++) {
            expect(edition.get(key)).toBe(new Map(expected).get(key))
            expect(edition.has(key)).toBe(new Map(expected).has(key))
          }
          const seen: [number, string][] = []
          edition.forEach((value, key) => {
            seen.push([key, value])
          })
          expect(seen).toEqual(expected)
        }
      }),
    )
  })
})

describe('members and feeds', () => {
  it('that somebody holds stay as they were, at every step of random histories', () => {
    const any = histories(14).chain((history) => shuffled(history))
    fc.assert(
      fc.property(any, (delivered) => {
        const fold = foldOf([])
        const kept: [ReadonlyMap<unknown, unknown>, unknown[]][] = []
        for (const one of delivered) {
          fold.add(one)
          for (const map of [fold.members(), fold.feeds()]) kept.push([map, [...map]])
        }
        for (const [map, entries] of kept) expect([...map]).toEqual(entries)
      }),
      { numRuns: 200 },
    )
  })

  it('are the same object until something of them changes', () => {
    const s = new Story()
    s.cast('M:A X:E')
    const fold = foldOf(s.acts)
    const [members, feeds] = [fold.members(), fold.feeds()]
    s.say('n', 'X', NOTE)
    s.say('futile', 'X', remove(who('M')))
    for (const one of s.acts) fold.add(one)
    expect(fold.members()).toBe(members)
    expect(fold.feeds()).toBe(feeds)
    s.say('y', 'M', admit(who('Y'), 'EDITOR'))
    for (const one of s.acts) fold.add(one)
    expect(fold.members()).not.toBe(members)
    expect([members.size, fold.members().size]).toEqual([3, 4])
  })
})
