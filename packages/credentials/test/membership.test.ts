import { describe, expect, it } from 'vitest'
import { type Claim, type Credential, Membership, verifyAdmission } from '../src/index.ts'
import { admission, authorize, createPerson, createSpace, keyOf, speaker } from './cast.ts'

const feedClaim = (
  space: Credential['issuer'],
  owner: { identity: Credential['issuer']; device: Credential['issuer'] },
  feed: Credential['issuer'],
  purpose: 'CONTROL' | 'DATA',
): Claim => ({ type: 'AdmittedFeed', space, member: owner.identity, device: owner.device, feed, purpose })

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
    const control = await founder.say(feedClaim(space, guest, keyOf(1), 'CONTROL'), [grant.id])
    const data = await founder.say(feedClaim(space, guest, keyOf(2), 'DATA'), [control.id])
    const membership = fold(space, [genesis, first, grant, control, data])
    expect(membership.roleOf(guest.identity)).toBe('EDITOR')
    expect([...membership.feeds()]).toEqual([
      [
        keyOf(1),
        { member: guest.identity, device: guest.device, purpose: 'CONTROL', credential: control.id },
      ],
      [keyOf(2), { member: guest.identity, device: guest.device, purpose: 'DATA', credential: data.id }],
    ])
    const path = membership.admissionPath(grant.id)
    expect(path.map(({ id }) => id)).toEqual([genesis.id, first.id, grant.id])
    verifyAdmission(path, { space, genesisId: genesis.id, member: guest.identity, role: 'EDITOR' })
  })

  it('takes device credentials, and the feeds of devices that they name', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const { keyring, identity, device, chain, say } = founder
    const second = await keyring.createKey()
    const named = feedClaim(space, { identity, device: second }, keyOf(1), 'DATA')
    const early = await say(named, [first.id])
    const claim = (await authorize(keyring, identity, device, chain, second)).claim as Claim
    const authorized = await say(claim, [early.id])
    const late = await say(named, [authorized.id])
    const own = await speaker(keyring, identity, second, [authorized])(
      feedClaim(space, { identity, device: second }, keyOf(2), 'DATA'),
      [late.id],
    )
    const membership = fold(space, [genesis, first, early, authorized, late, own])
    expect(membership.counts(early.id)).toBe(false)
    expect(membership.counts(late.id)).toBe(true)
    expect([...membership.feeds().values()].map(({ device: by }) => by)).toEqual([second, second])
  })
})
