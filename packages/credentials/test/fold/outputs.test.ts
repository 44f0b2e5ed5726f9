import { describe, expect, it } from 'vitest'
import type { Claim, FeedHead } from '../../src/index.ts'
import { keyOf } from '../cast.ts'
import {
  admit,
  attempts,
  cancel,
  change,
  delegate,
  EPOCH,
  foldOf,
  LEAVE,
  NOTE,
  named,
  redeem,
  remove,
  revoke,
  SPACE,
} from './history.ts'
import { device, Story, who } from './story.ts'

const FEED = keyOf(3000)
const head = (length: number, feed = FEED): FeedHead => ({ feed, length, hash: new Uint8Array(32) })
const dataFeed = (name: string, feed = FEED): Claim => ({
  type: 'AdmittedFeed',
  space: SPACE,
  member: who(name),
  device: who(name),
  feed,
  purpose: 'DATA',
  proof: new Uint8Array(64),
})
const removeAt = (name: string, ...heads: FeedHead[]): Claim => ({
  type: 'RemovedMember',
  space: SPACE,
  member: who(name),
  heads,
})
const tale = (cast: string, tell: (story: Story) => void) => {
  const story = new Story()
  story.cast(cast)
  tell(story)
  return foldOf(story.acts.toReversed())
}

describe('what a removed member wrote', () => {
  /** X has a data feed, and everybody knows it. */
  const withFeed = (cast: string, tell: (story: Story) => void) =>
    tale(cast, (s) => {
      s.common(s.say('feed', 'X', dataFeed('X')))
      tell(s)
    }).cuts()

  it('is cut at the heads that its removal names, and at nothing where it names none', () => {
    expect(withFeed('X:E', (s) => s.say('r', 'F', removeAt('X', head(7)))).get(FEED)).toEqual({
      length: 7,
      credential: 'r',
    })
    expect(withFeed('X:E', (s) => s.say('r', 'F', removeAt('X'))).get(FEED)?.length).toBe(0)
    expect(withFeed('X:E', () => undefined).size).toBe(0)
  })

  it('is cut at the lowest of several removals that stand', () => {
    const cuts = withFeed('M:A N:A X:E', (s) => {
      s.say('r', 'M', removeAt('X', head(7)))
      s.say('q', 'N', removeAt('X', head(5)))
    })
    expect(cuts.get(FEED)).toEqual({ length: 5, credential: 'q' })
  })

  it('comes back when the removal turns out to be void', () => {
    const cuts = withFeed('P:O X:E', (s) => {
      s.say('p', 'P', removeAt('X'))
      s.say('r', 'F', remove(who('P')))
    })
    expect(cuts.size).toBe(0)
  })

  it('is never cut below what the latest epoch in the removal’s past recorded', () => {
    const cuts = withFeed('X:E', (s) => {
      const epoch = s.say('e', 'F', { ...EPOCH, heads: [head(6)] } as Claim)
      s.say('r', 'F', removeAt('X', head(2)), [epoch])
    })
    expect(cuts.get(FEED)?.length).toBe(6)
  })

  it('is cut for a member that is demoted to reader, or leaves, and not for another change', () => {
    const demote = { ...change(who('X'), 'READER'), heads: [head(3)] } as Claim
    expect(withFeed('X:A', (s) => s.say('d', 'F', demote)).get(FEED)?.length).toBe(3)
    expect(withFeed('X:A', (s) => s.say('d', 'F', change(who('X'), 'EDITOR'))).size).toBe(0)
    const leave = { ...LEAVE, heads: [head(4)] } as Claim
    expect(withFeed('X:E', (s) => s.say('l', 'X', leave)).get(FEED)?.length).toBe(4)
  })

  it('is not cut while a concurrent grant lets it write on', () => {
    const cuts = withFeed('M:A X:E', (s) => {
      s.say('r', 'M', removeAt('X'))
      s.say('u', 'F', change(who('X'), 'ADMIN'))
    })
    expect(cuts.size).toBe(0)
  })

  it('stays cut when it is admitted again, and its new feeds are whole', () => {
    const other = keyOf(3001)
    const cuts = withFeed('X:E', (s) => {
      const back = s.say('a', 'F', admit(who('X'), 'EDITOR'), [s.say('r', 'F', removeAt('X', head(2)))])
      s.say('new', 'X', dataFeed('X', other), [back])
    })
    expect([...cuts]).toEqual([[FEED, { length: 2, credential: 'r' }]])
  })
})

describe('delegated invitations', () => {
  const live = (tell: (story: Story, invitation: string) => void, many = false, cast = 'M:A N:A') =>
    tale(cast, (s) => {
      const d = s.say('d', 'M', delegate('EDITOR', many))
      s.common(d)
      tell(s, d)
    })
      .invitations()
      .map(({ credential, failed, redeemedBy }) => [credential.id, failed, redeemedBy.length])

  it('are live from the act on, several at once, and by those above their role only', () => {
    expect(live(() => undefined)).toEqual([['d', 0, 0]])
    expect(live((s) => s.say('e', 'N', delegate('READER')))).toEqual([
      ['d', 0, 0],
      ['e', 0, 0],
    ])
    expect(live((s) => s.say('e', 'N', delegate('ADMIN')))).toEqual([['d', 0, 0]])
  })

  it('for one are over when somebody came by them, those for many are not', () => {
    const come = (s: Story, d: string) => s.say('k', 'N', redeem(d, who('X'), 'EDITOR'))
    expect(live(come)).toEqual([])
    expect(live(come, true)).toEqual([['d', 0, 1]])
  })

  it('stay when somebody is admitted otherwise', () => {
    expect(live((s) => s.say('a', 'N', admit(who('X'), 'EDITOR')))).toEqual([['d', 0, 0]])
  })

  it('are over when they are cancelled, or their author is out of office', () => {
    expect(live((s, d) => s.say('c', 'N', cancel(d)))).toEqual([])
    expect(live((s) => s.say('r', 'F', remove(who('M'))))).toEqual([])
    expect(live((s) => s.say('r', 'F', change(who('M'), 'EDITOR')))).toEqual([])
  })

  it('are over when anybody who may know their secrets no longer may serve them, or a device of such a one', () => {
    expect(live((s) => s.say('r', 'F', remove(who('N'))))).toEqual([])
    expect(live((s) => s.say('r', 'F', change(who('N'), 'READER')))).toEqual([])
    expect(live((s) => s.say('l', 'N', LEAVE))).toEqual([])
    const late = (s: Story) => {
      s.say('a', 'F', admit(who('P'), 'ADMIN'))
      s.say('r', 'F', remove(who('P')))
    }
    expect(live(late)).toEqual([])
    const stolen = (s: Story) => {
      s.say('n', 'N', named(who('N'), device('N', 1)))
      s.say('v', 'N', revoke(who('N'), device('N', 1)))
    }
    expect(live(stolen)).toEqual([])
  })

  it('stay when whoever goes could not serve them, or had gone before', () => {
    expect(live((s) => s.say('r', 'F', remove(who('X'))), false, 'M:A N:A X:E')).toEqual([['d', 0, 0]])
    expect(live((s) => s.say('r', 'F', change(who('P'), 'ADMIN')), false, 'M:A N:A P:O')).toEqual([
      ['d', 0, 0],
    ])
    const before = tale('M:A N:A', (s) => {
      s.common(s.say('r', 'F', remove(who('N'))))
      s.say('d', 'M', delegate('EDITOR'))
    })
    expect(before.invitations()).toHaveLength(1)
  })

  it('for many have attempts for each who came, are over with their uses, and when one who came is removed', () => {
    const come = (s: Story, d: string, name: string) => s.say(`+${name}`, 'N', redeem(d, who(name), 'EDITOR'))
    const tried = (s: Story, d: string) => {
      come(s, d, 'X')
      s.say('t', 'N', attempts(d, 2))
    }
    expect(live(tried, true)).toEqual([['d', 2, 1]])
    const few = tale('M:A N:A', (s) => {
      const d = s.say('d', 'M', { ...delegate('EDITOR', true), uses: 2 } as Claim)
      s.common(d)
      come(s, d, 'X')
      come(s, d, 'Y')
    })
    expect([few.invitations().length, few.invitation('d')?.ended]).toEqual([0, 'REDEEMED'])
    const removed = (s: Story, d: string) => s.say('r', 'F', remove(who('X')), [come(s, d, 'X')])
    expect(live(removed, true)).toEqual([])
  })

  it('tell why they are over, and whose attempts failed', () => {
    const how = (tell: (story: Story, invitation: string) => void) => {
      const fold = tale('M:A N:A', (s) => {
        const d = s.say('d', 'M', delegate('EDITOR'))
        s.common(d)
        tell(s, d)
      })
      return fold.invitation('d')
    }
    expect(how(() => undefined)?.ended).toBeUndefined()
    expect(how((s, d) => s.say('c', 'N', cancel(d)))?.ended).toBe('CANCELLED')
    expect(how((s) => s.say('r', 'F', remove(who('M'))))?.ended).toBe('CANCELLED')
    expect(how((s, d) => s.say('k', 'N', redeem(d, who('X'), 'EDITOR')))).toMatchObject({
      ended: 'REDEEMED',
      redeemedBy: [who('X')],
    })
    const locked = how((s, d) => s.say('t', 'N', attempts(d, 3)))
    expect([locked?.ended, [...(locked?.failedAt ?? [])]]).toEqual(['LOCKED', [[who('N'), 3]]])
    expect(tale('', () => undefined).invitation('+F')).toBeUndefined()
  })

  it('are not touched by a cancellation or a redemption that does not come after them', () => {
    const fold = tale('M:A N:A', (s) => {
      s.say('c', 'N', cancel('d'))
      s.say('k', 'N', redeem('d', who('X'), 'EDITOR'))
      s.say('d', 'M', delegate('EDITOR'))
    })
    expect(fold.invitations()).toHaveLength(1)
    expect([fold.why('c').code, fold.why('k').code]).toEqual(['NO_INVITATION', 'NO_INVITATION'])
    expect(fold.roleOf(who('X'))).toBeUndefined()
  })

  it('are over after too many failed attempts, counted over all who serve them', () => {
    expect(
      live((s, d) => {
        s.say('t1', 'N', attempts(d, 1))
        s.say('t2', 'N', attempts(d, 2))
      }),
    ).toEqual([['d', 2, 0]])
    expect(
      live((s, d) => {
        s.say('t1', 'N', attempts(d, 2))
        s.say('t2', 'M', attempts(d, 1))
      }),
    ).toEqual([])
  })

  it('that expired are left out for whoever names the time', () => {
    const story = new Story()
    story.say('d', 'F', delegate('EDITOR'))
    const acts = story.acts.map((one) => (one.id === 'd' ? { ...one, expiresAtMs: 100 } : one))
    const fold = foldOf(acts)
    expect(fold.invitations()).toHaveLength(1)
    expect(fold.invitations({ nowMs: 99 })).toHaveLength(1)
    expect(fold.invitations({ nowMs: 100 })).toHaveLength(0)
  })
})

describe('members', () => {
  it('are shown as they said last', () => {
    const profile = (displayName: string): Claim => ({
      type: 'MemberProfile',
      space: SPACE,
      member: who('X'),
      profile: { displayName },
    })
    const fold = tale('X:E', (s) => {
      s.say('a', 'X', profile('Ada'))
      s.say('b', 'X', profile('Countess'))
    })
    expect(fold.members().get(who('X'))?.profile.displayName).toBe('Countess')
  })
})

describe('the reason for a verdict', () => {
  const codes = (cast: string, tell: (story: Story) => void, ...ids: string[]) => {
    const fold = tale(cast, tell)
    return ids.map((id) => `${fold.why(id).code} ${fold.why(id).by ?? ''}`.trim())
  }

  it('is the grant that allows it, or what ended that', () => {
    const tell = (s: Story) => {
      s.say('r', 'F', remove(who('M')))
      s.say('y', 'M', admit(who('Y'), 'ADMIN'))
      s.say('z', 'Y', admit(who('Z'), 'EDITOR'), ['y'])
      s.say('x', 'X', admit(who('Z'), 'EDITOR'))
      s.say('n', 'S', admit(who('Z'), 'EDITOR'))
      s.say('u', 'F', NOTE)
    }
    expect(codes('M:A X:E', tell, 'genesis', '+F', '+M', 'r', 'y', 'z', 'x', 'n', 'u', 'none')).toEqual([
      'ROOT',
      'ROOT',
      'ENDED r',
      'ALLOWED +F',
      'GRANT_ENDED r',
      'VOID_GRANT y',
      'TOO_LOW +X',
      'NO_GRANT',
      'UNKNOWN_TYPE',
      'NOT_HERE',
    ])
  })

  it('says so when a removal that is allowed takes nothing', () => {
    expect(codes('Q:O', (s) => s.say('q', 'Q', remove(who('F'))), 'q')).toEqual(['NO_EFFECT'])
  })

  it('names the redemption, the cancellation or the revocation that stood in the way', () => {
    const tell = (s: Story) => {
      const d = s.say('d', 'F', delegate('EDITOR'))
      s.say('k1', 'M', redeem(d, who('X'), 'EDITOR'), [d])
      s.say('k2', 'N', redeem(d, who('Y'), 'EDITOR'), [d])
      const e = s.say('e', 'F', delegate('EDITOR'))
      s.say('k3', 'M', redeem(e, who('Z'), 'EDITOR'), [e])
      s.say('c', 'F', cancel(e))
      const one = s.say('n1', 'N', named(who('N'), device('N', 1)))
      s.say('stolen', 'N.1', admit(who('Z'), 'EDITOR'), [one])
      s.say('v', 'N', revoke(who('N'), device('N', 1)), [one])
    }
    expect(codes('M:A N:A', tell, 'k1', 'k2', 'k3', 'stolen', 'v')).toEqual([
      'ALLOWED +M',
      'NOT_FIRST k1',
      'CANCELLED c',
      'DEVICE_REVOKED v',
      'OWN_WORD',
    ])
  })

  it('is told to people too', () => {
    const fold = tale('M:A', (s) => {
      s.say('r', 'F', remove(who('M')))
      s.say('y', 'M', admit(who('Y'), 'EDITOR'))
    })
    expect(fold.why('y').text).toBe(
      'Its issuer was ADMIN; that was ended by somebody who did not know of it.',
    )
  })
})
