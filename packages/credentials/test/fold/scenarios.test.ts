import { describe, expect, it } from 'vitest'
import { Spec } from '../../src/testing/spec.ts'
import { expectDocumented } from '../documented.ts'
import {
  admit,
  cancel,
  change,
  delegate,
  foldOf,
  LEAVE,
  named,
  redeem,
  remove,
  revoke,
  SPACE,
} from './history.ts'
import { device, NAMES, type Name, Story, shown, who } from './story.ts'
import { workedExample } from './worked-example.ts'

interface Scenario {
  readonly cast: string
  readonly tell: (story: Story) => void
  /** `F:O X:E`; an acting owner has an exclamation mark. */
  readonly members: string
  readonly void?: string
}

const SCENARIOS: Record<string, Scenario> = {
  'an admin removes X ‖ X acts': {
    cast: 'M:A X:E',
    tell: (s) => {
      s.say('r', 'M', remove(who('X')))
      s.say('n', 'X', LEAVE)
    },
    members: 'F:O M:A',
  },
  'F removes admin M ‖ M admits Y': {
    cast: 'M:A',
    tell: (s) => {
      s.say('r', 'F', remove(who('M')))
      s.say('y', 'M', admit(who('Y'), 'EDITOR'))
    },
    members: 'F:O',
    void: 'y',
  },
  'F removes M ‖ M admits Y (admin), who admits Z': {
    cast: 'M:A',
    tell: (s) => {
      s.say('r', 'F', remove(who('M')))
      s.say('z', 'Y', admit(who('Z'), 'EDITOR'), [s.say('y', 'M', admit(who('Y'), 'ADMIN'))])
    },
    members: 'F:O',
    void: 'y z',
  },
  'the same; F also admits Z as reader': {
    cast: 'M:A',
    tell: (s) => {
      s.say('r', 'F', remove(who('M')))
      s.say('z', 'Y', admit(who('Z'), 'EDITOR'), [s.say('y', 'M', admit(who('Y'), 'ADMIN'))])
      s.say('z2', 'F', admit(who('Z'), 'READER'), ['r'])
    },
    members: 'F:O Z:R',
    void: 'y z',
  },
  'M admits Y; then F, knowing it, removes M': {
    cast: 'M:A',
    tell: (s) => s.say('r', 'F', remove(who('M')), [s.say('y', 'M', admit(who('Y'), 'EDITOR'))]),
    members: 'F:O Y:E',
  },
  'P and Q remove each other': {
    cast: 'P:O Q:O',
    tell: (s) => {
      s.say('p', 'P', remove(who('Q')))
      s.say('q', 'Q', remove(who('P')))
    },
    members: 'F:O P:O',
    void: 'q',
  },
  'P→Q→S→P, a ring of removals': {
    cast: 'P:O Q:O S:O',
    tell: (s) => {
      s.say('p', 'P', remove(who('Q')))
      s.say('q', 'Q', remove(who('S')))
      s.say('s', 'S', remove(who('P')))
    },
    members: 'F:O P:O S:O',
    void: 'q',
  },
  'Q removes F': { cast: 'Q:O', tell: (s) => s.say('q', 'Q', remove(who('F'))), members: 'F:O Q:O' },
  'F removes P ‖ P removes X': {
    cast: 'P:O X:E',
    tell: (s) => {
      s.say('r', 'F', remove(who('P')))
      s.say('p', 'P', remove(who('X')))
    },
    members: 'F:O X:E',
    void: 'p',
  },
  'F hands over to P and leaves ‖ F’s other device grants Z OWNER': {
    cast: 'P:O',
    tell: (s) => {
      s.say('l', 'F', LEAVE)
      s.say('z', 'F.1', admit(who('Z'), 'OWNER'))
    },
    members: 'P:O',
    void: 'z',
  },
  'F hands over to P and leaves ‖ F’s other device removes P': {
    cast: 'P:O',
    tell: (s) => {
      s.say('l', 'F', LEAVE)
      s.say('r', 'F.1', remove(who('P')))
    },
    members: 'P:O',
    void: 'r',
  },
  'F and P both leave; M, X there': {
    cast: 'P:O X:E M:A',
    tell: (s) => {
      s.say('l', 'F', LEAVE)
      s.say('k', 'P', LEAVE)
    },
    members: 'M:O! X:E',
  },
  'the same, then M removes X while nobody is owner': {
    cast: 'P:O X:E M:A',
    tell: (s) => {
      s.say('l', 'F', LEAVE)
      s.say('k', 'P', LEAVE)
      s.say('r', 'M', remove(who('X')), ['l', 'k'])
    },
    members: 'M:O!',
  },
  'F demotes P to editor ‖ P admits Y': {
    cast: 'P:O',
    tell: (s) => {
      s.say('d', 'F', change(who('P'), 'EDITOR'))
      s.say('y', 'P', admit(who('Y'), 'EDITOR'))
    },
    members: 'F:O P:E',
    void: 'y',
  },
  'F makes X reader ‖ P makes X admin': {
    cast: 'P:O X:E',
    tell: (s) => {
      s.say('d', 'F', change(who('X'), 'READER'))
      s.say('u', 'P', change(who('X'), 'ADMIN'))
    },
    members: 'F:O P:O X:R',
  },
  'M removes X ‖ F makes X admin': {
    cast: 'M:A X:E',
    tell: (s) => {
      s.say('r', 'M', remove(who('X')))
      s.say('u', 'F', change(who('X'), 'ADMIN'))
    },
    members: 'F:O M:A X:A',
  },
  'M removes X ‖ F changes X from reader to editor': {
    cast: 'M:A X:R',
    tell: (s) => {
      s.say('r', 'M', remove(who('X')))
      s.say('u', 'F', change(who('X'), 'EDITOR'))
    },
    members: 'F:O M:A',
  },
  'M admits X editor ‖ N admits X reader': {
    cast: 'M:A N:A',
    tell: (s) => {
      s.say('a', 'M', admit(who('X'), 'EDITOR'))
      s.say('b', 'N', admit(who('X'), 'READER'))
    },
    members: 'F:O M:A N:A X:E',
  },
  'M removes X and admits it again ‖ N removes X': {
    cast: 'M:A N:A X:E',
    tell: (s) => {
      s.say('a', 'M', admit(who('X'), 'EDITOR'), [s.say('r', 'M', remove(who('X')))])
      s.say('q', 'N', remove(who('X')))
    },
    members: 'F:O M:A N:A',
  },
  'M and N both remove X; then F admits it again': {
    cast: 'M:A N:A X:E',
    tell: (s) => {
      s.say('r', 'M', remove(who('X')))
      s.say('q', 'N', remove(who('X')))
      s.say('a', 'F', admit(who('X'), 'EDITOR'), ['r', 'q'])
    },
    members: 'F:O M:A N:A X:E',
  },
  'P is removed and admitted again; then Q, admitted in between, removes P': {
    cast: 'P:O',
    tell: (s) => {
      const q = s.say('+Q', 'F', admit(who('Q'), 'OWNER'), [s.say('r', 'F', remove(who('P')))])
      s.say('x', 'Q', remove(who('P')), [s.say('a', 'F', admit(who('P'), 'OWNER'), [q])])
    },
    members: 'F:O Q:O',
  },
  'one use: M admits X ‖ N admits Y, M first in the order': {
    cast: 'M:A N:A',
    tell: (s) => {
      const d = s.say('d', 'F', delegate('EDITOR'))
      s.say('k1', 'M', redeem('d', who('X'), 'EDITOR'), [d])
      s.say('k2', 'N', redeem('d', who('Y'), 'EDITOR'), [d])
    },
    members: 'F:O M:A N:A X:E',
    void: 'k2',
  },
  'the same ‖ F removes M': {
    cast: 'M:A N:A',
    tell: (s) => {
      const d = s.say('d', 'F', delegate('EDITOR'))
      s.say('k1', 'M', redeem('d', who('X'), 'EDITOR'), [d])
      s.say('k2', 'N', redeem('d', who('Y'), 'EDITOR'), [d])
      s.say('r', 'F', remove(who('M')), [d])
    },
    members: 'F:O N:A Y:E',
    void: 'k1',
  },
  'M’s invitation, served by N ‖ F removes M': {
    cast: 'M:A N:A',
    tell: (s) => {
      const d = s.say('d', 'M', delegate('EDITOR'))
      s.say('k', 'N', redeem('d', who('X'), 'EDITOR'), [d])
      s.say('r', 'F', remove(who('M')), [d])
    },
    members: 'F:O N:A',
    void: 'k',
  },
  'N admits by it ‖ M cancels it': {
    cast: 'M:A N:A',
    tell: (s) => {
      const d = s.say('d', 'M', delegate('EDITOR'))
      s.say('k', 'N', redeem('d', who('X'), 'EDITOR'), [d])
      s.say('c', 'M', cancel('d'), [d])
    },
    members: 'F:O M:A N:A',
    void: 'k',
  },
  'F removes M; M backdates an admission, a removal, a cancel, a redemption': {
    cast: 'M:A X:E',
    tell: (s) => {
      const d = s.say('d', 'F', delegate('EDITOR'))
      s.say('k', 'F', redeem('d', who('Y'), 'EDITOR'), [d])
      s.say('r', 'F', remove(who('M')), [d])
      s.say('b1', 'M', admit(who('Z'), 'EDITOR'), [d])
      s.say('b2', 'M', remove(who('X')))
      s.say('b3', 'M', cancel('d'))
      s.say('b4', 'M', redeem('d', who('Z'), 'EDITOR'))
    },
    members: 'F:O X:E Y:E',
    void: 'b1 b2 b3 b4',
  },
  'P’s stolen device admits Z ‖ P’s older device revokes it': {
    cast: 'P:A',
    tell: (s) => {
      const one = s.say('p1', 'P', named(who('P'), device('P', 1)))
      const two = s.say('p2', 'P.1', named(who('P'), device('P', 2)), [one])
      s.say('z', 'P.2', admit(who('Z'), 'EDITOR'), [two])
      s.say('v', 'P.1', revoke(who('P'), device('P', 2)), [two])
    },
    members: 'F:O P:A',
    void: 'z',
  },
  'P removes M ‖ F removes P ‖ M admits Y': {
    cast: 'P:O M:A',
    tell: (s) => {
      s.say('p', 'P', remove(who('M')))
      s.say('r', 'F', remove(who('P')))
      s.say('y', 'M', admit(who('Y'), 'EDITOR'))
    },
    members: 'F:O M:A Y:E',
    void: 'p',
  },
}

describe('of concurrent acts', () => {
  for (const [name, { cast, tell, members, void: refused = '' }] of Object.entries(SCENARIOS))
    it(name, () => {
      const story = new Story()
      story.cast(cast)
      tell(story)
      const { acts } = story
      for (const order of [acts, acts.toReversed(), [...acts.slice(5), ...acts.slice(0, 5), ...acts]]) {
        const membership = foldOf(order)
        expect(shown(membership)).toBe(
          members
            .split(' ')
            .sort((a, b) => NAMES.indexOf(a[0] as Name) - NAMES.indexOf(b[0] as Name))
            .join(' '),
        )
        expect(acts.flatMap(({ id }) => (membership.counts(id) ? [] : [id])).join(' ')).toBe(refused)
        expect(
          acts
            .filter(({ id }) => membership.counts(id))
            .map(({ id }) => id)
            .sort(),
        ).toEqual(new Spec(SPACE, acts).counted())
      }
    })
})

describe('the documentation', () => {
  it('works out every conflict as the fold decides it; UPDATE_DOCS=1 writes it anew', () => {
    const examples = Object.entries(SCENARIOS).map(([name, { cast, tell }]) => {
      const story = new Story()
      story.cast(cast)
      const start = story.acts.length
      tell(story)
      return workedExample(name, story, start, foldOf(story.acts))
    })
    expectDocumented('worked examples', examples.join('\n'))
  })
})
