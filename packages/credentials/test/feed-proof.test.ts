import { hexToBytes } from '@noble/hashes/utils.js'
import { nobleBackend, type Signer } from '@vestibule/keys'
import { describe, expect, it, vi } from 'vitest'
import { encodeClaim } from '../src/claims/wire.ts'
import { Envelope, Payload, signedBytes } from '../src/envelope.ts'
import { type AdmittedFeed, Membership, proveFeed, verifyCredential, verifyFeedProof } from '../src/index.ts'
import { admission, createPerson, createSpace, holding, keyOf, NOON, type Person, refusal } from './cast.ts'
import { act } from './fold/history.ts'

/** A space with Bob and Eve, both editors, and Bob's data feed, admitted by himself and known to all. */
async function kitchen() {
  const { space, founder, genesis, first } = await createSpace()
  const [bob, eve] = [await createPerson(), await createPerson()]
  const eves = await founder.say(admission(space, eve.identity, 'EDITOR'), [first.id])
  const bobs = await founder.say(admission(space, bob.identity, 'EDITOR'), [eves.id])
  const feed = await bob.keyring.createKey()
  const binding = { member: bob.identity, device: bob.device, feed, purpose: 'DATA' } as const
  const proof = await proveFeed({ signer: bob.keyring, ...binding })
  const claim: AdmittedFeed = { type: 'AdmittedFeed', space, ...binding, proof }
  const admitted = await bob.say(claim, [bobs.id])
  return {
    space,
    founder,
    bob,
    eve,
    eves,
    feed,
    binding,
    claim,
    base: [genesis, first, eves, bobs, admitted],
  }
}

/** A feed with its proof, that nobody has checked so far. */
async function freshFeed() {
  const { keyring, identity: member, device } = await createPerson()
  const binding = { member, device, feed: await keyring.createKey(), purpose: 'DATA' } as const
  return { ...binding, proof: await proveFeed({ signer: keyring, ...binding }) }
}

/** Signs by a key of this person's, whichever is asked for. */
const bySubstitute = ({ keyring, device }: Person): Signer => ({
  sign: (_, statement) => keyring.sign(device, statement),
})

describe('the proof of a feed', () => {
  it('is 128 bytes, the same each time, and holds for what it was made for and nothing else', async () => {
    const { bob, binding, claim } = await kitchen()
    const { proof } = claim
    expect(proof).toHaveLength(128)
    expect(await proveFeed({ signer: bob.keyring, ...binding })).toEqual(proof)
    expect(await verifyFeedProof(claim)).toBe(true)
    for (const change of [
      { member: keyOf(1) },
      { device: keyOf(1) },
      { feed: keyOf(1) },
      { purpose: 'CONTROL' },
      { member: binding.device, device: binding.member },
      { proof: new Uint8Array(128) },
      { proof: proof.slice(1) },
      { proof: proof.slice(0, 64) },
      { proof: Uint8Array.of(...proof.slice(0, 64), ...proof.slice(0, 64)) },
      { proof: Uint8Array.of(...proof.slice(64), ...proof.slice(0, 64)) },
    ] as const)
      expect(await verifyFeedProof({ ...claim, ...change }), JSON.stringify(change)).toBe(false)
  })

  it('is checked once when it holds, and each time when it does not', async () => {
    const fresh = await freshFeed()
    const verify = vi.fn(nobleBackend.verify)
    for (const [one, holds] of [
      [fresh, true],
      [{ ...fresh, member: keyOf(1) }, false],
    ] as const) {
      for (let i = 0; i < 3; i++) expect(await verifyFeedProof(one, { ...nobleBackend, verify })).toBe(holds)
    }
    expect(verify).toHaveBeenCalledTimes(2 + 3)
  })

  it('is made by the keys of the feed and of the device only, both of them', async () => {
    const { bob, eve, binding } = await kitchen()
    const ownFeed = { ...binding, feed: await eve.keyring.createKey() }
    const ownDevice = { ...binding, device: eve.device }
    for (const other of [binding, ownFeed, ownDevice])
      await expect(proveFeed({ signer: eve.keyring, ...other })).rejects.toMatchObject({
        code: 'KEY_NOT_FOUND',
      })
    const { feed, device } = binding
    const [onlyFeed, onlyDevice] = [
      holding({ [feed.toHex()]: bob.keyring, [device.toHex()]: bySubstitute(eve) }),
      holding({ [feed.toHex()]: bySubstitute(eve), [device.toHex()]: bob.keyring }),
    ]
    for (const signer of [onlyFeed, onlyDevice])
      expect(await verifyFeedProof({ ...binding, proof: await proveFeed({ signer, ...binding }) })).toBe(
        false,
      )
  })

  it('is read from a credential, as bytes that can’t be changed', async () => {
    const { claim, base } = await kitchen()
    const { encoded } = base.at(-1) ?? {}
    if (encoded === undefined) throw new Error('no credential')
    const read = (await verifyCredential(encoded)).claim
    expect(read).toEqual(claim)
    if (read.type !== 'AdmittedFeed') throw new Error('not an admitted feed')
    read.proof.fill(0)
    expect(read.proof).toEqual(claim.proof)
  })

  it('is not issued for another length: that is a TypeError', async () => {
    const { bob, claim } = await kitchen()
    await expect(bob.say({ ...claim, proof: claim.proof.slice(1) })).rejects.toThrow(TypeError)
  })
})

describe('a member who knows the key of another’s feed', () => {
  /** What Eve can put in place of Bob's agreement. */
  const attempts = async () => {
    const scene = await kitchen()
    const { eve, claim, binding, feed } = scene
    const own = { ...binding, member: eve.identity, device: eve.device }
    const another = await eve.keyring.createKey()
    return {
      ...scene,
      own: { ...claim, ...own },
      proofs: {
        'nothing at all': new Uint8Array(128),
        'random bytes': crypto.getRandomValues(new Uint8Array(128)),
        'the one that the member made for himself': claim.proof,
        'one by another feed’s key': await proveFeed({ signer: eve.keyring, ...own, feed: another }),
        'the right statement, signed by another key': await proveFeed({
          ...own,
          feed,
          signer: holding({ [feed.toHex()]: bySubstitute(eve), [eve.device.toHex()]: eve.keyring }),
        }),
      },
    }
  }

  it('can not issue an admission of it to itself', async () => {
    const { eve, eves, own, proofs } = await attempts()
    for (const [what, proof] of Object.entries(proofs))
      expect(await refusal(eve.say({ ...own, proof }, [eves.id])), what).toBe('BAD_FEED_PROOF')
  })

  it('is refused by everybody when it signs one all the same', async () => {
    const { eve, eves, own, proofs } = await attempts()
    for (const [what, proof] of Object.entries(proofs)) {
      const payload = Payload.encode({
        issuer: eve.identity.toBytes(),
        parents: [hexToBytes(eves.id)],
        issuedAtMs: NOON,
        claim: encodeClaim({ ...own, proof }),
      })
      const statement = { type: 'AdmittedFeed', signer: eve.identity.toBytes(), payload }
      const signature = await eve.keyring.sign(eve.identity, signedBytes(statement))
      const forged = Envelope.encode({ ...statement, signature, chain: [] })
      expect(await refusal(verifyCredential(forged)), what).toBe('BAD_FEED_PROOF')
    }
  })

  it('would have it, backdated, if verifying did not ask for the proof: the fold believes what it is given', async () => {
    const { space, bob, eve, eves, own, feed, base } = await attempts()
    const membership = new Membership(space)
    for (const one of base) membership.add(one)
    expect(membership.feeds().get(feed)?.member).toBe(bob.identity)
    // One step less deep than Bob's own admission of it, so first in the order.
    membership.add(act('backdated', eve.identity, own, [eves.id], eve.device))
    expect(membership.feeds().get(feed)?.member).toBe(eve.identity)
  })

  it('changes nothing by saying once more, earlier, what the feed’s key agreed to', async () => {
    const { space, founder, bob, claim, feed, base } = await attempts()
    const again = await founder.say(
      claim,
      base.slice(3, 4).map(({ id }) => id),
    )
    const membership = new Membership(space)
    for (const one of [...base, again]) membership.add(one)
    expect(membership.counts(again.id)).not.toBe(membership.counts(base.at(-1)?.id ?? ''))
    expect(membership.feeds().get(feed)).toMatchObject({ member: bob.identity, device: bob.device })
  })
})
