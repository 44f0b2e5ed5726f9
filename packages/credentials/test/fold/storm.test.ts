import { afterEach, describe, expect, it, vi } from 'vitest'
import { Causality } from '../../src/fold/causality.ts'
import type { Credential, Membership } from '../../src/index.ts'
import { keyOf } from '../cast.ts'
import { act, admit, change, foldOf, opening, PEOPLE, remove, SPACE } from './history.ts'

afterEach(() => vi.restoreAllMocks())

const [FOUNDER, M, X] = PEOPLE
const OUTSIDER = keyOf(900)
const profile = { type: 'MemberProfile', space: SPACE, member: X, profile: { displayName: 'X' } } as const

/** How often it was asked what comes before what, which every rule asks, to add these and look after each. */
function steps(fold: Membership, acts: readonly Credential[]): number {
  const before = vi.spyOn(Causality.prototype, 'before')
  const order = vi.spyOn(Causality.prototype, 'order')
  for (const one of acts) {
    fold.add(one)
    fold.members()
    fold.feeds()
  }
  const asked = before.mock.calls.length + order.mock.calls.length
  vi.restoreAllMocks()
  return asked
}

/** Acts of one author, each after the one before. */
function chain(prefix: string, count: number, start: string, by: typeof FOUNDER, claim: Credential['claim']) {
  const out: Credential[] = []
  for (let i = 0; i < count; i++) out.push(act(`${prefix}${i}`, by, claim, [out.at(-1)?.id ?? start]))
  return out
}

/** Ten times as many cost at most a little more than ten times as much. */
function expectLinear(asked: (count: number) => number): void {
  const [few, many] = [asked(100), asked(1000)]
  expect(few).toBeGreaterThan(0)
  expect(many).toBeLessThanOrEqual(11 * few)
}

describe('a storm of futile removals costs so many steps each, however many there are', () => {
  const start = opening(['ADMIN', 'EDITOR'])
  const demotion = act('demoted', FOUNDER, change(M, 'READER'), ['s1'])

  const STORMS: Record<string, { by: typeof FOUNDER; knows: string; of: typeof FOUNDER }> = {
    'by somebody who is no member, of an editor': { by: OUTSIDER, knows: 's1', of: X },
    'by somebody who is no member, of the founder': { by: OUTSIDER, knows: 'demoted', of: FOUNDER },
    'by a demoted member that knows it, of an editor': { by: M, knows: 'demoted', of: X },
    'by a demoted member that does not know it, of an editor': { by: M, knows: 's1', of: X },
    'by an admin, of the founder': { by: M, knows: 's1', of: FOUNDER },
    'by an editor, of an admin': { by: X, knows: 's1', of: M },
  }
  for (const [name, { by, knows, of }] of Object.entries(STORMS)) {
    const storm = (count: number) => chain('r', count, knows, by, remove(of))

    it(name, () => expectLinear((count) => steps(foldOf([...start, demotion]), storm(count))))

    it(`${name}, backwards`, () => {
      expectLinear((count) => steps(foldOf([...start, demotion]), storm(count).toReversed()))
    })

    it(`${name}, while the rest go on with their work`, () => {
      const work = (count: number) => [
        ...chain('w', count, 'demoted', FOUNDER, admit(keyOf(901), 'READER')),
        ...chain('p', count, 'demoted', X, profile),
      ]
      const mixed = (count: number) => {
        const [removals, other] = [storm(count), work(count)]
        return other.flatMap((one, i) => (removals[i] === undefined ? [one] : [removals[i], one]))
      }
      expectLinear((count) => steps(foldOf([...start, demotion]), mixed(count)))
    })
  }

  it('and takes nothing from anybody', () => {
    for (const { by, knows, of } of Object.values(STORMS)) {
      const fold = foldOf([...start, demotion, ...chain('r', 50, knows, by, remove(of))])
      expect([FOUNDER, M, X].map((who) => fold.roleOf(who))).toEqual(['OWNER', 'READER', 'EDITOR'])
    }
  })
})
