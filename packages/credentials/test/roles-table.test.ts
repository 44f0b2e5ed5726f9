import { describe, expect, it } from 'vitest'
import { type Claim, isAtLeast, type Membership, ROLES, type Role } from '../src/index.ts'
import { keyOf } from './cast.ts'
import {
  admit,
  attempts,
  cancel,
  change,
  delegate,
  EPOCH,
  foldOf,
  LEAVE,
  named,
  redeem,
  remove,
  revoke,
  SPACE,
} from './fold/history.ts'
import { device, Story, who } from './fold/story.ts'

// The table of docs/credentials.md, "Roles", for every act, every role of the actor and every role of the target.
// F founded the space. P was admitted before the actor Q, S after it; Z is nobody yet.

const INVITED = ['READER', 'EDITOR', 'ADMIN'] as const

/** What the table says. `none` is somebody who is no member. */
const MAY: Record<Role | 'none', Row> = {
  OWNER: { feed: true, data: true, admit: ROLES, invite: INVITED, take: ROLES, epoch: true },
  ADMIN: {
    feed: true,
    data: true,
    admit: ['READER', 'EDITOR', 'ADMIN'],
    invite: ['READER', 'EDITOR'],
    take: ['READER', 'EDITOR'],
    epoch: true,
  },
  EDITOR: { feed: true, data: true, admit: [], invite: [], take: [], epoch: false },
  READER: { feed: true, data: false, admit: [], invite: [], take: [], epoch: false },
  none: { feed: false, data: false, admit: [], invite: [], take: [], epoch: false },
}
interface Row {
  /** Has a control feed. */
  readonly feed: boolean
  /** Writes data. */
  readonly data: boolean
  /** The roles that it admits at, and gives by a change. */
  readonly admit: readonly Role[]
  /** The roles of invitations that it writes, serves, counts and cancels. */
  readonly invite: readonly Role[]
  /** The roles of those whom it removes or lowers; of owners, those granted later. */
  readonly take: readonly Role[]
  /** Renews the read key without having revoked a device of its own. */
  readonly epoch: boolean
}
type Actor = keyof typeof MAY
const ACTORS: readonly Actor[] = [...ROLES, 'none']

/** The history in which Q has a role, and P before and S after it have another, and what Q does then. */
function tale(actor: Actor, target: Role | undefined, tell: (story: Story) => void): Membership {
  const story = new Story()
  const cast = (name: string, role: Actor | undefined) =>
    role === undefined || role === 'none' ? '' : `${name}:${role[0]}`
  story.cast(`${cast('P', target)} ${cast('Q', actor)} ${cast('S', target)}`)
  tell(story)
  return foldOf(story.acts.toReversed())
}
const counts = (actor: Actor, claim: Claim): boolean =>
  tale(actor, undefined, (story) => story.say('act', 'Q', claim)).counts('act')
const feedOf = (name: string, purpose: 'CONTROL' | 'DATA'): Claim => {
  const [member, feed] = [who(name), keyOf(3000)]
  return {
    type: 'AdmittedFeed',
    space: SPACE,
    member,
    device: member,
    feed,
    purpose,
    proof: new Uint8Array(64),
  }
}

/** Whether the actor is above a target: P is the earlier owner of two, S the later. */
const isAbove = (actor: Actor, target: Role, name: 'P' | 'S'): boolean =>
  MAY[actor].take.includes(target) && !(target === 'OWNER' && name === 'P')

for (const actor of ACTORS)
  describe(`somebody who is ${actor === 'none' ? 'no member' : actor}`, () => {
    const may = MAY[actor]

    it('has a control feed, and writes data', () => {
      expect(counts(actor, feedOf('Q', 'CONTROL'))).toBe(may.feed)
      expect(counts(actor, feedOf('Q', 'DATA'))).toBe(may.data)
    })

    it('names no feed of somebody whom it did not admit', () => {
      for (const target of ROLES)
        for (const name of ['P', 'S'])
          for (const purpose of ['CONTROL', 'DATA'] as const) {
            const fold = tale(actor, target, (story) => story.say('act', 'Q', feedOf(name, purpose)))
            expect(fold.counts('act'), `${purpose} of ${name}, ${target}`).toBe(false)
          }
    })

    it('admits directly', () => {
      for (const role of ROLES) {
        const fold = tale(actor, undefined, (story) => story.say('act', 'Q', admit(who('Z'), role)))
        const ok = may.admit.includes(role)
        expect([fold.counts('act'), fold.roleOf(who('Z'))], role).toEqual([ok, ok ? role : undefined])
        expect(fold.may(who('Q'), role), role).toBe(ok)
      }
    })

    it('admits nobody above what they are, and takes nothing by admitting a member once more', () => {
      for (const target of ROLES)
        for (const name of ['P', 'S'] as const)
          for (const role of ROLES) {
            const fold = tale(actor, target, (story) => story.say('act', 'Q', admit(who(name), role)))
            const higher = may.admit.includes(role) && isAtLeast(role, target)
            expect(fold.roleOf(who(name)), `${name}, ${target}, as ${role}`).toBe(higher ? role : target)
          }
    })

    it('writes an invitation', () => {
      for (const role of INVITED) {
        const fold = tale(actor, undefined, (story) => story.say('act', 'Q', delegate(role)))
        const ok = may.invite.includes(role)
        expect([fold.counts('act'), fold.invitations().length], role).toEqual([ok, ok ? 1 : 0])
      }
    })

    it('serves an invitation of somebody else, cancels it and counts its failures', () => {
      for (const role of INVITED)
        for (const [what, say] of [
          ['serve', (d: string) => redeem(d, who('Z'), role)],
          ['cancel', cancel],
          ['count', (d: string) => attempts(d, 1)],
        ] as const) {
          const fold = tale(actor, undefined, (story) =>
            story.say('act', 'Q', say(story.say('d', 'F', delegate(role))), ['d']),
          )
          expect(fold.counts('act'), `${what} ${role}`).toBe(may.invite.includes(role))
          if (what === 'serve') expect(fold.roleOf(who('Z')) !== undefined).toBe(may.invite.includes(role))
        }
    })

    it('removes', () => {
      for (const target of ROLES)
        for (const name of ['P', 'S'] as const) {
          const fold = tale(actor, target, (story) => story.say('act', 'Q', remove(who(name))))
          const gone = isAbove(actor, target, name)
          expect(fold.roleOf(who(name)), `${name}, ${target}`).toBe(gone ? undefined : target)
          const before = tale(actor, target, () => undefined)
          expect(before.mayRemove(who('Q'), who(name)), `${name}, ${target}`).toBe(gone)
        }
      expect(
        tale(actor, undefined, (story) => story.say('act', 'Q', remove(who('F')))).roleOf(who('F')),
      ).toBe('OWNER')
    })

    it('changes a role', () => {
      for (const target of ROLES)
        for (const name of ['P', 'S'] as const)
          for (const role of ROLES) {
            const fold = tale(actor, target, (story) => story.say('act', 'Q', change(who(name), role)))
            const ok = may.admit.includes(role) && (isAtLeast(role, target) || isAbove(actor, target, name))
            const what = `${name} from ${target} to ${role}`
            expect(fold.roleOf(who(name)), what).toBe(ok ? role : target)
            const before = tale(actor, target, () => undefined)
            expect(before.mayChange(who('Q'), who(name), role), what).toBe(ok)
          }
    })

    it('renews the read key', () => {
      expect(counts(actor, EPOCH)).toBe(may.epoch)
      const after = tale(actor, undefined, (story) => {
        const one = story.say('one', 'Q', named(who('Q'), device('Q', 1)))
        story.say('gone', 'Q', revoke(who('Q'), device('Q', 1)), [one])
        story.say('act', 'Q', EPOCH)
      })
      expect(after.counts('act')).toBe(actor !== 'none')
    })

    it('leaves, and lowers itself, and never raises itself', () => {
      expect(tale(actor, undefined, (story) => story.say('act', 'Q', LEAVE)).roleOf(who('Q'))).toBeUndefined()
      for (const role of ROLES)
        for (const claim of [change(who('Q'), role), admit(who('Q'), role)]) {
          const fold = tale(actor, undefined, (story) => story.say('act', 'Q', claim))
          const held = actor === 'none' ? undefined : actor
          const lowers = claim.type === 'ChangedRole' && held !== undefined && !isAtLeast(role, held)
          expect(fold.roleOf(who('Q')), `${claim.type} ${role}`).toBe(lowers ? role : held)
        }
    })
  })
