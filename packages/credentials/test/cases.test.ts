import { concatBytes } from '@noble/hashes/utils.js'
import { Keyring, type PublicKey } from '@vestibule/keys'
import { describe, expect, it } from 'vitest'
import { encodeClaim } from '../src/claims/wire.ts'
import { Envelope, Payload, signedBytes } from '../src/envelope.ts'
import { type Claim, Membership, verifyCredential } from '../src/index.ts'
import {
  admission,
  authorize,
  createPerson,
  createSpace,
  FEEDS,
  feedClaim,
  NOON,
  refusal,
  speaker,
} from './cast.ts'
import { admit, cancel, change, delegate, foldOf, redeem, remove } from './fold/history.ts'
import { Story, who } from './fold/story.ts'

const fold = (space: PublicKey) => new Membership(space)

describe('the devices of a member', () => {
  it('build a chain out of the credentials that the space holds', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const { keyring, identity, device, chain, say } = founder
    const [phone, laptop] = [device, await keyring.createKey()]
    const byIdentity = speaker(keyring, identity, identity, [])
    const named = await byIdentity(chain[0]?.claim as Claim, [first.id])
    const second = (await authorize(keyring, identity, phone, chain, laptop)).claim as Claim
    const authorized = await say(second, [named.id])
    const membership = fold(space)
    for (const one of [genesis, first, named, authorized]) membership.add(one)

    const held = membership.get(authorized.id)
    if (held === undefined) throw new Error('the space does not hold it')
    const { identity: guest } = await createPerson()
    const byLaptop = speaker(keyring, identity, laptop, [held])
    const grant = await byLaptop(admission(space, guest, 'EDITOR'), [authorized.id])
    expect(grant.chain.map(({ claim }) => claim.type === 'AuthorizedDevice' && claim.device)).toEqual([
      laptop,
      phone,
    ])
    membership.add(grant)
    expect(membership.roleOf(guest)).toBe('EDITOR')
  })
})

describe('a policy', () => {
  it('is no part of a genesis: one that carries one is refused', async () => {
    const keyring = new Keyring()
    const space = await keyring.createKey()
    const genesis = encodeClaim({ type: 'SpaceGenesis', space, name: 'Kitchen' })
    const issue = async (claim: Uint8Array) => {
      const payload = Payload.encode({ issuer: space.toBytes(), parents: [], issuedAtMs: NOON, claim })
      const statement = { type: 'SpaceGenesis', signer: space.toBytes(), payload }
      const signature = await keyring.sign(space, signedBytes(statement))
      return verifyCredential(Envelope.encode({ ...statement, signature, chain: [] }))
    }
    expect((await issue(genesis)).claim).toMatchObject({ name: 'Kitchen' })
    expect(await refusal(issue(concatBytes(genesis, Uint8Array.of(0x18, 1))))).toBe('MALFORMED')
  })

  it('of nobody but admins is the only one: others admit no members, while their feeds are taken', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const [editor, guest] = [await createPerson(), await createPerson()]
    const grant = await founder.say(admission(space, editor.identity, 'EDITOR'), [first.id])
    const feed = await editor.say(feedClaim(space, editor, FEEDS[0], 'DATA'), [grant.id])
    const more = await editor.say(admission(space, guest.identity, 'READER'), [feed.id])
    const membership = fold(space)
    for (const one of [genesis, first, grant, feed, more]) membership.add(one)
    expect(membership.roleOf(guest.identity)).toBeUndefined()
    expect([...membership.feeds().keys()]).toEqual([FEEDS[0]])
  })
})

describe('a member', () => {
  it('is not made by an old credential, one that names nothing before it', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const { identity } = await createPerson()
    const old = await founder.say(admission(space, identity, 'EDITOR'))
    const membership = fold(space)
    for (const one of [genesis, first, old]) membership.add(one)
    expect([membership.roleOf(identity), membership.why(old.id).code]).toEqual([undefined, 'NO_GRANT'])
  })

  it('is the first owner by an explicit grant of the space’s key, and nobody is without one', async () => {
    const { space, founder, genesis, first } = await createSpace()
    const membership = fold(space)
    const { identity } = await createPerson()
    const early = await founder.say(admission(space, identity, 'OWNER'), [genesis.id])
    for (const one of [genesis, early]) membership.add(one)
    expect(membership.members().size).toBe(0)
    membership.add(first)
    expect([...membership.members().keys()]).toEqual([founder.identity])
  })

  it('who is the first owner can’t be removed, neither outright nor by a lower role or another admission', () => {
    for (const claim of [remove(who('F')), change(who('F'), 'READER'), admit(who('F'), 'READER')])
      for (const role of ['O', 'A', 'E', 'R']) {
        const story = new Story()
        story.cast(`Q:${role}`)
        story.say('act', 'Q', claim)
        expect(foldOf(story.acts).roleOf(who('F')), `${claim.type} by ${role}`).toBe('OWNER')
      }
  })
})

describe('a delegated invitation', () => {
  /** What of a history is live when some of it arrives first, and the rest after it. */
  const arriving = (tell: (story: Story) => void, late: string) => {
    const story = new Story()
    story.cast('M:A N:A')
    tell(story)
    const membership = foldOf(story.acts.filter(({ id }) => id !== late))
    const before = membership.invitations().length
    for (const one of story.acts) if (one.id === late) membership.add(one)
    return [before, membership.invitations().length, membership.roleOf(who('X'))]
  }

  it('is over at once when the admission by it arrives before it', () => {
    const tell = (story: Story) => {
      const d = story.say('d', 'M', delegate('EDITOR'))
      story.say('k', 'N', redeem(d, who('X'), 'EDITOR'), [d])
    }
    expect(arriving(tell, 'd')).toEqual([0, 0, 'EDITOR'])
    expect(arriving(tell, 'k')).toEqual([1, 0, 'EDITOR'])
  })

  it('is over at once when its cancellation arrives before it', () => {
    const tell = (story: Story) => {
      const d = story.say('d', 'M', delegate('EDITOR'))
      story.say('c', 'N', cancel(d), [d])
    }
    expect(arriving(tell, 'd')).toEqual([0, 0, undefined])
    expect(arriving(tell, 'c')).toEqual([1, 0, undefined])
  })
})
