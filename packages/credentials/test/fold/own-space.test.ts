import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Credential, Membership } from '../../src/index.ts'
import { Spec } from '../../src/testing/spec.ts'
import {
  act,
  admit,
  change,
  foldOf,
  histories,
  PEOPLE,
  print,
  runsOf,
  SPACE,
  shuffled,
  stateOf,
} from './history.ts'

const [owner, other] = PEOPLE

/** The same history, in a space that its genesis makes the founder's own. */
const own = (history: readonly Credential[]): Credential[] =>
  history.map((one) =>
    one.claim.type === 'SpaceGenesis' ? { ...one, claim: { ...one.claim, identity: owner } } : one,
  )

describe('an identity’s own space', () => {
  it('has it as its only member, whatever is said there and in whatever order it comes', () => {
    const any = (secondRoots: boolean) =>
      histories(14, secondRoots).map((history) => [own(history), secondRoots] as const)
    const both = fc
      .boolean()
      .chain(any)
      .chain(([history, secondRoots]) =>
        fc.tuple(fc.constant(history), shuffled(history), fc.constant(secondRoots)),
      )
    fc.assert(
      fc.property(both, ([history, delivered, secondRoots]) => {
        const membership = new Membership(SPACE)
        for (const one of delivered) membership.add(one)
        const { members, counted } = stateOf(membership, history)
        const spec = new Spec(SPACE, history)
        expect(counted, print(history)).toEqual(spec.counted())
        const named = members.map((one) => one.split(' ').slice(0, 2).join(' '))
        // Another genesis, by a space key that was not destroyed, may come without a founder.
        expect(named).toEqual(secondRoots && named.length === 0 ? [] : [`${owner.toHex()} OWNER`])
      }),
      { numRuns: runsOf(300) },
    )
  })

  it('is nobody else’s, and lets nobody be admitted, changed or removed', () => {
    const history = own([
      act('genesis', SPACE, { type: 'SpaceGenesis', space: SPACE, name: '' }, []),
      act('founder', SPACE, admit(owner, 'OWNER'), ['genesis']),
      act('guest', owner, admit(other, 'READER'), ['founder']),
      act('lower', owner, change(owner, 'READER'), ['founder']),
      act('gone', owner, { type: 'LeftSpace', space: SPACE, heads: [] }, ['founder']),
    ])
    const membership = foldOf(history)
    expect(membership.owner).toBe(owner)
    expect([...membership.members().keys()]).toEqual([owner])
    expect(membership.roleOf(owner)).toBe('OWNER')
    expect(['guest', 'lower'].map((id) => membership.why(id).code)).toEqual(['NOT_SHARED', 'NOT_SHARED'])
    expect(membership.may(owner, 'READER')).toBe(false)
    expect(membership.mayRemove(owner, owner)).toBe(false)
    expect(membership.mayChange(owner, owner, 'READER')).toBe(false)
    const foreign = foldOf([history[0] as Credential, act('eve', SPACE, admit(other, 'OWNER'), ['genesis'])])
    expect(foreign.members().size).toBe(0)
    expect(foreign.why('eve').code).toBe('NOT_A_ROOT')
  })

  it('is no space of that kind when its genesis names nobody', () => {
    const shared = foldOf([act('genesis', SPACE, { type: 'SpaceGenesis', space: SPACE, name: '' }, [])])
    expect(shared.owner).toBeUndefined()
  })
})
