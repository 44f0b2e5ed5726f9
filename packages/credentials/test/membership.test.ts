import { describe, expect, it } from 'vitest'
import { type Claim, type Credential, Membership, ROLES, type Role, verifyAdmission } from '../src/index.ts'
import { admission, authorize, createPerson, createSpace, FEEDS, feedClaim, keyOf, speaker } from './cast.ts'
import { act, admit, genesisClaim, NOTE, SPACE } from './fold/history.ts'

/** Adds them all and says who is a member, with which role. */
const fold = (space: Credential['issuer'], credentials: readonly Credential[]): Membership => {
  const membership = new Membership(space)
  for (const one of credentials) membership.add(one)
  return membership
}

describe('the state of a space', () => {
  it('begins with its genesis and its founder', async () => {
    const { space, founder, genesis, first } = await createSpace('Kitchen')
    const membership = new Membership(space)
    expect(membership.members().size).toBe(0)
    expect(membership.add(genesis)).toEqual({ placed: [genesis.id], counted: [genesis.id] })
    expect(membership.members().size).toBe(0)
    membership.add(first)
    expect([...membership.members()]).toEqual([
      [founder.identity, { role: 'OWNER', profile: { displayName: 'Ada' }, since: first.id }],
    ])
    expect(membership.name).toBe('Kitchen')
    expect(membership.genesis).toBe(genesis)
    expect(membership.heads).toEqual([first.id])
    expect(membership.roleOf(space)).toBeUndefined()
  })

  it('admits a member by its owner, and the member’s feeds by whoever admitted it', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const guest = await createPerson()
    const grant = await founder.say(admission(space, guest.identity, 'EDITOR'), [first.id])
    const named = [grant.id, ...guest.chain.map(({ id }) => id)]
    const control = await founder.say(feedClaim(space, guest, FEEDS[0], 'CONTROL'), named)
    const data = await founder.say(feedClaim(space, guest, FEEDS[1], 'DATA'), [control.id])
    const membership = fold(space, [genesis, first, grant, ...guest.chain, control, data])
    expect(membership.roleOf(guest.identity)).toBe('EDITOR')
    expect([...membership.feeds()]).toEqual([
      [
        FEEDS[0],
        { member: guest.identity, device: guest.device, purpose: 'CONTROL', credential: control.id },
      ],
      [FEEDS[1], { member: guest.identity, device: guest.device, purpose: 'DATA', credential: data.id }],
    ])
    const path = membership.admissionPath(grant.id)
    expect(path.map(({ id }) => id)).toEqual([genesis.id, first.id, grant.id])
    verifyAdmission(path, { space, genesisId: genesis.id, member: guest.identity, role: 'EDITOR' })
  })

  it('takes device credentials, and the feeds of devices that they name', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const { keyring, identity, device, chain, say } = founder
    const second = await keyring.createKey()
    const named = feedClaim(space, { keyring, identity, device: second }, FEEDS[0], 'DATA')
    const early = await say(named, [first.id])
    const claim = (await authorize(keyring, identity, device, chain, second)).claim as Claim
    const authorized = await say(claim, [early.id])
    const late = await say(named, [authorized.id])
    const own = await speaker(keyring, identity, second, [authorized])(
      feedClaim(space, { keyring, identity, device: second }, FEEDS[1], 'DATA'),
      [late.id],
    )
    const membership = fold(space, [genesis, first, early, authorized, late, own])
    expect(membership.counts(early.id)).toBe(false)
    expect(membership.counts(late.id)).toBe(true)
    expect([...membership.feeds().values()].map(({ device: by }) => by)).toEqual([second, second])
  })
})

describe('members', () => {
  /** The founder has admitted Mo at a role. */
  const withMo = async (role: Role) => {
    const kitchen = await createSpace()
    const [mo, guest] = [await createPerson(), await createPerson()]
    const { space, founder, genesis, first } = kitchen
    const grant = await founder.say(admission(space, mo.identity, role), [first.id])
    return { ...kitchen, mo, guest, grant, base: [genesis, first, grant] }
  }

  it('are admitted by an admin, up to ADMIN, and by an owner at any role', async () => {
    for (const [own, allowed] of [
      ['OWNER', ['READER', 'EDITOR', 'ADMIN', 'OWNER']],
      ['ADMIN', ['READER', 'EDITOR', 'ADMIN']],
      ['EDITOR', []],
      ['READER', []],
    ] as const) {
      const { space, mo, guest, grant, base } = await withMo(own)
      for (const role of ROLES) {
        const one = await mo.say(admission(space, guest.identity, role), [grant.id])
        const membership = fold(space, [...base, one])
        const ok = allowed.some((each) => each === role)
        expect(membership.roleOf(guest.identity), `${role} by ${own}`).toBe(ok ? role : undefined)
        expect(membership.may(mo.identity, role)).toBe(ok)
      }
    }
  })

  it('are not made by somebody who is none', async () => {
    const { space, guest, base, grant } = await withMo('ADMIN')
    const friend = await createPerson()
    const one = await guest.say(admission(space, friend.identity, 'READER'), [grant.id])
    const membership = fold(space, [...base, one])
    expect(membership.roleOf(friend.identity)).toBeUndefined()
    expect(membership.counts(one.id)).toBe(false)
    expect(membership.has(one.id)).toBe(true)
    expect(membership.may(guest.identity, 'READER')).toBe(false)
  })

  it('are not made by a member who did not know of its own admission', async () => {
    const { space, mo, guest, first, base } = await withMo('ADMIN')
    const one = await mo.say(admission(space, guest.identity, 'READER'), [first.id])
    expect(fold(space, [...base, one]).roleOf(guest.identity)).toBeUndefined()
  })

  it('can not raise their own role', async () => {
    for (const own of ['READER', 'EDITOR', 'ADMIN'] as const) {
      const { space, mo, grant, base } = await withMo(own)
      const raise = await mo.say(admission(space, mo.identity, 'OWNER'), [grant.id])
      const same = await mo.say(admission(space, mo.identity, own), [grant.id])
      const membership = fold(space, [...base, raise, same])
      expect(membership.roleOf(mo.identity)).toBe(own)
      expect(membership.counts(raise.id) || membership.counts(same.id)).toBe(false)
    }
  })

  it('can not raise each other above themselves', async () => {
    const { space, mo, guest, grant, base } = await withMo('ADMIN')
    const nia = await mo.say(admission(space, guest.identity, 'ADMIN'), [grant.id])
    const back = await guest.say(admission(space, mo.identity, 'OWNER'), [nia.id])
    const membership = fold(space, [...base, nia, back])
    expect(membership.roleOf(guest.identity)).toBe('ADMIN')
    expect(membership.roleOf(mo.identity)).toBe('ADMIN')
  })

  it('have the higher of two roles that were granted at once', async () => {
    const { space, founder, mo, guest, grant, base } = await withMo('ADMIN')
    const editor = await mo.say(admission(space, guest.identity, 'EDITOR'), [grant.id])
    const reader = await founder.say(admission(space, guest.identity, 'READER'), [grant.id])
    for (const order of [
      [editor, reader],
      [reader, editor],
    ])
      expect(fold(space, [...base, ...order]).roleOf(guest.identity)).toBe('EDITOR')
    expect(fold(space, [...base, editor, reader]).heads).toEqual([editor.id, reader.id].sort())
  })

  it('are the same after eight concurrent admissions, in any order', async () => {
    const { space, founder, mo, grant, base } = await withMo('ADMIN')
    const people = await Promise.all(Array.from({ length: 8 }, createPerson))
    const acts = await Promise.all(
      people.map(({ identity }, i) =>
        (i % 2 ? founder : mo).say(admission(space, identity, 'EDITOR'), [grant.id]),
      ),
    )
    const merge = await founder.say(
      admission(space, keyOf(1), 'READER'),
      fold(space, [...base, ...acts]).heads,
    )
    const all = [...base, ...acts, merge]
    const [a, b] = [fold(space, all), fold(space, all.toReversed())]
    expect(a.members().size).toBe(11)
    expect(b.members()).toEqual(a.members())
    expect([...b.members().keys()]).toEqual([...a.members().keys()])
    expect(b.heads).toEqual([merge.id])
  })

  it('are not those whom the space key admits later, or at another role, or by a chain', async () => {
    const { space, sayAsSpace, sayByDelegate, genesis, guest, grant, base } = await withMo('ADMIN')
    const late = await sayAsSpace(admission(space, guest.identity, 'OWNER'), [grant.id])
    const low = await sayAsSpace(admission(space, guest.identity, 'ADMIN'), [genesis.id])
    const rootless = await sayAsSpace(admission(space, guest.identity, 'OWNER'))
    const itself = await sayAsSpace(admission(space, space, 'OWNER'), [genesis.id])
    const delegated = await sayByDelegate(admission(space, guest.identity, 'OWNER'), [genesis.id])
    const membership = fold(space, [...base, late, low, rootless, itself, delegated])
    // Nor when there is no other founder.
    expect(fold(space, [genesis, delegated, low, rootless, itself]).members().size).toBe(0)
    expect(membership.roleOf(guest.identity)).toBeUndefined()
    expect(membership.roleOf(space)).toBeUndefined()
    expect(membership.members().size).toBe(2)
  })

  it('do not begin with a grant by the space key that comes after more than the genesis', () => {
    const history = [
      act('a-genesis', SPACE, genesisClaim('Kitchen'), []),
      act('b-note', keyOf(1), NOTE, ['a-genesis']),
      act('c-founder', SPACE, admit(keyOf(1), 'OWNER'), ['a-genesis', 'b-note']),
    ]
    expect(fold(SPACE, history).members().size).toBe(0)
    const founder = act('d-founder', SPACE, admit(keyOf(1), 'OWNER'), ['a-genesis'])
    expect(
      fold(SPACE, [...history, founder])
        .members()
        .get(keyOf(1))?.since,
    ).toBe('d-founder')
  })

  it('are not space keys, whoever admits them', async () => {
    const { space, founder, grant, base } = await withMo('ADMIN')
    const one = await founder.say(admission(space, space, 'OWNER'), [grant.id])
    expect(fold(space, [...base, one]).roleOf(space)).toBeUndefined()
  })

  it('have one founder: of two, the first in the order, for everybody', async () => {
    const { space, sayAsSpace, genesis, first, guest } = await withMo('ADMIN')
    const second = await sayAsSpace(admission(space, guest.identity, 'OWNER'), [genesis.id])
    const [winner] = [first, second].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const order of [
      [genesis, first, second],
      [second, first, genesis],
    ]) {
      const membership = fold(space, order)
      expect([...membership.members().values()].map(({ since }) => since)).toEqual([winner?.id])
    }
  })
})

describe('a space', () => {
  it('has one genesis: the one that is asked for, or else the first in the order', async () => {
    const { space, sayAsSpace, genesis, first, founder } = await createSpace('Kitchen')
    const others = await Promise.all(
      ['A', 'B', 'C', 'D'].map((name) => sayAsSpace({ type: 'SpaceGenesis', space, name })),
    )
    const known = new Membership(space, { genesisId: genesis.id })
    for (const one of [...others, genesis, first]) known.add(one)
    expect(known.genesis?.id).toBe(genesis.id)
    expect(known.roleOf(founder.identity)).toBe('OWNER')
    const lowest = [genesis, ...others].map(({ id }) => id).sort()[0]
    for (const order of [
      [...others, genesis, first],
      [genesis, first, ...others],
    ]) {
      const membership = fold(space, order)
      expect(membership.genesis?.id).toBe(lowest)
      expect(membership.roleOf(founder.identity)).toBe(lowest === genesis.id ? 'OWNER' : undefined)
    }
  })

  it('ignores what is said of another space, and presentations', async () => {
    const { space, genesis, first, founder } = await createSpace()
    const other = await createSpace()
    const foreign = await founder.say(admission(other.space, keyOf(1), 'READER'), [first.id])
    const auth = await founder.say({
      type: 'Auth',
      space,
      nonce: new Uint8Array(32),
      channel: new Uint8Array(32),
    })
    const membership = fold(space, [other.genesis, other.first, genesis, first, foreign, auth])
    expect(membership.members().size).toBe(1)
    expect(membership.heads).toEqual([first.id])
    for (const one of [other.genesis, other.first, foreign, auth]) expect(membership.has(one.id)).toBe(false)
    expect(membership.waiting).toBe(0)
  })

  it('lets credentials wait for their parents, and takes each once', async () => {
    const { space, genesis, first, founder } = await createSpace()
    const one = await founder.say(admission(space, keyOf(1), 'ADMIN'), [first.id])
    const two = await founder.say(admission(space, keyOf(2), 'READER'), [one.id, first.id])
    const membership = new Membership(space)
    for (const early of [two, two, one, first]) {
      expect(membership.add(early)).toEqual({ placed: [], counted: [] })
      expect(membership.has(early.id)).toBe(false)
      expect(membership.get(early.id)).toBeUndefined()
    }
    expect(membership.waiting).toBe(3)
    const all = [genesis, first, one, two].map(({ id }) => id)
    expect(membership.add(genesis)).toEqual({ placed: all, counted: all })
    expect(membership.waiting).toBe(0)
    expect(membership.add(two)).toEqual({ placed: [], counted: [] })
    expect(membership.get(two.id)).toBe(two)
    expect(membership.members().size).toBe(3)
  })

  it('keeps a place for a credential of an unknown type, which grants nothing', async () => {
    const { space, genesis, first, founder } = await createSpace()
    const unknown: Credential = {
      ...(await founder.say(admission(space, keyOf(1), 'OWNER'), [first.id])),
      type: 'Custodian',
      claim: { type: 'Unknown', typeName: 'Custodian' },
    }
    const after = await founder.say(admission(space, keyOf(2), 'READER'), [unknown.id])
    const membership = fold(space, [after, unknown, first, genesis])
    expect(membership.counts(unknown.id)).toBe(false)
    expect(membership.counts(after.id)).toBe(true)
    expect(membership.heads).toEqual([after.id])
    expect([...membership.members().keys()]).toEqual([founder.identity, keyOf(2)])
  })

  it('gives a new credential at most 256 parents, the one before it in its feed among them', async () => {
    const { space, genesis, first, founder } = await createSpace()
    const heads = await Promise.all(
      Array.from({ length: 300 }, (_, i) => founder.say(admission(space, keyOf(i), 'READER'), [first.id])),
    )
    const membership = fold(space, [genesis, first, ...heads])
    const last = heads
      .map(({ id }) => id)
      .sort()
      .at(-1)
    const parents = membership.parentsFor(last)
    expect(parents).toHaveLength(256)
    expect(parents).toContain(last)
    membership.add(await founder.say(admission(space, keyOf(1), 'READER'), parents))
    expect(membership.heads).toHaveLength(45)
    expect(membership.parentsFor()).toEqual(membership.heads)
  })
})

describe('feeds', () => {
  const withGuest = async (role: Role) => {
    const kitchen = await createSpace()
    const guest = await createPerson()
    const grant = await kitchen.founder.say(admission(kitchen.space, guest.identity, role), [
      kitchen.first.id,
    ])
    return { ...kitchen, guest, grant, base: [kitchen.genesis, kitchen.first, grant] }
  }

  it('for control are for every role, for data for editors and better', async () => {
    for (const role of ROLES) {
      const { space, guest, grant, base } = await withGuest(role)
      const control = await guest.say(feedClaim(space, guest, FEEDS[0], 'CONTROL'), [grant.id])
      const data = await guest.say(feedClaim(space, guest, FEEDS[1], 'DATA'), [control.id])
      const purposes = [
        ...fold(space, [...base, control, data])
          .feeds()
          .values(),
      ].map(({ purpose }) => purpose)
      expect(purposes, role).toEqual(role === 'READER' ? ['CONTROL'] : ['CONTROL', 'DATA'])
    }
  })

  it('of somebody who is no member, or not yet, do not count', async () => {
    const { space, founder, guest, first, base } = await withGuest('EDITOR')
    const early = await guest.say(feedClaim(space, guest, FEEDS[0], 'CONTROL'), [first.id])
    const stranger = await createPerson()
    const strange = await stranger.say(feedClaim(space, stranger, FEEDS[1], 'CONTROL'), [first.id])
    const named = [first, ...stranger.chain].map(({ id }) => id)
    const vouched = await founder.say(feedClaim(space, stranger, FEEDS[2], 'CONTROL'), named)
    expect(fold(space, [...base, ...stranger.chain, early, strange, vouched]).feeds().size).toBe(0)
  })

  it('are admitted for a member by whoever admitted it, and by no other admin', async () => {
    const { space, founder, guest, grant, base } = await withGuest('EDITOR')
    const mo = await createPerson()
    const admin = await founder.say(admission(space, mo.identity, 'ADMIN'), [grant.id])
    const devices = [...guest.chain, ...founder.chain]
    const after = [admin.id, ...devices.map(({ id }) => id)]
    const forged = await mo.say(feedClaim(space, guest, FEEDS[0], 'DATA'), after)
    const upward = await mo.say(feedClaim(space, founder, FEEDS[1], 'DATA'), after)
    const genuine = await founder.say(feedClaim(space, guest, FEEDS[2], 'DATA'), after)
    const membership = fold(space, [...base, ...devices, admin, forged, upward, genuine])
    expect([...membership.feeds().keys()]).toEqual([FEEDS[2]])
  })

  it('are admitted by whoever admitted the member for devices that the member named before, and for no other', async () => {
    const { space, founder, guest, grant, base } = await withGuest('EDITOR')
    const { identity, keyring } = guest
    const swapped = { identity, keyring: founder.keyring, device: await founder.keyring.createKey() }
    const claim = { type: 'AuthorizedDevice', agreementKey: new Uint8Array(32) } as const
    const pretended = await founder.say({ ...claim, identity: founder.identity, device: swapped.device }, [
      grant.id,
    ])
    const early = await founder.say(feedClaim(space, guest, FEEDS[0], 'DATA'), [pretended.id])
    const own = await founder.say(feedClaim(space, swapped, FEEDS[1], 'DATA'), [pretended.id])
    const itself = await founder.say(
      feedClaim(space, { identity, keyring, device: identity }, FEEDS[2], 'DATA'),
      [grant.id],
    )
    const membership = fold(space, [...base, ...guest.chain, pretended, early, own, itself])
    expect([...membership.feeds().keys()]).toEqual([FEEDS[2]])
    for (const { id } of [early, own]) expect(membership.why(id).text).toContain('device')
  })

  it('are not admitted by the space key, its founder’s neither', async () => {
    const { space, founder, first, sayAsSpace, base } = await withGuest('EDITOR')
    const one = await sayAsSpace(feedClaim(space, founder, FEEDS[0], 'CONTROL'), [first.id])
    expect(fold(space, [...base, one]).feeds().size).toBe(0)
  })

  it('are not admitted by a member for a device that it never named', async () => {
    const { space, guest, grant, base } = await withGuest('EDITOR')
    const { identity, keyring } = guest
    const device = await keyring.createKey()
    const one = await guest.say(feedClaim(space, { keyring, identity, device }, FEEDS[0], 'DATA'), [grant.id])
    expect(fold(space, [...base, one]).feeds().size).toBe(0)
  })

  it('are not admitted by a member for a device that somebody else named', async () => {
    const { space, founder, guest, grant, base } = await withGuest('EDITOR')
    const { identity, keyring } = guest
    const device = await keyring.createKey()
    const claim = { type: 'AuthorizedDevice', device, agreementKey: new Uint8Array(32) } as const
    const named = await founder.say({ ...claim, identity: founder.identity }, [grant.id])
    const one = await guest.say(feedClaim(space, { keyring, identity, device }, FEEDS[0], 'DATA'), [named.id])
    expect(fold(space, [...base, named, one]).feeds().size).toBe(0)
  })

  it('are admitted once: the first in the order has the key', async () => {
    const { space, founder, guest, grant, base } = await withGuest('EDITOR')
    const one = await guest.say(feedClaim(space, guest, FEEDS[0], 'DATA'), [grant.id])
    const later = await founder.say(feedClaim(space, founder, FEEDS[0], 'CONTROL'), [one.id])
    const void1 = await guest.say(feedClaim(space, guest, FEEDS[1], 'DATA'), [base[1]?.id ?? ''])
    const good = await guest.say(feedClaim(space, guest, FEEDS[1], 'DATA'), [grant.id])
    for (const order of [
      [one, later, void1, good],
      [good, void1, one, later],
    ]) {
      const feeds = fold(space, [...base, ...order]).feeds()
      expect(feeds.get(FEEDS[0])?.credential).toBe(one.id)
      expect(feeds.get(FEEDS[1])?.credential).toBe(good.id)
    }
  })
})
