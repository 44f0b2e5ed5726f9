import type { PublicKey } from '@vestibule/keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claim, Membership } from '../../src/index.ts'
import {
  act,
  admit,
  change,
  delegate,
  deviceOf,
  EPOCH,
  extend,
  foldOf,
  histories,
  LEAVE,
  named,
  opsArb,
  PEOPLE,
  print,
  redeem,
  remove,
  revoke,
  runsOf,
  shuffled,
} from './history.ts'
import { device, Story, who } from './story.ts'

const RUNS = { numRuns: runsOf(1000) }

const tale = (cast: string, tell: (story: Story) => void) => {
  const story = new Story()
  story.cast(cast)
  tell(story)
  return foldOf(story.acts)
}

describe('epochs', () => {
  /** What a fold says of them: the current one, and whether another is needed, and before anything is written. */
  const said = (fold: Membership) => {
    const { current, isNeeded, isBlocked } = fold.epochs()
    return [current?.id, isNeeded, isBlocked]
  }
  const sealedTo = (...devices: PublicKey[]): Claim =>
    ({ ...EPOCH, keys: devices.map((device) => ({ device, sealed: new Uint8Array() })) }) as Claim

  it('are needed after a removal, and the first that leaves out whom it took is current', () => {
    const lost = tale('P:O Q:O X:E', (s) => {
      s.say('e1', 'F', EPOCH)
      s.say('r', 'F', remove(who('X')))
      s.say('old', 'P', EPOCH)
    })
    expect(said(lost)).toEqual([undefined, true, true])
    const after = tale('P:O Q:O X:E', (s) => {
      const removed = s.say('r', 'F', remove(who('X')))
      s.say('e2', 'F', EPOCH, [removed])
      s.say('e1', 'P', EPOCH, [removed])
      s.say('old', 'Q', EPOCH)
    })
    expect(said(after)).toEqual(['e1', false, false])
    expect(tale('', () => undefined).epochs()).toEqual({
      all: [],
      current: undefined,
      isNeeded: false,
      isBlocked: false,
    })
  })

  it('follow one another at will: the last is current, and of concurrent ones the first in the order', () => {
    expect(said(tale('P:O', (s) => s.say('e2', 'P', EPOCH, [s.say('e1', 'F', EPOCH)])))).toEqual([
      'e2',
      false,
      false,
    ])
    const both = tale('P:O', (s) => {
      const first = s.say('e0', 'F', EPOCH)
      s.say('e1', 'P', EPOCH, [first])
      s.say('e2', 'F', EPOCH, [first])
    })
    expect(said(both)[0]).toBe('e1')
  })

  it('are not asked for by a removal that takes nobody, nor by a stranger', () => {
    const fold = tale('P:O Q:O X:E Y:E', (s) => {
      s.say('q', 'Q', remove(who('F')))
      s.say('x', 'X', remove(who('Y')))
      const stranger = s.say('z', 'X', admit(who('Z'), 'OWNER'))
      s.say('zy', 'Z', remove(who('Y')), [stranger])
      s.say('zl', 'Z', LEAVE, [stranger])
      s.say('zr', 'Z', revoke(who('Z'), device('Z', 1)), [
        s.say('zd', 'Z', named(who('Z'), device('Z', 1)), [stranger]),
      ])
    })
    expect(said(fold)).toEqual([undefined, false, false])
  })

  it('that were sealed to somebody who is removed in the end do not do, though they come after the removal', () => {
    const tell = (more: (s: Story) => void) =>
      tale('P:O M:A X:E', (s) => {
        const one = s.say('x1', 'X', named(who('X'), device('X', 1)))
        const removed = s.say('r', 'M', remove(who('X')), [one])
        const gone = s.say('m', 'P', remove(who('M')), [one])
        s.say('e', 'P', sealedTo(device('X', 1)), [removed, gone])
        more(s)
      })
    expect(said(tell(() => undefined))).toEqual(['e', false, false])
    // P’s removal of M falls, so M’s removal of X stands.
    const fallen = tell((s) => {
      s.say('p', 'F', remove(who('P')))
    })
    expect(fallen.roleOf(who('X'))).toBeUndefined()
    expect(said(fallen)).toEqual([undefined, true, true])
    // It helps nobody who is no member to name a member’s device as its own.
    const named2 = tale('P:O X:E Y:E', (s) => {
      const one = s.say('x1', 'X', named(who('X'), device('X', 1)))
      const two = s.say('y1', 'Y', named(who('Y'), device('X', 1)), [one])
      s.say('e', 'F', sealedTo(device('X', 1)), [s.say('r', 'F', remove(who('Y')), [two])])
    })
    expect(said(named2)).toEqual(['e', false, false])
  })

  it('are needed when somebody leaves, and what is written meanwhile is sealed by the one before', () => {
    const fold = tale('M:A X:E', (s) => {
      const first = s.say('e1', 'F', EPOCH)
      s.say('l', 'X', LEAVE, [first])
    })
    expect(said(fold)).toEqual(['e1', true, false])
    expect(said(tale('X:E', (s) => s.say('l', 'X', LEAVE)))).toEqual([undefined, true, false])
    const after = tale('M:A X:E Y:E', (s) => {
      const left = s.say('l', 'X', LEAVE)
      s.say('r', 'F', remove(who('Y')), [left])
    })
    expect(said(after)).toEqual([undefined, true, true])
  })

  it('that leave out one who has left do when it is removed as well', () => {
    const tell = (known: (left: string) => string[]) =>
      tale('M:A X:E', (s) => {
        const epoch = s.say('e', 'F', EPOCH, known(s.say('l', 'X', LEAVE)))
        s.say('r', 'F', remove(who('X')), [epoch])
      })
    expect(said(tell((left) => [left]))).toEqual(['e', false, false])
    expect(said(tell(() => []))).toEqual([undefined, true, true])
  })

  it('are needed after the revocation of a device that was named, while its owner is a member', () => {
    const tell = (more: (s: Story, revoked: string) => void = () => undefined) =>
      tale('X:E', (s) => {
        const one = s.say('x1', 'X', named(who('X'), device('X', 1)))
        more(s, s.say('v', 'X', revoke(who('X'), device('X', 1)), [one]))
      })
    expect(said(tell())).toEqual([undefined, true, true])
    expect(said(tell((s, revoked) => s.say('e', 'X', EPOCH, [revoked])))).toEqual(['e', false, false])
    const gone = tell((s) => s.say('e', 'F', EPOCH, [s.say('r', 'F', remove(who('X')))]))
    expect(said(gone)).toEqual(['e', false, false])
    const unnamed = tale('X:E', (s) => s.say('v', 'X', revoke(who('X'), device('X', 1))))
    expect(said(unnamed)).toEqual([undefined, false, false])
  })

  it('are needed when somebody came by an invitation that another had used up', () => {
    const tell = (more: (s: Story) => void = () => undefined) =>
      tale('M:A N:A', (s) => {
        const d = s.say('d', 'M', delegate('EDITOR'))
        s.common(d)
        s.say('k1', 'M', redeem(d, who('X'), 'EDITOR'))
        s.say('k2', 'N', redeem(d, who('Y'), 'EDITOR'))
        more(s)
      })
    expect(said(tell())).toEqual([undefined, true, true])
    expect(said(tell((s) => s.say('e', 'F', EPOCH, ['k1', 'k2'])))).toEqual(['e', false, false])
  })

  it('are needed for one who is to read no history, and nobody waits with writing', () => {
    const came = (more: (s: Story, grant: string) => void = () => undefined) =>
      tale('M:A X:E', (s) => {
        s.common(s.say('e1', 'F', EPOCH))
        more(s, s.say('y', 'M', { ...admit(who('Y'), 'EDITOR'), history: 'none' } as Claim))
      })
    expect(said(came())).toEqual(['e1', true, false])
    expect(said(came((s, grant) => s.say('e2', 'M', EPOCH, [grant])))).toEqual(['e2', false, false])
    // What somebody issued without knowing of it is not current, though it is the first in the order.
    const beside = came((s, grant) => {
      s.say('e2', 'M', EPOCH, [grant])
      s.say('a', 'F', EPOCH)
    })
    expect(said(beside)).toEqual(['e2', false, false])
    const gone = came((s, grant) => {
      s.say('e3', 'F', EPOCH, [s.say('r', 'F', remove(who('Y')), [grant])])
    })
    expect(said(gone)).toEqual(['e3', false, false])
  })

  it('are by admins, and by any member with the revocation of its own device', () => {
    const fold = tale('M:A X:R', (s) => {
      const one = s.say('x1', 'X', named(who('X'), device('X', 1)))
      const revoked = s.say('v', 'X', revoke(who('X'), device('X', 1)), [one])
      s.say('ex', 'X', EPOCH, [revoked])
      s.say('no', 'X', EPOCH)
      s.say('em', 'M', EPOCH)
    })
    expect(['ex', 'no', 'em'].map((id) => fold.counts(id))).toEqual([true, false, true])
  })
})

describe('a read key', () => {
  it('is for all members, for as long as they are', () => {
    const fold = tale('X:E', (s) => {
      s.common(s.say('e1', 'F', EPOCH))
      s.common(s.say('e2', 'F', EPOCH))
      const came = s.say('y', 'F', admit(who('Y'), 'EDITOR'))
      s.say('beside', 'F.1', EPOCH)
      s.common(came)
      s.say('lower', 'F', change(who('Y'), 'READER'))
      s.say('e3', 'F', EPOCH)
      s.say('z', 'F', remove(who('X')))
    })
    const held = (name: string) =>
      [undefined, 'e1', 'e2', 'beside', 'e3'].map((id) => fold.mayRead(who(name), id))
    expect(held('F')).toEqual([true, true, true, true, true])
    expect(held('Y')).toEqual([true, true, true, true, true])
    expect(held('X')).toEqual([false, false, false, false, false])
    expect([fold.mayRead(who('F'), 'y'), fold.mayRead(who('F'), 'none')]).toEqual([false, false])
  })
})

describe('who came without the history', () => {
  const bare = (name: string, role: 'ADMIN' | 'EDITOR') =>
    ({ ...admit(who(name), role), history: 'none' }) as Claim

  it('reads under the epochs that come after its admission, whatever becomes of it', () => {
    const fold = tale('P:O M:A', (s) => {
      s.common(s.say('e1', 'F', EPOCH))
      const came = s.say('y', 'M', bare('Y', 'EDITOR'))
      s.say('beside', 'F', EPOCH)
      s.say('e2', 'M', EPOCH, [came])
      s.common('e2')
      s.say('up', 'F', change(who('Y'), 'ADMIN'))
      s.common('up')
      s.say('e3', 'F', EPOCH)
    })
    const epochs = [undefined, 'e1', 'beside', 'e2', 'e3']
    expect(epochs.map((id) => fold.mayRead(who('Y'), id))).toEqual([false, false, false, true, true])
    expect(epochs.map((id) => fold.mayRead(who('M'), id))).toEqual([true, true, true, true, true])
  })

  it('gains none by a change of role that did not know of it', () => {
    const fold = tale('M:A', (s) => {
      s.say('y', 'M', bare('Y', 'EDITOR'))
      const up = s.say('up', 'F', change(who('Y'), 'ADMIN'))
      s.say('e1', 'F', EPOCH, [up])
    })
    expect([undefined, 'e1'].map((id) => fold.mayRead(who('Y'), id))).toEqual([false, true])
  })

  it('gives nobody a history that it has not, neither by admitting nor by another who promotes them', () => {
    const fold = tale('', (s) => {
      s.common(s.say('e1', 'F', EPOCH))
      s.common(s.say('m', 'F', bare('M', 'ADMIN')))
      s.common(s.say('e2', 'F', EPOCH))
      s.common(s.say('y', 'M', admit(who('Y'), 'EDITOR')))
      s.common(s.say('up', 'F', change(who('Y'), 'ADMIN')))
      s.common(s.say('z', 'Y', admit(who('Z'), 'EDITOR')))
      s.common(s.say('x', 'F', admit(who('X'), 'EDITOR')))
    })
    const read = (name: string) => [undefined, 'e1', 'e2'].map((id) => fold.mayRead(who(name), id))
    for (const name of ['M', 'Y', 'Z']) expect(read(name)).toEqual([false, false, true])
    expect(read('X')).toEqual([true, true, true])
  })

  it('has it when somebody else, not knowing of that, admits it with the history, or does so again', () => {
    const twice = tale('M:A N:A', (s) => {
      s.common(s.say('e1', 'F', EPOCH))
      s.say('k1', 'M', bare('X', 'EDITOR'))
      s.say('k2', 'N', admit(who('X'), 'EDITOR'))
    })
    expect(twice.mayRead(who('X'))).toBe(true)
    const again = tale('M:A', (s) => {
      s.common(s.say('x', 'M', bare('X', 'EDITOR')))
      s.common(s.say('r', 'F', remove(who('X'))))
      s.common(s.say('x2', 'F', admit(who('X'), 'EDITOR')))
    })
    expect(again.mayRead(who('X'))).toBe(true)
  })
})

describe('epochs, on random histories', () => {
  const stateOf = (fold: Membership) => {
    const { all, current, isNeeded, isBlocked } = fold.epochs()
    return { all: all.map(({ id }) => id), current: current?.id, isNeeded, isBlocked }
  }
  /** Some epochs are sealed to devices, of anybody. */
  const sealed = fc.tuple(histories(16), fc.array(fc.nat(40), { maxLength: 8 })).map(([history, salts]) =>
    history.map((one, at) => {
      const salt = salts[at % Math.max(1, salts.length)]
      if (one.claim.type !== 'Epoch' || salt === undefined) return one
      const owner = PEOPLE[salt % PEOPLE.length] ?? PEOPLE[0]
      const keys = [{ device: deviceOf(owner, salt % 2), sealed: new Uint8Array() }]
      return { ...one, claim: { ...one.claim, keys } }
    }),
  )

  it('are the same for everybody who has the same acts, whatever order they came in', () => {
    fc.assert(
      fc.property(
        sealed.chain((history) => fc.tuple(fc.constant(history), shuffled(history))),
        ([history, delivered]) => {
          expect(stateOf(foldOf(delivered)), print(history)).toEqual(stateOf(foldOf(history)))
        },
      ),
      RUNS,
    )
  })

  it('leave out whoever was removed and every device that was revoked, or nothing is written', () => {
    fc.assert(
      fc.property(sealed, (history) => {
        const fold = foldOf(history)
        const { current, isBlocked, all } = fold.epochs()
        if (current === undefined) return
        expect(isBlocked).toBe(false)
        expect(all).toContain(current)
        if (current.claim.type !== 'Epoch') throw new Error('not an epoch')
        const members = [...fold.members().keys()]
        for (const { device: key } of current.claim.keys) {
          const owners = PEOPLE.filter((one) => fold.devicesOf(one).some((named) => named.key === key))
          const live = owners.filter((one) => members.includes(one) && !fold.isRevoked(one, key))
          expect(owners.length === 0 || live.length > 0, print(history)).toBe(true)
        }
        for (const one of PEOPLE) {
          const departures = fold.departuresOf(one)
          const isRemoved = departures.some(({ issuer }) => issuer !== one)
          if (fold.roleOf(one) !== undefined || !isRemoved) continue
          // Whatever ended its membership: one who has left may be removed as well.
          expect(
            departures.some(({ id }) => fold.comesAfter(current.id, id)),
            print(history),
          ).toBe(true)
        }
      }),
      RUNS,
    )
  })

  it('are for nobody without the history who came after them, and the current one comes after such', () => {
    const bare = fc
      .tuple(histories(16), fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }))
      .map(([history, withoutHistory]) =>
        history.map((one, at) =>
          one.claim.type === 'SpaceMember' && one.id !== 'founder' && withoutHistory[at % 16]
            ? { ...one, claim: { ...one.claim, history: 'none' as const } }
            : one,
        ),
      )
    fc.assert(
      fc.property(bare, (history) => {
        const fold = foldOf(history)
        const { all, current, isNeeded } = fold.epochs()
        for (const [member] of fold.members()) {
          const grants = history.filter(
            ({ id, claim }) => claim.type === 'SpaceMember' && claim.member === member && fold.counts(id),
          )
          // A change of role brings somebody in as well, when nothing else did.
          if (grants.length === 0) continue
          if (!grants.every(({ claim }) => claim.type === 'SpaceMember' && claim.history === 'none')) continue
          expect(fold.mayRead(member), print(history)).toBe(false)
          for (const { id } of all)
            if (fold.mayRead(member, id))
              expect(
                grants.some((grant) => fold.comesAfter(id, grant.id)),
                print(history),
              ).toBe(true)
          const admission = fold.admissionOf(member)?.credential
          const isLate = current === undefined || !grants.some(({ id }) => fold.comesAfter(current.id, id))
          if (admission !== undefined && fold.departuresOf(member).length === 0 && isLate)
            expect(isNeeded, print(history)).toBe(true)
        }
      }),
      RUNS,
    )
  })

  it('that the founder issues after everything are current at once', () => {
    fc.assert(
      fc.property(sealed, (history) => {
        const [founder] = PEOPLE
        const fold = foldOf(history)
        const next = act('~next', founder, EPOCH, fold.heads)
        fold.add(next)
        fc.pre(fold.counts(next.id))
        expect(stateOf(fold)).toMatchObject({ current: '~next', isNeeded: false, isBlocked: false })
      }),
      RUNS,
    )
  })

  it('are asked for by nothing that an editor signs who neither leaves nor revokes a device, nor in its name', () => {
    const editor = PEOPLE[5]
    fc.assert(
      fc.property(histories(12, false), opsArb(1, 8), (history, evil) => {
        const base = history.map((one) => (one.issuer === editor ? { ...one, claim: EPOCH } : one))
        const admitted = act('900in', PEOPLE[0], admit(editor, 'EDITOR'), ['founder'])
        const start = [...base, admitted]
        const before = stateOf(foldOf(start))
        const signed = evil
          .filter(({ claim: { type } }) => type !== 'LeftSpace' && type !== 'RevokedDevice')
          .map((one) => ({ ...one, by: editor, odd: Math.max(one.odd, 6) }))
        const more = extend(start, signed, 'e')
        const role = foldOf(more).members().get(editor)?.role
        fc.pre(foldOf(start).roleOf(editor) === 'EDITOR' && role === 'EDITOR')
        expect(stateOf(foldOf(more)), print(more)).toEqual(before)
      }),
      RUNS,
    )
  })
})
