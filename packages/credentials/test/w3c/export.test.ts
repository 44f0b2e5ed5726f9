import { base64urlnopad } from '@scure/base'
import { Keyring } from '@vestibule/keys'
import { describe, expect, it } from 'vitest'
import { type Claim, type Credential, issueCredential, verifyCredential } from '../../src/index.ts'
import { exportVerifiableCredential } from '../../src/w3c.ts'
import {
  admission,
  createPerson,
  createSpace,
  FEEDS,
  feedClaim,
  keyOf,
  NOON,
  recoveryClaim,
  refusal,
} from '../cast.ts'
import { proofByOthers, refusalByOthers } from './verifier.ts'

const NOW = new Date(NOON + 5).toISOString()
const AT = { createdAtMs: NOON + 1 }

/** Through the text in which it travels. */
const sent = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

async function setUp() {
  const { space, founder } = await createSpace()
  const { identity: member } = await createPerson()
  const credential = await founder.say(admission(space, member, 'EDITOR'))
  const exported = await exportVerifiableCredential(credential, { signer: founder.keyring, ...AT })
  return { space, founder, member, credential, exported: sent(exported) }
}

describe('an export', () => {
  it('is accepted by a verifier that knows nothing of spaces', async () => {
    const { exported, space, founder, member } = await setUp()
    expect(await refusalByOthers(exported, NOW)).toBeUndefined()
    expect(exported).toMatchObject({
      type: ['VerifiableCredential', 'SpaceMember'],
      issuer: founder.device.toDid(),
      validFrom: '2023-11-14T22:13:20Z',
      credentialSubject: {
        id: member.toDid(),
        space: space.toDid(),
        member: member.toDid(),
        role: 'EDITOR',
        profile: { displayName: 'Ada' },
      },
      proof: { type: 'DataIntegrityProof', cryptosuite: 'eddsa-jcs-2022', proofPurpose: 'assertionMethod' },
    })
  })

  it('has the proof that others make for the same document with the same key', async () => {
    const keyring = new Keyring()
    const seed = new Uint8Array(32).fill(7)
    const space = await keyring.importKey(seed)
    const genesis = await issueCredential({
      signer: keyring,
      issuer: space,
      claim: { type: 'SpaceGenesis', space, name: 'Küche \u20ac "\\ \u{1f511}' },
      issuedAtMs: NOON,
    })
    // Theirs has whole seconds.
    const createdAtMs = NOON + 1000
    const { proof, ...document } = sent(
      await exportVerifiableCredential(genesis, { signer: keyring, createdAtMs }),
    )
    const theirs = await proofByOthers(document, { did: space.toDid(), seed, created: proof.created })
    expect(proof.proofValue).toBe(theirs)
  })

  it('is made by the key of the issuer as well as by that of its device, and by no other', async () => {
    const { credential, founder } = await setUp()
    const { keyring: signer, identity, device } = founder
    for (const signingKey of [identity, device]) {
      const exported = sent(await exportVerifiableCredential(credential, { signer, signingKey, ...AT }))
      expect(exported.issuer).toBe(signingKey.toDid())
      expect(await refusalByOthers(exported, NOW)).toBeUndefined()
    }
    const signingKey = await signer.createKey()
    await expect(exportVerifiableCredential(credential, { signer, signingKey, ...AT })).rejects.toThrow(
      TypeError,
    )
  })

  it('carries the credential that it was made from, with its chain', async () => {
    const { exported, credential, founder } = await setUp()
    const { encoded, statedBy, signedBy, id } = exported.evidence
    const original = await verifyCredential(base64urlnopad.decode(encoded.slice(1)))
    expect(original).toEqual(credential)
    expect(original.chain).toHaveLength(1)
    expect([statedBy, signedBy]).toEqual([founder.identity.toDid(), founder.device.toDid()])
    expect(id).toBe(`ni:///sha-256;${Buffer.from(credential.id, 'hex').toString('base64url')}`)
  })

  it('of every claim is accepted, and names whom it is about', async () => {
    const { space, founder } = await setUp()
    const { identity, device } = founder
    const other = keyOf(5)
    const hash = new Uint8Array(32).fill(3)
    const heads = [{ feed: keyOf(6), length: 9, hash }]
    const claims: [Claim, subject: unknown][] = [
      [{ type: 'ChangedRole', space, member: other, role: 'READER', heads }, other],
      [{ type: 'RemovedMember', space, member: other, heads }, other],
      [{ type: 'LeftSpace', space, heads }, identity],
      [await feedClaim(space, founder, FEEDS[0], 'DATA'), identity],
      [{ type: 'AuthorizedDevice', identity, device: other, agreementKey: hash }, other],
      [{ type: 'RevokedDevice', identity, device: other }, other],
      [{ type: 'IdentityProfile', identity, profile: { displayName: 'Ada' } }, identity],
      [{ type: 'MemberProfile', space, member: identity, profile: { displayName: 'Ada' } }, identity],
      [{ type: 'DeviceProfile', identity, device, label: 'phone' }, device],
      [
        {
          type: 'DelegatedInvitation',
          space,
          invitationId: new Uint8Array(16),
          role: 'READER',
          multiUse: true,
          maxAttempts: 3,
          sealedSecrets: hash,
        },
        space,
      ],
      [{ type: 'CancelledInvitation', space, delegation: 'ab'.repeat(32) }, space],
      [{ type: 'InvitationAttempts', space, delegation: 'ab'.repeat(32), failed: 2 }, space],
      [{ type: 'Epoch', space, number: 1, keys: [{ device, sealed: hash }], heads, commitment: hash }, space],
    ]
    const own = await recoveryClaim(identity)
    const recovery = await issueCredential({
      signer: founder.keyring,
      issuer: identity,
      claim: own,
      issuedAtMs: NOON,
    })
    const all: [Credential, unknown][] = [[recovery, identity]]
    for (const [claim, subject] of claims) all.push([await founder.say(claim), subject])
    for (const [credential, subject] of all) {
      const exported = sent(await exportVerifiableCredential(credential, { signer: founder.keyring, ...AT }))
      expect(await refusalByOthers(exported, NOW), credential.type).toBeUndefined()
      expect(exported.credentialSubject.id, credential.type).toBe(String(subject))
    }
  })

  it('gives byte strings in multibase, and lists as lists', async () => {
    const { space, founder } = await setUp()
    const hash = new Uint8Array(32).fill(3)
    const left = await founder.say({ type: 'LeftSpace', space, heads: [{ feed: keyOf(6), length: 9, hash }] })
    const { credentialSubject } = await exportVerifiableCredential(left, { signer: founder.keyring, ...AT })
    expect(sent(credentialSubject)['heads']).toEqual([
      { feed: keyOf(6).toDid(), length: 9, hash: `u${Buffer.from(hash).toString('base64url')}` },
    ])
  })

  it('is the caller’s: changing one changes no other', async () => {
    const { founder, credential } = await setUp()
    const make = () => exportVerifiableCredential(credential, { signer: founder.keyring, ...AT })
    const [one, before] = [await make(), sent(await make())]
    ;(one['@context'] as string[]).push('https://example.org/')
    ;(one.proof['@context'] as string[]).pop()
    expect(sent(await make())).toEqual(before)
  })

  it('ends when the credential does', async () => {
    const { founder, space, member } = await setUp()
    const brief = await issueCredential({
      signer: founder.keyring,
      issuer: founder.identity,
      claim: admission(space, member, 'READER'),
      issuedAtMs: NOON,
      expiresAtMs: NOON + 1_000_000,
    })
    const exported = sent(await exportVerifiableCredential(brief, { signer: founder.keyring, ...AT }))
    expect(await refusalByOthers(exported, NOW)).toBeUndefined()
    expect(await refusalByOthers(exported, new Date(NOON + 2_000_000).toISOString())).toMatch(/validUntil/)
  })
})

describe('an export is refused by others', () => {
  it('with any part of it changed', async () => {
    const { exported } = await setUp()
    const { credentialSubject, evidence, proof } = exported
    const { '@context': contexts } = exported
    for (const changes of [
      { credentialSubject: { ...credentialSubject, role: 'OWNER' } },
      { credentialSubject: { ...credentialSubject, more: true } },
      { credentialSubject: { ...credentialSubject, id: keyOf(5).toDid() } },
      { validFrom: '2023-11-14T22:13:19.000Z' },
      { validUntil: '2123-11-14T22:13:19.000Z' },
      { type: ['VerifiableCredential', 'ChangedRole'] },
      { '@context': contexts.slice(0, 1) },
      { evidence: { ...evidence, statedBy: keyOf(5).toDid() } },
      { evidence: { ...evidence, encoded: `${evidence.encoded}AAAA` } },
      { proof: { ...proof, created: '2023-11-14T22:13:25.000Z' } },
      { proof: { ...proof, proofPurpose: 'authentication' } },
    ])
      expect(await refusalByOthers({ ...exported, ...changes }, NOW), JSON.stringify(changes)).toBeDefined()
  })

  it('under another key', async () => {
    const { exported, credential, founder } = await setUp()
    const stranger = founder.identity.toDid()
    const method = `${stranger}#${stranger.slice('did:key:'.length)}`
    const { proof } = exported
    // The name of another key, another issuer, and both.
    expect(
      await refusalByOthers({ ...exported, proof: { ...proof, verificationMethod: method } }, NOW),
    ).toBeDefined()
    expect(await refusalByOthers({ ...exported, issuer: stranger }, NOW)).toBeDefined()
    const both = { ...exported, issuer: stranger, proof: { ...proof, verificationMethod: method } }
    expect(await refusalByOthers(both, NOW)).toBeDefined()
    // A signature by another key in the place of the right one.
    const { keyring: signer, identity } = founder
    const other = await exportVerifiableCredential(credential, { signer, signingKey: identity, ...AT })
    const swapped = { ...exported, proof: { ...proof, proofValue: other.proof.proofValue } }
    expect(await refusalByOthers(swapped, NOW)).toBeDefined()
  })
})

describe('an export is not made', () => {
  it('of a presentation, which is meant for one verifier on one channel', async () => {
    const { founder, space } = await setUp()
    const nonce = new Uint8Array(32)
    const auth = await founder.say({ type: 'Auth', space, nonce, channel: nonce })
    const made = exportVerifiableCredential(auth, { signer: founder.keyring, ...AT })
    expect(await refusal(made)).toBe('NOT_EXPORTABLE')
  })

  it('of a claim that is not known here', async () => {
    const { founder, credential } = await setUp()
    const unknown = {
      ...credential,
      type: 'ShoppingList',
      claim: { type: 'Unknown', typeName: 'ShoppingList' },
    } as const
    const made = exportVerifiableCredential(unknown, { signer: founder.keyring, ...AT })
    expect(await refusal(made)).toBe('NOT_EXPORTABLE')
  })

  it('of a time that ISO 8601 has no four digits for', async () => {
    const { founder, space, member } = await setUp()
    const { keyring: signer, identity: issuer } = founder
    const far = Date.UTC(9999, 11, 31, 23, 59, 59) + 1
    const claim = admission(space, member, 'READER')
    const late = await issueCredential({ signer, issuer, claim, issuedAtMs: far })
    expect(await refusal(exportVerifiableCredential(late, { signer, ...AT }))).toBe('NOT_EXPORTABLE')
    const endless = await issueCredential({ signer, issuer, claim, issuedAtMs: 1, expiresAtMs: 2 ** 53 - 1 })
    expect(await refusal(exportVerifiableCredential(endless, { signer, ...AT }))).toBe('NOT_EXPORTABLE')
    for (const createdAtMs of [-1, 0.5, Number.NaN])
      await expect(exportVerifiableCredential(endless, { signer, createdAtMs })).rejects.toThrow(TypeError)
  })

  it('without the secret of the key', async () => {
    const { credential } = await setUp()
    const made = exportVerifiableCredential(credential, { signer: new Keyring(), ...AT })
    await expect(made).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
  })
})
