import { describe, expect, it } from 'vitest'
import { type Claim, MAX_HEADS, MAX_SEALED_KEY_BYTES, MAX_SEALED_SECRETS_BYTES } from '../src/index.ts'
import { createPerson, keyOf, NOON, refusal, speaker } from './cast.ts'

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
const epoch = { type: 'Epoch', space, number: 1, keys: [], heads: [] } as const

describe('a claim that speaks of its issuer', () => {
  it('is refused from anybody else', async () => {
    const { say } = await createPerson()
    const other = keyOf(9)
    const profile = { displayName: 'Eve' }
    const claims: Claim[] = [
      { type: 'RevokedDevice', identity: other, device: keyOf(2) },
      { type: 'IdentityRecovery', identity: other, recoveryKey: keyOf(2), agreementKey: new Uint8Array(32) },
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
    const agreementKey = new Uint8Array(32).fill(9)
    const claim = { type: 'IdentityRecovery', identity, recoveryKey: keyOf(2), agreementKey } as const
    expect(await refusal(say(claim))).toBe('WRONG_ISSUER')
    const itself = speaker(keyring, identity, identity, [])
    expect(await refusal(itself({ ...claim, recoveryKey: identity }))).toBe('CYCLIC_CHAIN')
  })

  it('signs for its identity', async () => {
    const { keyring, identity, device } = await createPerson()
    const recoveryKey = await keyring.createKey()
    const named = await speaker(
      keyring,
      identity,
      identity,
      [],
    )({ type: 'IdentityRecovery', identity, recoveryKey, agreementKey: new Uint8Array(32).fill(9) })
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
