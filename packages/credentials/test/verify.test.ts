import { Keyring } from '@vestibule/keys'
import { describe, expect, it } from 'vitest'
import { Envelope, Payload, signedBytes } from '../src/envelope.ts'
import { type Credential, issueCredential, verifyCredential } from '../src/index.ts'
import { admission, authorize, createPerson, createSpace, keyOf, NOON, refusal, speaker } from './cast.ts'

const note = (space = keyOf(1)) => ({ type: 'SpaceGenesis', space, name: 'x' }) as const
/** Takes an envelope apart, changes it, and puts it together without signing again. */
const edited = (credential: Credential, edit: (envelope: Envelope) => Partial<Envelope>): Uint8Array => {
  const envelope = Envelope.parse(credential.encoded)
  return Envelope.encode({ ...envelope, ...edit(envelope) })
}

describe('a credential signed by its issuer', () => {
  it('is verified, and says what was signed', async () => {
    const { space, genesis, first, founder } = await createSpace()
    const read = await verifyCredential(first.encoded)
    expect(read).toEqual(first)
    expect(read).toMatchObject({ type: 'SpaceMember', issuer: space, signer: space, issuedAtMs: NOON })
    expect(read.parents).toEqual([genesis.id])
    expect(read.claim).toEqual(admission(space, founder.identity, 'OWNER'))
    expect(read.chain).toEqual([])
  })

  it('is refused with a bad signature', async () => {
    const { genesis } = await createSpace()
    const other = await createSpace()
    const { signature } = Envelope.parse(other.genesis.encoded)
    expect(await refusal(verifyCredential(edited(genesis, () => ({ signature }))))).toBe('BAD_SIGNATURE')
  })

  it('is refused when its type, its signer or its payload was exchanged after signing', async () => {
    const { genesis } = await createSpace()
    const signer = keyOf(3).toBytes()
    for (const edit of [{ type: 'SpaceMember' }, { signer }, { payload: new Uint8Array([1]) }])
      expect(await refusal(verifyCredential(edited(genesis, () => edit)))).toBe('BAD_SIGNATURE')
  })

  it('is refused when the issuer in it was exchanged', async () => {
    const { genesis } = await createSpace()
    const forged = edited(genesis, ({ payload }) => ({
      payload: Payload.encode({ ...Payload.parse(payload), issuer: keyOf(4).toBytes() }),
    }))
    expect(await refusal(verifyCredential(forged))).toBe('BAD_SIGNATURE')
  })

  it('is refused with the wrong issuer: one that was not asked for', async () => {
    const { genesis } = await createSpace()
    expect(await refusal(verifyCredential(genesis.encoded, { issuer: keyOf(5) }))).toBe('WRONG_ISSUER')
    expect((await verifyCredential(genesis.encoded, { issuer: genesis.issuer })).id).toBe(genesis.id)
  })

  it('is refused with the wrong issuer: a genesis not by the space key, a device not by its identity', async () => {
    const { say, identity } = await createPerson()
    expect(await refusal(say(note()))).toBe('WRONG_ISSUER')
    // The identity's device speaks for it, and still is not the key of a space.
    expect(await refusal(say(note(identity)))).toBe('WRONG_ISSUER')
    const device = {
      type: 'AuthorizedDevice',
      identity: keyOf(6),
      device: keyOf(7),
      agreementKey: new Uint8Array(32),
    } as const
    expect(await refusal(say(device))).toBe('WRONG_ISSUER')
  })

  it('has an id that depends on what is signed only', async () => {
    const { identity, keyring, say } = await createPerson()
    const claim = admission(keyOf(1), keyOf(2), 'READER')
    const again = await issueCredential({ signer: keyring, issuer: identity, claim, issuedAtMs: NOON })
    expect((await say(claim)).id).toBe((await say(claim)).id)
    expect(again.id).not.toBe((await say(claim)).id) // another signer is another statement
  })

  it('is refused after its time when a time is given, and never without one', async () => {
    const { keyring, identity } = await createPerson()
    const claim = admission(keyOf(1), keyOf(2), 'READER')
    const one = await issueCredential({
      signer: keyring,
      issuer: identity,
      claim,
      issuedAtMs: NOON,
      expiresAtMs: NOON + 10,
    })
    expect(one.expiresAtMs).toBe(NOON + 10)
    expect((await verifyCredential(one.encoded)).id).toBe(one.id)
    expect((await verifyCredential(one.encoded, { nowMs: NOON + 9 })).id).toBe(one.id)
    expect(await refusal(verifyCredential(one.encoded, { nowMs: NOON + 10 }))).toBe('EXPIRED')
  })
})

describe('a credential signed by a device', () => {
  it('is verified with a chain of one device', async () => {
    const { say, identity, device, chain } = await createPerson()
    const one = await say(admission(keyOf(1), keyOf(2), 'READER'))
    expect(await verifyCredential(one.encoded)).toEqual(one)
    expect(one).toMatchObject({ issuer: identity, signer: device })
    expect(one.chain).toEqual(chain)
  })

  /** identity → device → second → third */
  const family = async () => {
    const ada = await createPerson()
    const { keyring, identity } = ada
    const [second, third] = [await keyring.createKey(), await keyring.createKey()]
    const second1 = await authorize(keyring, identity, ada.device, ada.chain, second)
    const third1 = await authorize(keyring, identity, second, [second1], third)
    return { ...ada, second, third, second1, third1 }
  }
  const claim = admission(keyOf(1), keyOf(2), 'READER')

  it('is verified with a chain of two devices, and of three', async () => {
    const { keyring, identity, second, second1, third, third1, chain } = await family()
    const two = await speaker(keyring, identity, second, [second1])(claim)
    expect(two.chain.map(({ id }) => id)).toEqual([second1.id, chain[0]?.id])
    const three = await speaker(keyring, identity, third, [third1])(claim)
    expect(three.chain.map(({ id }) => id)).toEqual([third1.id, second1.id, chain[0]?.id])
    expect(await verifyCredential(three.encoded)).toEqual(three)
  })

  it('has links that are whole credentials by themselves', async () => {
    const { keyring, identity, third, third1, second1 } = await family()
    const three = await speaker(keyring, identity, third, [third1])(claim)
    for (const link of three.chain) expect(await verifyCredential(link.encoded)).toEqual(link)
    expect(three.chain[1]).toEqual(second1)
    // Given link by link, or by the lowest alone, the chain is the same.
    const spelled = await speaker(keyring, identity, third, three.chain)(claim)
    expect(spelled.encoded).toEqual(three.encoded)
  })

  it('is refused with a missing chain', async () => {
    const { keyring, identity, device, say } = await createPerson()
    expect(await refusal(speaker(keyring, identity, device, [])(claim))).toBe('MISSING_CHAIN')
    const one = await say(claim)
    expect(await refusal(verifyCredential(edited(one, () => ({ chain: [] }))))).toBe('MISSING_CHAIN')
  })

  it('is refused with a chain that ends before the issuer', async () => {
    const { keyring, identity, third, third1 } = await family()
    const three = await speaker(keyring, identity, third, [third1])(claim)
    for (const length of [1, 2]) {
      const cut = edited(three, ({ chain }) => ({ chain: chain.slice(0, length) }))
      expect(await refusal(verifyCredential(cut))).toBe('MISSING_CHAIN')
    }
  })

  it('is refused with a bad signature in the chain, at any link', async () => {
    const { keyring, identity, third, third1 } = await family()
    const three = await speaker(keyring, identity, third, [third1])(claim)
    for (const at of [0, 1, 2]) {
      const broken = edited(three, ({ chain }) => ({
        chain: chain.map((link, i) =>
          i === at ? { ...link, signature: link.signature.map((b) => b ^ 1) } : link,
        ),
      }))
      expect(await refusal(verifyCredential(broken))).toBe('BAD_SIGNATURE')
    }
  })

  it('is refused with a wrong assertion in the chain', async () => {
    const { keyring, identity, device, say } = await createPerson()
    // Not an authorisation, though it is the identity's word and names the device.
    const other = await issueCredential({
      signer: keyring,
      issuer: identity,
      claim: admission(keyOf(1), device, 'OWNER'),
      issuedAtMs: NOON,
    })
    expect(await refusal(speaker(keyring, identity, device, [other])(claim))).toBe('WRONG_TYPE')
    expect((await say(claim)).signer).toBe(device)
  })

  it('is refused with a chain about another device', async () => {
    const { keyring, identity, chain } = await createPerson()
    const stranger = await keyring.createKey()
    expect(await refusal(speaker(keyring, identity, stranger, chain)(claim))).toBe('BAD_CHAIN')
  })

  it('is refused with a chain that does not lead to the issuer', async () => {
    const [ada, eve] = [await createPerson(), await createPerson()]
    expect(await refusal(speaker(eve.keyring, ada.identity, eve.device, eve.chain)(claim))).toBe(
      'WRONG_ISSUER',
    )
  })

  it('is refused with a cyclic chain', async () => {
    const { keyring, identity, device, chain } = await createPerson()
    const second = await keyring.createKey()
    const down = await authorize(keyring, identity, device, chain, second)
    const up = await authorize(keyring, identity, second, [down], device)
    const one = await speaker(keyring, identity, device, chain)(claim)
    const bare = (link: Credential) => {
      const { type, signer, payload, signature } = Envelope.parse(link.encoded)
      return { type, signer, payload, signature }
    }
    const cyclic = edited(one, () => ({ chain: [bare(up), bare(down), bare(up), bare(down)] }))
    expect(await refusal(verifyCredential(cyclic))).toBe('CYCLIC_CHAIN')
    expect(await refusal(authorize(keyring, identity, device, chain, device))).toBe('CYCLIC_CHAIN')
    expect(await refusal(authorize(keyring, identity, device, chain, identity))).toBe('CYCLIC_CHAIN')
  })

  it('is refused with links that nothing needs', async () => {
    const { keyring, identity, chain, say } = await createPerson()
    expect(await refusal(speaker(keyring, identity, identity, chain)(claim))).toBe('BAD_CHAIN')
    const one = await say(claim)
    const doubled = edited(one, ({ chain: links }) => ({ chain: [...links, ...links] }))
    expect(await refusal(verifyCredential(doubled))).toBe('BAD_CHAIN')
  })

  it('is refused with a chain longer than eight', async () => {
    const { keyring, identity } = await createPerson()
    let [below, link] = [identity, undefined as Credential | undefined]
    for (let i = 0; i < 8; i++) {
      const device = await keyring.createKey()
      link = await authorize(keyring, identity, below, link ? [link] : [], device)
      below = device
    }
    const chain = link ? [link] : []
    const deepest = await speaker(keyring, identity, below, chain)(claim)
    expect(deepest.chain).toHaveLength(8)
    const ninth = authorize(keyring, identity, below, chain, await keyring.createKey())
    await expect(ninth.then((nine) => speaker(keyring, identity, below, [nine])(claim))).rejects.toThrow(
      TypeError,
    )
    const long = edited(deepest, () => ({}))
    expect(long).toEqual(deepest.encoded)
  })

  it('is refused when a device in its chain has expired', async () => {
    const { keyring, identity, device } = await createPerson()
    const brief = await issueCredential({
      signer: keyring,
      issuer: identity,
      claim: { type: 'AuthorizedDevice', identity, device, agreementKey: new Uint8Array(32) },
      issuedAtMs: NOON,
      expiresAtMs: NOON + 10,
    })
    const one = await speaker(keyring, identity, device, [brief])(claim)
    expect((await verifyCredential(one.encoded, { nowMs: NOON + 9 })).id).toBe(one.id)
    expect(await refusal(verifyCredential(one.encoded, { nowMs: NOON + 10 }))).toBe('EXPIRED')
  })
})

describe('a credential', () => {
  it('of an unknown type is kept as it came, undecoded', async () => {
    const keyring = new Keyring()
    const issuer = await keyring.createKey()
    const payload = Payload.encode({
      issuer: issuer.toBytes(),
      parents: [keyOf(1).toBytes()],
      issuedAtMs: NOON,
      claim: new Uint8Array([255, 255, 255]), // no protobuf at all
    })
    const statement = { type: 'ShoppingList', signer: issuer.toBytes(), payload }
    const signature = await keyring.sign(issuer, signedBytes(statement))
    const encoded = Envelope.encode({ ...statement, signature, chain: [] })
    const one = await verifyCredential(encoded)
    expect(one.claim).toEqual({ type: 'Unknown', typeName: 'ShoppingList' })
    expect(one).toMatchObject({ type: 'ShoppingList', issuer, parents: [keyOf(1).toHex()] })
    expect(one.encoded).toEqual(encoded)
  })

  it('can not be changed by anyone who holds it', async () => {
    const { first } = await createSpace()
    const one = await verifyCredential(first.encoded)
    one.encoded.fill(0)
    expect(one.encoded).toEqual(first.encoded)
    for (const part of [one, one.claim, one.parents, one.chain]) expect(Object.isFrozen(part)).toBe(true)
    const { chain } = await createPerson()
    const claim = chain[0]?.claim
    if (claim?.type !== 'AuthorizedDevice') throw new Error('not a device')
    claim.agreementKey.fill(1)
    expect(claim.agreementKey).toEqual(new Uint8Array(32).fill(9))
  })

  it('is what it was when verification began, though the bytes are changed meanwhile', async () => {
    const { first } = await createSpace()
    const bytes = first.encoded
    const verifying = verifyCredential(bytes)
    bytes.fill(0)
    expect((await verifying).encoded).toEqual(first.encoded)
  })

  it('is not issued with a field that does not fit: that is a TypeError', async () => {
    const { sayAsSpace, space } = await createSpace()
    const long = 'ä'.repeat(33)
    await expect(sayAsSpace({ type: 'SpaceGenesis', space, name: long })).rejects.toThrow(TypeError)
    await expect(sayAsSpace(admission(space, keyOf(1), 'READER'), ['nonsense'])).rejects.toThrow(TypeError)
    const parents = Array.from({ length: 257 }, (_, i) => keyOf(i).toHex())
    await expect(sayAsSpace(admission(space, keyOf(1), 'READER'), parents)).rejects.toThrow(TypeError)
    const full = await sayAsSpace(admission(space, keyOf(1), 'READER'), parents.slice(1))
    expect(full.parents).toHaveLength(256)
  })
})

describe('what was verified before', () => {
  it('is the same credential again, while a changed copy is still refused', async () => {
    const keyring = new Keyring()
    const space = await keyring.createKey()
    const claim = { type: 'SpaceGenesis', space, name: 'Kitchen' } as const
    const { encoded } = await issueCredential({ signer: keyring, issuer: space, claim, issuedAtMs: 1 })
    expect(await verifyCredential(encoded)).toBe(await verifyCredential(encoded.slice()))
    const changed = encoded.slice()
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    for (let i = 0; i < 2; i++)
      await expect(verifyCredential(changed)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
  })
})
