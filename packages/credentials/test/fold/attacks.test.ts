import { describe, expect, it } from 'vitest'
import type { Claim } from '../../src/index.ts'
import { Spec } from '../../src/testing/spec.ts'
import { keyOf } from '../cast.ts'
import { admit, cancel, change, delegate, foldOf, LEAVE, NOTE, redeem, remove, SPACE } from './history.ts'
import { Story, shown, who } from './story.ts'

describe('attacks', () => {
  const after = (cast: string, tell: (story: Story) => void) => {
    const story = new Story()
    story.cast(cast)
    tell(story)
    return shown(foldOf(story.acts.toReversed()))
  }

  it('a junior owner who removes its seniors before they speak removes nobody', () => {
    expect(
      after('P:O Q:O', (s) => s.say('q2', 'Q', remove(who('P')), [s.say('q', 'Q', remove(who('F')))])),
    ).toBe('F:O P:O Q:O')
  })

  it('an admin can not launder the removal of an owner', () => {
    expect(
      after('P:O Q:O M:A', (s) => {
        s.say('m', 'M', remove(who('P')), [s.say('q', 'Q', remove(who('P')))])
        s.say('f', 'F', remove(who('Q')))
      }),
    ).toBe('F:O P:O M:A')
  })

  it('seniority has no circle: A before C, C before B and B before A by id, each removes the next', () => {
    const story = new Story()
    story.say('m', 'F', admit(who('P'), 'OWNER'))
    story.say('f', 'F.1', admit(who('Q'), 'OWNER'))
    story.say('c9', 'F', admit(who('S'), 'OWNER'), ['m'])
    story.say('1', 'P', remove(who('S')), ['c9', 'f'])
    story.say('2', 'S', remove(who('Q')), ['c9', 'f'])
    story.say('3', 'Q', remove(who('P')), ['c9', 'f'])
    const { acts } = story
    const [a, b] = [foldOf(acts), foldOf(acts.toReversed())]
    expect(shown(a)).toBe('F:O Q:O S:O')
    expect(shown(b)).toBe(shown(a))
    expect(
      acts
        .filter(({ id }) => a.counts(id))
        .map(({ id }) => id)
        .sort(),
    ).toEqual(new Spec(SPACE, acts).counted())
  })

  it('an acting owner grants nothing above its own rank, not OWNER either', () => {
    expect(
      after('M:A X:E', (s) => {
        const left = s.say('l', 'F', LEAVE)
        s.say('z', 'M', admit(who('Z'), 'OWNER'), [left])
        s.say('y', 'M', admit(who('Y'), 'ADMIN'), [left])
        s.say('x', 'M', change(who('X'), 'OWNER'))
      }),
    ).toBe('M:O! X:E Y:A')
  })

  it('whoever lowers itself keeps what is left, and the lower of two', () => {
    expect(after('M:A', (s) => s.say('c', 'M', change(who('M'), 'READER')))).toBe('F:O M:R')
    expect(
      after('M:A', (s) => {
        s.say('c', 'M', change(who('M'), 'READER'))
        s.say('d', 'M.1', change(who('M'), 'EDITOR'))
      }),
    ).toBe('F:O M:R')
    expect(
      after('M:A', (s) => {
        s.say('c', 'M', change(who('M'), 'READER'))
        s.say('r', 'F', remove(who('M')))
      }),
    ).toBe('F:O')
  })

  it('an acting owner is above admins, and nobody else is', () => {
    expect(
      after('M:A N:A X:E', (s) => {
        const left = s.say('l', 'F', LEAVE)
        s.say('a', 'N', remove(who('M')), [left])
        s.say('b', 'M', remove(who('N')), [left])
      }),
    ).toBe('M:O! X:E')
  })

  it('whoever serves an invitation is above its role, and whoever cancels it too', () => {
    expect(
      after('M:A', (s) => {
        const d = s.say('d', 'F', delegate('ADMIN', true))
        s.say('k', 'M', redeem('d', who('Z'), 'ADMIN'), [d])
        s.say('c', 'M', cancel('d'), [d])
        s.say('j', 'F', redeem('d', who('Y'), 'ADMIN'), [d])
      }),
    ).toBe('F:O M:A Y:A')
  })

  it('a redemption gives the invitation’s role or nothing, and comes after it', () => {
    expect(
      after('M:A', (s) => {
        const d = s.say('d', 'F', delegate('READER', true))
        s.say('k', 'M', redeem('d', who('X'), 'ADMIN'), [d])
        s.say('j', 'M.1', redeem('d', who('Y'), 'READER'))
        s.say('i', 'M', redeem('d', who('Z'), 'READER'), [d])
      }),
    ).toBe('F:O M:A Z:R')
  })

  it('an accomplice of a removed admin lets it in again until the accomplice is removed', () => {
    expect(
      after('M:A', (s) => {
        const r = s.say('r', 'F', remove(who('M')), [s.say('z', 'M', admit(who('Z'), 'ADMIN'))])
        s.say('a', 'Z', admit(who('M'), 'ADMIN'), [r])
        s.say('r2', 'F', remove(who('Z')), [r])
      }),
    ).toBe('F:O')
  })

  it('empty acts before a removal do not make it senior', () => {
    expect(
      after('P:O Q:O', (s) => {
        let last = s.say('n0', 'Q', NOTE, ['genesis'])
        for (let i = 1; i < 5; i++) last = s.say(`n${i}`, 'Q', NOTE, [last])
        s.say('q', 'Q', remove(who('P')), [last])
        s.say('p', 'P', remove(who('Q')))
      }),
    ).toBe('F:O P:O')
  })

  it('a former member who lowers itself once more, backdated, hands its feed to nobody', () => {
    const story = new Story()
    story.cast('M:A')
    const feed = (member: string): Claim => ({
      type: 'AdmittedFeed',
      space: SPACE,
      member: who(member),
      device: who(member),
      feed: keyOf(3000),
      purpose: 'CONTROL',
      proof: new Uint8Array(64),
    })
    const hosted = story.say('a', 'F', feed('M'))
    const removed = story.say('b', 'F', remove(who('M')), [hosted])
    story.say('c', 'F', feed('F'), [removed])
    story.say('d', 'M', change(who('M'), 'READER'), ['genesis'])
    const membership = foldOf(story.acts)
    expect(membership.feeds().get(keyOf(3000))?.credential).toBe(hosted)
    expect(shown(membership)).toBe('F:O')
  })
})
