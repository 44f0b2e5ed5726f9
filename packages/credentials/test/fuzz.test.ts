import { readFileSync } from 'node:fs'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes, PublicKey as Key, Keyring, type PublicKey } from '@vestibule/keys'
import { fieldsOf, fuzzOptions, mutate, mutations as several } from '@vestibule/keys/fuzzing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeClaim } from '../src/claims/wire.ts'
import { Envelope, MAX_CREDENTIAL_BYTES, Payload, signedBytes } from '../src/envelope.ts'
import {
  type Claim,
  type Credential,
  CredentialsError,
  type FeedBinding,
  proveFeed,
  verifyCredential,
  verifyPresentation,
} from '../src/index.ts'
import { keyOf, NOON, recoveryClaim, refusal } from './cast.ts'

const file = readFileSync(new URL('./vectors/credentials.json', import.meta.url), 'utf8')
const corpus = (JSON.parse(file) as { vectors: { encoded: string }[] }).vectors.map(({ encoded }) =>
  hexToBytes(encoded),
)
const pick = fc.constantFrom(...corpus)
const { runs, seed, timeoutMs: timeout } = fuzzOptions()
/** What is signed for each input takes longer: a part of the inputs. */
const oneIn = (parts: number) => ({ numRuns: Math.ceil(runs / parts), seed })

/** The credential, or the refusal; anything else that is thrown is a failure. */
async function attempt(encoded: Uint8Array): Promise<Credential | CredentialsError> {
  try {
    return await verifyCredential(encoded)
  } catch (error) {
    if (error instanceof CredentialsError) return error
    throw error
  }
}

describe('of genuine credentials', () => {
  it('no two credentials can be mixed into a third', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(pick, pick, fc.nat(31), async (one, other, mask) => {
        const [a, b] = [fieldsOf(one), fieldsOf(other)]
        const mixed = concatBytes(...a.map((field, i) => ((mask >> i) & 1 ? (b[i] ?? field) : field)))
        const result = await attempt(mixed)
        if (!(result instanceof CredentialsError))
          expect(corpus.some((each) => equalBytes(each, mixed))).toBe(true)
      }),
      oneIn(5),
    )
  })
})

describe('whatever somebody signs', () => {
  const keyring = new Keyring()
  let key: PublicKey
  let ownFeed: FeedBinding
  let proof: Uint8Array
  let recovery: Claim
  beforeAll(async () => {
    key = await keyring.importKey(new Uint8Array(32).fill(1))
    const feed = await keyring.importKey(new Uint8Array(32).fill(4))
    ownFeed = { member: keyOf(2), device: key, feed, purpose: 'DATA' }
    proof = await proveFeed({ signer: keyring, ...ownFeed })
    recovery = await recoveryClaim(key)
  })

  const signed = async (type: string, payload: Uint8Array): Promise<Uint8Array> => {
    const statement = { type, signer: key.toBytes(), payload }
    return Envelope.encode({
      ...statement,
      signature: await keyring.sign(key, signedBytes(statement)),
      chain: [],
    })
  }
  const sample = (claim: Claim) => ({ type: claim.type, bytes: encodeClaim(claim) })
  const claims = () => {
    const [space, bytes32] = [key, new Uint8Array(32).fill(5)]
    const heads = [1, 2].map((n) => ({ feed: keyOf(n), length: 300, hash: bytes32 }))
    return [
      sample({ type: 'SpaceGenesis', space, name: 'Küche' }),
      sample({
        type: 'SpaceMember',
        space,
        member: keyOf(2),
        role: 'ADMIN',
        profile: { displayName: 'Ada' },
        invitationId: new Uint8Array(16),
      }),
      sample({
        type: 'AdmittedFeed',
        space,
        ...ownFeed,
        proof,
      }),
      sample({ type: 'AuthorizedDevice', identity: space, device: keyOf(2), agreementKey: bytes32 }),
      sample(recovery),
      sample({ type: 'Auth', space, nonce: bytes32, channel: bytes32 }),
      sample({ type: 'RemovedMember', space, member: keyOf(2), heads }),
      sample({ type: 'ChangedRole', space, member: keyOf(2), role: 'READER', heads }),
      sample({
        type: 'DelegatedInvitation',
        space,
        invitationId: new Uint8Array(16),
        role: 'EDITOR',
        multiUse: true,
        maxAttempts: 300,
        sealedSecrets: bytes32,
      }),
      sample({
        type: 'Epoch',
        space,
        number: 2,
        previous: 'ab'.repeat(32),
        keys: [{ device: keyOf(2), sealed: bytes32 }],
        heads,
        commitment: bytes32,
      }),
      sample({ type: 'SpaceGenesis', space, name: '', identity: keyOf(2) }),
    ]
  }
  const payloadOf = (claim: Uint8Array) =>
    Payload.encode({ issuer: key.toBytes(), parents: [], issuedAtMs: NOON, claim })

  it('a claim has one encoding, and any other is refused with a code', { timeout }, async () => {
    const refusals = [
      'MALFORMED',
      'TOO_LARGE',
      'WRONG_ISSUER',
      'CYCLIC_CHAIN',
      'BAD_FEED_PROOF',
      'BAD_RECOVERY_PROOF',
    ]
    await fc.assert(
      fc.asyncProperty(fc.nat(9), several, async (n, mutations) => {
        const { type, bytes } = claims()[n] ?? { type: '', bytes: new Uint8Array() }
        const mutated = mutate(bytes, mutations)
        const result = await attempt(await signed(type, payloadOf(mutated)))
        if (!(result instanceof CredentialsError)) expect(encodeClaim(result.claim as Claim)).toEqual(mutated)
        else expect(refusals).toContain(result.code)
      }),
      oneIn(2),
    )
  })

  it('a payload has one encoding, and any other is refused with a code', { timeout }, async () => {
    const claim = claims()[1]?.bytes ?? new Uint8Array()
    const parents = [keyOf(1).toBytes(), keyOf(2).toBytes()]
    const payload = Payload.encode({ issuer: key.toBytes(), parents, issuedAtMs: 5, expiresAtMs: 9, claim })
    await fc.assert(
      fc.asyncProperty(several, async (mutations) => {
        const mutated = mutate(payload, mutations)
        const result = await attempt(await signed('SpaceMember', mutated))
        if (result instanceof CredentialsError) {
          expect(['MALFORMED', 'TOO_LARGE', 'MISSING_CHAIN']).toContain(result.code)
          return
        }
        const { issuer, parents: ids, issuedAtMs, expiresAtMs } = result
        const again = Payload.encode({
          issuer: issuer.toBytes(),
          parents: ids.map(hexToBytes),
          issuedAtMs,
          ...(expiresAtMs !== undefined && { expiresAtMs }),
          claim: encodeClaim(result.claim as Claim),
        })
        expect(again).toEqual(mutated)
      }),
      oneIn(2),
    )
  })

  it('parents are refused out of order, twice, or more than 256', async () => {
    const claim = claims()[1]?.bytes ?? new Uint8Array()
    const withParents = (parents: Uint8Array[]) =>
      concatBytes(
        ...[key.toBytes(), ...parents].map((b, i) => concatBytes(Uint8Array.of(i ? 18 : 10, 32), b)),
        Payload.encode({ issuer: key.toBytes(), parents: [], issuedAtMs: 1, claim }).subarray(34),
      )
    const ids = Array.from({ length: 257 }, (_, i) => keyOf(i).toHex())
      .sort()
      .map(hexToBytes)
    const [a, b] = [hexToBytes('00'.repeat(32)), hexToBytes('ff'.repeat(32))]
    expect(await refusal(signed('SpaceMember', withParents([b, a])).then(verifyCredential))).toBe('MALFORMED')
    expect(await refusal(signed('SpaceMember', withParents([a, a])).then(verifyCredential))).toBe('MALFORMED')
    expect(await refusal(signed('SpaceMember', withParents(ids)).then(verifyCredential))).toBe('TOO_LARGE')
    const most = await verifyCredential(await signed('SpaceMember', withParents(ids.slice(0, 256))))
    expect(most.parents).toHaveLength(256)
  })

  it('a role or purpose of nothing, an unprintable type and an end before the beginning are refused', async () => {
    const space = key.toBytes()
    const roleless = concatBytes(
      Uint8Array.of(10, 32),
      space,
      Uint8Array.of(18, 32),
      keyOf(2).toBytes(),
      Uint8Array.of(34, 0),
    )
    expect(await refusal(signed('SpaceMember', payloadOf(roleless)).then(verifyCredential))).toBe('MALFORMED')
    for (const type of ['', 'a b', '\u202egpj', 'é', '-'])
      expect(await refusal(signed(type, payloadOf(new Uint8Array())).then(verifyCredential))).toBe(
        'MALFORMED',
      )
    const claim = claims()[1]?.bytes ?? new Uint8Array()
    const over = Payload.encode({ issuer: key.toBytes(), parents: [], issuedAtMs: 5, expiresAtMs: 5, claim })
    expect(await refusal(signed('SpaceMember', over).then(verifyCredential))).toBe('MALFORMED')
    const genesis = Payload.encode({
      issuer: space,
      parents: [space],
      issuedAtMs: 1,
      claim: claims()[0]?.bytes ?? claim,
    })
    expect(await refusal(signed('SpaceGenesis', genesis).then(verifyCredential))).toBe('MALFORMED')
  })
})

describe('what is large or deep', () => {
  it('is refused by its length, before it is looked at', async () => {
    expect(await refusal(verifyCredential(new Uint8Array(MAX_CREDENTIAL_BYTES + 1)))).toBe('TOO_LARGE')
    expect(await refusal(verifyCredential(new Uint8Array(50_000_000)))).toBe('TOO_LARGE')
    const context = {
      space: Key.from(new Uint8Array(32)),
      nonce: new Uint8Array(32),
      channelBinding: new Uint8Array(),
    }
    expect(await refusal(verifyPresentation(new Uint8Array(50_000_000), context))).toBe('TOO_LARGE')
  })

  it('can not be nested: a link has no chain, and groups are not entered', async () => {
    // Length-delimited field 5 inside field 5 inside field 5, as deep as 16 KiB go.
    let nested = new Uint8Array()
    while (nested.length < MAX_CREDENTIAL_BYTES - 8) {
      const length = nested.length < 128 ? [nested.length] : [(nested.length & 127) | 128, nested.length >> 7]
      nested = Uint8Array.from([0x2a, ...length, ...nested])
    }
    const groups = new Uint8Array(MAX_CREDENTIAL_BYTES).fill(0x33) // begins group 6, again and again
    for (const bomb of [nested, groups, new Uint8Array(MAX_CREDENTIAL_BYTES).fill(0xff)])
      expect(await refusal(verifyCredential(bomb))).toBe('MALFORMED')
    const [first] = corpus
    if (first === undefined) throw new Error('no vectors')
    const envelope = Envelope.parse(first)
    const link = concatBytes(Uint8Array.of(0x2a, (first.length & 127) | 128, first.length >> 7), first)
    const { chain, ...statement } = envelope
    const inner = concatBytes(Envelope.encode({ ...statement, chain }), link)
    const outer = concatBytes(
      first,
      Uint8Array.of(0x2a, (inner.length & 127) | 128, inner.length >> 7),
      inner,
    )
    expect(await refusal(verifyCredential(outer))).toBe('MALFORMED')
  })

  it('has at most eight links', async () => {
    const [first] = corpus
    if (first === undefined) throw new Error('no vectors')
    const link = concatBytes(Uint8Array.of(0x2a, (first.length & 127) | 128, first.length >> 7), first)
    const with9 = concatBytes(first, ...Array.from({ length: 9 }, () => link))
    expect(await refusal(verifyCredential(with9))).toBe('TOO_LARGE')
    const with8 = concatBytes(first, ...Array.from({ length: 8 }, () => link))
    expect(await refusal(verifyCredential(with8))).toBe('BAD_CHAIN')
  })

  it('is not accepted as something else than bytes', async () => {
    await expect(verifyCredential('00' as unknown as Uint8Array)).rejects.toThrow(TypeError)
  })
})
