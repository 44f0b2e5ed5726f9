import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Membership } from '../../src/index.ts'
import { Spec } from '../../src/testing/spec.ts'
import { foldOf, histories, print, runsOf, SPACE, shuffled, stateOf } from './history.ts'

const RUNS = { numRuns: runsOf(400) }

describe('a snapshot of a membership', () => {
  it('taken at any point, and continued with the rest in any order, is what the whole history is', async () => {
    const cases = histories(16).chain((history) =>
      fc.tuple(fc.constant(history), shuffled(history), fc.nat(2 * history.length)),
    )
    await fc.assert(
      fc.asyncProperty(cases, async ([history, delivered, at]) => {
        const reopened = await Membership.open(SPACE, await foldOf(delivered.slice(0, at)).snapshot())
        const before = foldOf(delivered.slice(0, at))
        expect(stateOf(reopened, history), print(history)).toEqual(stateOf(before, history))
        for (const one of delivered.slice(at)) reopened.add(one)
        const whole = foldOf(history)
        expect(stateOf(reopened, history), print(history)).toEqual(stateOf(whole, history))
        expect(stateOf(reopened, history).counted).toEqual(new Spec(SPACE, history).counted())
        for (const { id } of history) expect(reopened.why(id).counts).toBe(whole.counts(id))
      }),
      RUNS,
    )
  })

  it('of what was opened from one is the same bytes again', async () => {
    await fc.assert(
      fc.asyncProperty(histories(12), async (history) => {
        const bytes = await foldOf(history).snapshot()
        expect(await (await Membership.open(SPACE, bytes)).snapshot()).toEqual(bytes)
      }),
      { numRuns: 100 },
    )
  })
})
