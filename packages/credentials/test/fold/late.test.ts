import { describe, expect, it } from 'vitest'
import { delegate, foldOf, NOTE, redeem, stateOf } from './history.ts'
import { Story, shown, who } from './story.ts'

describe('an act that comes late', () => {
  it('takes a redemption from another, even when it is itself beaten by a third', () => {
    const s = new Story()
    s.cast('M:A N:A')
    const d = s.say('d', 'F', delegate('READER'))
    s.common(d)
    s.say('a', 'M', redeem(d, who('X'), 'READER'))
    s.say('b', 'N', redeem(d, who('Y'), 'READER'), [s.say('n', 'N', NOTE)])
    s.say('c', 'F', redeem(d, who('X'), 'READER'), [s.say('o', 'F', NOTE, [s.say('p', 'F', NOTE)])])
    const withoutB = s.acts.filter(({ id }) => id !== 'b')
    const late = [...withoutB, ...s.acts.filter(({ id }) => id === 'b')]
    expect(foldOf(withoutB).counts('c')).toBe(true)
    expect(stateOf(foldOf(late), s.acts)).toEqual(stateOf(foldOf(s.acts), s.acts))
    expect(foldOf(late).counts('c')).toBe(false)
    expect(shown(foldOf(late))).toBe('F:O M:A N:A X:R')
  })
})
