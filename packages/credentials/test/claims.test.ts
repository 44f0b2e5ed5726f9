import { describe, expect, it } from 'vitest'
import { encodeClaim } from '../src/claims/wire.ts'
import { Envelope, Payload, signedBytes } from '../src/envelope.ts'
import {
  type Claim,
  MAX_HEADS,
  MAX_SEALED_KEY_BYTES,
  MAX_SEALED_SECRETS_BYTES,
  verifyCredential,
} from '../src/index.ts'
import { createPerson, keyOf, NOON, recoveryClaim, refusal, speaker } from './cast.ts'

const space = keyOf(1)
const hash = new Uint8Array(32)
const head = (n: number) => ({ feed: keyOf(n), length: 1, hash })
const ID = 'ab'.repeat(32)
const invitation = {
  type: 'DelegatedInvitation',
  space,
  invitationId: new Uint8Array(16),
  role: 'ADMIN',
  multiUse: false,
  maxAttempts: 0,
  sealedSecrets: new Uint8Array(),
} as const
const epoch = {
  type: 'Epoch',
  space,
  number: 1,
  keys: [],
  heads: [],
  commitment: new Uint8Array(32),
} as const

describe('a claim that speaks of its issuer', () => {
  it('is refused from anybody else', async () => {
    const { say } = await createPerson()
    const other = keyOf(9)
    const profile = { displayName: 'Eve' }
    const claims: Claim[] = [
      { type: 'RevokedDevice', identity: other, device: keyOf(2) },
      await recoveryClaim(other),
      { type: 'IdentityProfile', identity: other, profile },
      { type: 'MemberProfile', space, member: other, profile },
      { type: 'DeviceProfile', identity: other, device: keyOf(2), label: '' },
    ]
    for (const claim of claims) expect(await refusal(say(claim)), claim.type).toBe('WRONG_ISSUER')
  })

  it('is a LeftSpace, not a removal, when the issuer goes', async () => {
    const { identity, say } = await createPerson()
    expect(await refusal(say({ type: 'RemovedMember', space, member: identity, heads: [] }))).toBe(
      'MALFORMED',
    )
    expect((await say({ type: 'LeftSpace', space, heads: [] })).issuer).toBe(identity)
  })
})

describe('a recovery key', () => {
  it('is named by the key of the identity alone, and is another one', async () => {
    const { keyring, identity, say } = await createPerson()
    const claim = await recoveryClaim(identity)
    expect(await refusal(say(claim))).toBe('WRONG_ISSUER')
    const itself = speaker(keyring, identity, identity, [])
    expect(await refusal(itself({ ...claim, recoveryKey: identity }))).toBe('CYCLIC_CHAIN')
  })

  it('has agreed to it, or nobody could know whose phrase a phrase is', async () => {
    const { keyring, identity } = await createPerson()
    const itself = speaker(keyring, identity, identity, [])
    const claim = await recoveryClaim(identity)
    expect((await itself(claim)).claim).toEqual(claim)
    const other = await recoveryClaim(keyOf(9))
    for (const change of [
      { proof: new Uint8Array(64) },
      { proof: other.proof },
      { recoveryKey: keyOf(2) },
      { agreementKey: new Uint8Array(32).fill(1) },
      { ...other, identity },
    ])
      expect(await refusal(itself({ ...claim, ...change }))).toBe('BAD_RECOVERY_PROOF')
    await expect(itself({ ...claim, proof: claim.proof.slice(1) })).rejects.toThrow(TypeError)
  })

  it('that did not agree is refused in a chain, too', async () => {
    const { keyring, identity, device } = await createPerson()
    const claim = await recoveryClaim(identity, keyring)
    const payload = Payload.encode({
      issuer: identity.toBytes(),
      parents: [],
      issuedAtMs: NOON,
      claim: encodeClaim({ ...claim, proof: new Uint8Array(64) }),
    })
    const statement = { type: 'IdentityRecovery', signer: identity.toBytes(), payload }
    const link = { ...statement, signature: await keyring.sign(identity, signedBytes(statement)) }
    const revocation = await speaker(
      keyring,
      identity,
      identity,
      [],
    )({ type: 'RevokedDevice', identity, device })
    const above = { ...Envelope.parse(revocation.encoded), signer: claim.recoveryKey.toBytes() }
    const signature = await keyring.sign(claim.recoveryKey, signedBytes(above))
    const forged = Envelope.encode({ ...above, signature, chain: [link] })
    expect(await refusal(verifyCredential(forged))).toBe('BAD_RECOVERY_PROOF')
  })

  it('signs for its identity', async () => {
    const { keyring, identity, device } = await createPerson()
    const claim = await recoveryClaim(identity, keyring)
    const { recoveryKey } = claim
    const named = await speaker(keyring, identity, identity, [])(claim)
    const revoked = await speaker(keyring, identity, recoveryKey, [named])({
      type: 'RevokedDevice',
      identity,
      device,
    })
    expect([revoked.issuer, revoked.signer]).toEqual([identity, recoveryKey])
  })
})

describe('lists in a claim', () => {
  it('are strictly ascending', async () => {
    const { say } = await createPerson()
    const heads = [head(1), head(2)]
    for (const claim of [
      { type: 'RemovedMember', space, member: keyOf(5) },
      { type: 'ChangedRole', space, member: keyOf(5), role: 'READER' },
      { type: 'LeftSpace', space },
      epoch,
    ] as const) {
      expect((await say({ ...claim, heads })).claim).toMatchObject({ heads: [{ length: 1 }, { length: 1 }] })
      expect(await refusal(say({ ...claim, heads: heads.toReversed() }))).toBe('MALFORMED')
      expect(await refusal(say({ ...claim, heads: [head(1), head(1)] }))).toBe('MALFORMED')
    }
    const keys = [2, 1].map((n) => ({ device: keyOf(n), sealed: new Uint8Array(1) }))
    expect(await refusal(say({ ...epoch, keys }))).toBe('MALFORMED')
    expect((await say({ ...epoch, keys: keys.toReversed() })).type).toBe('Epoch')
  })

  it('are bounded, and so is what is opaque', async () => {
    const { say } = await createPerson()
    const heads = Array.from({ length: MAX_HEADS + 1 }, (_, n) => head(n))
    const sealed = new Uint8Array(MAX_SEALED_KEY_BYTES + 1)
    for (const claim of [
      { type: 'LeftSpace', space, heads },
      { ...epoch, keys: [{ device: keyOf(1), sealed }] },
      { ...invitation, sealedSecrets: new Uint8Array(MAX_SEALED_SECRETS_BYTES + 1) },
    ] as const)
      await expect(say(claim)).rejects.toThrow(TypeError)
  })

  it('can not be changed by whoever holds the credential', async () => {
    const { say } = await createPerson()
    const { claim } = await say({ type: 'LeftSpace', space, heads: [head(1)] })
    if (claim.type !== 'LeftSpace') throw new Error('another claim')
    claim.heads[0]?.hash.fill(7)
    expect(claim.heads[0]?.hash).toEqual(hash)
    expect(Object.isFrozen(claim.heads) && Object.isFrozen(claim.heads[0])).toBe(true)
  })
})

describe('an invitation, and what refers to it', () => {
  it('makes nobody an OWNER', async () => {
    const { say } = await createPerson()
    expect(await refusal(say({ ...invitation, role: 'OWNER' }))).toBe('MALFORMED')
    expect((await say(invitation)).issuedAtMs).toBe(NOON)
  })

  it('has a number of uses, at least two, only when it is for several', async () => {
    const { say } = await createPerson()
    for (const limits of [{ uses: 2 }, { multiUse: true, uses: 1 }])
      expect(await refusal(say({ ...invitation, ...limits }))).toBe('MALFORMED')
    const { claim } = await say({ ...invitation, multiUse: true, uses: 2, history: 'none' })
    expect(claim).toMatchObject({ uses: 2, history: 'none' })
  })

  it('is redeemed by what comes after it, and named by an id', async () => {
    const { say } = await createPerson()
    const redeem = {
      type: 'SpaceMember',
      space,
      member: keyOf(3),
      role: 'ADMIN',
      profile: { displayName: '' },
      delegation: ID,
    } as const
    expect(await refusal(say(redeem))).toBe('MALFORMED')
    expect((await say(redeem, [ID])).claim).toMatchObject({ delegation: ID })
    for (const type of ['CancelledInvitation', 'InvitationAttempts'] as const)
      await expect(say({ type, space, delegation: 'x', failed: 1 })).rejects.toThrow(TypeError)
  })
})

describe('an epoch', () => {
  it('follows another, unless it is the first', async () => {
    const { say } = await createPerson()
    for (const wrong of [{ number: 0 }, { number: 2 }, { number: 1, previous: ID }])
      expect(await refusal(say({ ...epoch, ...wrong }))).toBe('MALFORMED')
    expect((await say({ ...epoch, number: 2, previous: ID })).claim).toMatchObject({
      number: 2,
      previous: ID,
    })
  })
})
