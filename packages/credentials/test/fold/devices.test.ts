import { describe, expect, it } from 'vitest'
import type { Claim } from '../../src/index.ts'
import { keyOf } from '../cast.ts'
import { act, admit, foldOf, named, revoke, SPACE } from './history.ts'
import { device, Story, who } from './story.ts'

/** P is an admin; its key has named device 1, which named devices 2 and 3 in that order. */
const tale = (tell: (story: Story) => void) => {
  const story = new Story()
  story.cast('P:A')
  story.say('one', 'P', named(who('P'), device('P', 1)))
  story.say('two', 'P.1', named(who('P'), device('P', 2)), ['one'])
  story.common(story.say('three', 'P.1', named(who('P'), device('P', 3))))
  tell(story)
  const [fold, other] = [foldOf(story.acts), foldOf(story.acts.toReversed())]
  const counted = story.acts.map(({ id }) => fold.counts(id))
  expect(story.acts.map(({ id }) => other.counts(id))).toEqual(counted)
  return fold
}
const guest = admit(who('Z'), 'EDITOR')

describe('a device', () => {
  it('is revoked by one above it, and by one that the same key named earlier', () => {
    for (const by of ['P', 'P.1', 'P.2']) {
      const fold = tale((s) => {
        s.say('z', 'P.3', guest)
        s.say('v', by, revoke(who('P'), device('P', 3)))
      })
      expect(fold.counts('z'), by).toBe(false)
    }
  })

  it('is not revoked by one below it, or by one named later, or by itself', () => {
    for (const by of ['P.2', 'P.3', 'P.1']) {
      const fold = tale((s) => {
        s.say('z', 'P.1', guest)
        s.say('v', by, revoke(who('P'), device('P', 1)))
      })
      expect(fold.counts('z'), by).toBe(true)
    }
  })

  it('keeps what the revocation knew', () => {
    const fold = tale((s) => s.say('v', 'P.1', revoke(who('P'), device('P', 2)), [s.say('z', 'P.2', guest)]))
    expect(fold.counts('z')).toBe(true)
  })

  it('can not place itself or one of its making above the one that named it, whatever it backdates', () => {
    const fold = tale((s) => {
      s.say('evil', 'P.3', named(who('P'), device('P', 4)), ['genesis'])
      s.say('again', 'P.4', named(who('P'), device('P', 3)), ['genesis'])
      s.say('w', 'P.4', revoke(who('P'), device('P', 1)), ['again'])
      s.say('u', 'P.3', revoke(who('P'), device('P', 2)))
      s.say('z', 'P.1', guest)
      s.say('y', 'P.2', admit(who('Y'), 'EDITOR'))
    })
    expect(['z', 'y'].map((id) => fold.counts(id))).toEqual([true, true])
  })

  it('takes along the devices that it named behind the revocation, and those that no act names', () => {
    const fold = tale((s) => {
      s.say('evil', 'P.3', named(who('P'), device('P', 4)))
      s.say('z', 'P.4', guest, ['evil'])
      s.say('y', 'P.5', admit(who('Y'), 'EDITOR'))
      s.say('v', 'P', revoke(who('P'), device('P', 3)))
    })
    expect(['evil', 'z', 'y'].map((id) => fold.counts(id))).toEqual([false, false, false])
    expect(fold.why('z').code).toBe('DEVICE_REVOKED')
  })

  it('falls to the recovery key, and so does the key of the identity', () => {
    for (const n of [0, 1]) {
      const story = new Story()
      story.cast('P:A')
      story.common(story.say('one', 'P', named(who('P'), device('P', 1))))
      const by = story.say('rec', 'P', recovery(900))
      story.say('z', `P.${n}`, guest, [by])
      story.acts.push(act('v', who('P'), revoke(who('P'), device('P', n)), [by], keyOf(900)))
      expect(foldOf(story.acts.toReversed()).counts('z'), `${n}`).toBe(false)
    }
  })
})

const recovery = (n: number): Claim => ({
  type: 'IdentityRecovery',
  identity: who('P'),
  recoveryKey: keyOf(n),
  agreementKey: new Uint8Array(32).fill(9),
  // What the fold sees has been verified, so it looks at no proof.
  proof: new Uint8Array(64),
})

describe('a recovery key', () => {
  /** The key of P has named two, one after the other; `by` revokes `of`, and `of` admits somebody. */
  const revoked = (by: number | 'P', of: number): boolean => {
    const story = new Story()
    story.cast('P:A')
    story.common(story.say('second', 'P', recovery(901), [story.say('first', 'P', recovery(900))]))
    const signer = by === 'P' ? who('P') : keyOf(by)
    story.acts.push(act('v', who('P'), revoke(who('P'), keyOf(of)), ['second'], signer))
    story.acts.push(act('z', who('P'), guest, ['second'], keyOf(of)))
    const [fold, other] = [foldOf(story.acts), foldOf(story.acts.toReversed())]
    expect(other.counts('z')).toBe(fold.counts('z'))
    return !fold.counts('z')
  }

  it('is revoked by one that was named before it, and not by one named later', () => {
    expect([revoked(900, 901), revoked(901, 900)]).toEqual([true, false])
  })

  it('is not revoked by the key of the identity, which a stolen device may hold, nor by itself', () => {
    expect([revoked('P', 900), revoked('P', 901), revoked(900, 900)]).toEqual([false, false, false])
  })

  it('is known for each member, until it is revoked or its member goes', () => {
    const story = new Story()
    story.cast('P:A')
    story.common(story.say('second', 'P', recovery(901), [story.say('first', 'P', recovery(900))]))
    const ids = () =>
      foldOf(story.acts)
        .recoveries()
        .map(({ id }) => id)
    expect(ids()).toEqual(['first', 'second'])
    story.acts.push(act('v', who('P'), revoke(who('P'), keyOf(901)), ['second'], keyOf(900)))
    expect(ids()).toEqual(['first'])
    story.say('gone', 'P', { type: 'LeftSpace', space: SPACE, heads: [] })
    expect(ids()).toEqual([])
  })
})

describe('the devices of an identity', () => {
  const label = (n: number, text: string): Claim => ({
    type: 'DeviceProfile',
    identity: who('P'),
    device: device('P', n),
    label: text,
  })
  const profile = (displayName: string): Claim => ({
    type: 'IdentityProfile',
    identity: who('P'),
    profile: { displayName },
  })

  it('are all known by the latest names that they were given, with those that were revoked', () => {
    const fold = tale((s) => {
      s.say('v', 'P.1', revoke(who('P'), device('P', 3)), [
        s.say('name', 'P.1', label(2, 'phone'), [s.say('first', 'P.2', label(2, 'old'))]),
      ])
      s.say('late', 'P.3', label(1, 'mine'))
      s.say('me', 'P.2', profile('Pat'))
    })
    expect(fold.devicesOf(who('P')).map(({ key, label: text, revoked }) => [key, text, revoked])).toEqual([
      [device('P', 1), '', false],
      [device('P', 2), 'phone', false],
      [device('P', 3), '', true],
    ])
    expect(fold.revocationsOf(who('P')).map(({ id }) => id)).toEqual(['v'])
    expect(fold.profileOf(who('P'))).toEqual({ displayName: 'Pat' })
    expect([fold.devicesOf(who('F')), fold.profileOf(who('F'))]).toEqual([[], undefined])
  })

  it('are senior by how they were named', () => {
    const fold = tale(() => undefined)
    const senior = (a: number, b: number) => fold.isSenior(who('P'), device('P', a), device('P', b))
    expect([senior(0, 1), senior(1, 2), senior(2, 1), senior(1, 1), senior(1, 9), senior(9, 1)]).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
    ])
  })
})
