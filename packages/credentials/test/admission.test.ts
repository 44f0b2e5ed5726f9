import type { PublicKey } from '@vestibule/keys'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Credential,
  type CredentialsErrorCode,
  type ExpectedAdmission,
  issueCredential,
  verifyAdmission,
} from '../src/index.ts'
import { admission, createPerson, createSpace, type Person, refusal } from './cast.ts'

type Space = Awaited<ReturnType<typeof createSpace>>

describe('an admission', () => {
  let kitchen: Space
  let mo: Person
  let guest: Person
  let moGrant: Credential
  let guestGrant: Credential
  let expected: ExpectedAdmission

  beforeAll(async () => {
    kitchen = await createSpace()
    const { space, founder, genesis, first } = kitchen
    ;[mo, guest] = [await createPerson(), await createPerson()]
    moGrant = await founder.say(admission(space, mo.identity, 'ADMIN'), [first.id])
    guestGrant = await mo.say(admission(space, guest.identity, 'EDITOR'), [moGrant.id])
    expected = { space, genesisId: genesis.id, member: guest.identity, role: 'EDITOR' }
  })

  const check = (path: readonly (Credential | undefined)[], changes: Partial<ExpectedAdmission> = {}) =>
    refusal(() =>
      verifyAdmission(
        path.filter((one) => one !== undefined),
        { ...expected, ...changes },
      ),
    )

  it('is accepted along an unbroken line of grants', () => {
    const { genesis, first } = kitchen
    expect(verifyAdmission([genesis, first, moGrant, guestGrant], expected)).toBeUndefined()
    const mine = { ...expected, member: kitchen.founder.identity, role: 'OWNER' } as const
    expect(verifyAdmission([genesis, first], mine)).toBeUndefined()
  })

  it('to somebody’s own space is refused to everybody else', async () => {
    const { keyring, identity } = await createPerson()
    const space = await keyring.createKey()
    const by = { signer: keyring, issuer: space, issuedAtMs: 0 }
    const own = async (owner: PublicKey) => {
      const claim = { type: 'SpaceGenesis', space, name: '', identity: owner } as const
      const genesis = await issueCredential({ ...by, claim })
      const founder = { ...by, claim: admission(space, identity, 'OWNER'), parents: [genesis.id] }
      return [genesis, await issueCredential(founder)]
    }
    const promised = (path: readonly Credential[]) =>
      ({ space, genesisId: path[0]?.id ?? '', member: identity, role: 'OWNER' }) as const
    const [mine, anothers] = [await own(identity), await own(guest.identity)]
    expect(verifyAdmission(mine, promised(mine))).toBeUndefined()
    expect(await check(anothers, promised(anothers))).toBe('NOT_ALLOWED')
    expect(await check([...mine, guestGrant], promised(mine))).toBe('NOT_ALLOWED')
  })

  it('is refused from a foreign genesis', async () => {
    const other = await createSpace()
    const { first } = kitchen
    expect(await check([other.genesis, first, moGrant, guestGrant])).toBe('WRONG_GENESIS')
    expect(await check([first, moGrant, guestGrant])).toBe('WRONG_GENESIS')
    expect(await check([])).toBe('WRONG_GENESIS')
    // The right id, but another space than was expected.
    expect(await check([kitchen.genesis, first, moGrant, guestGrant], { space: other.space })).toBe(
      'WRONG_SPACE',
    )
  })

  it('is refused with a grant missing anywhere in the line', async () => {
    const { genesis, first } = kitchen
    expect(await check([genesis, first, guestGrant])).toBe('WRONG_ISSUER')
    expect(await check([genesis, moGrant, guestGrant])).toBe('WRONG_ISSUER')
    expect(await check([genesis, first, guestGrant, moGrant])).toBe('WRONG_ISSUER')
    expect(await check([genesis])).toBe('WRONG_MEMBER')
  })

  it('is refused for somebody else, and at another role, a higher one too', async () => {
    const path = [kitchen.genesis, kitchen.first, moGrant, guestGrant]
    expect(await check(path, { member: mo.identity })).toBe('WRONG_MEMBER')
    expect(await check(path.slice(0, 3))).toBe('WRONG_MEMBER')
    for (const role of ['READER', 'ADMIN', 'OWNER'] as const)
      expect(await check(path, { role })).toBe('WRONG_ROLE')
  })

  it('is refused by somebody who may not admit at this role', async () => {
    const { space, genesis, first } = kitchen
    const friend = await createPerson()
    const by = async (issuer: Person, role: 'READER' | 'OWNER'): Promise<CredentialsErrorCode> => {
      const last = await issuer.say(admission(space, friend.identity, role), [guestGrant.id])
      return check([genesis, first, moGrant, guestGrant, last], { member: friend.identity, role })
    }
    expect(await by(guest, 'READER')).toBe('NOT_ALLOWED')
    expect(await by(mo, 'OWNER')).toBe('NOT_ALLOWED')
  })

  it('is refused when somebody admits itself', async () => {
    const { space, genesis, first } = kitchen
    const itself = await mo.say(admission(space, mo.identity, 'ADMIN'), [moGrant.id])
    const code = await check([genesis, first, moGrant, itself], { member: mo.identity, role: 'ADMIN' })
    expect(code).toBe('NOT_ALLOWED')
  })

  it('is refused when the space key did not make its founder an owner, from the genesis', async () => {
    const { space, genesis, sayAsSpace, sayByDelegate } = kitchen
    const { identity } = await createPerson()
    const delegated = await sayByDelegate(admission(space, identity, 'OWNER'), [genesis.id])
    expect(await check([genesis, delegated], { member: identity, role: 'OWNER' })).toBe('WRONG_ISSUER')
    const low = await sayAsSpace(admission(space, identity, 'EDITOR'), [genesis.id])
    expect(await check([genesis, low], { member: identity })).toBe('NOT_ALLOWED')
    const loose = await sayAsSpace(admission(space, identity, 'OWNER'))
    expect(await check([genesis, loose], { member: identity, role: 'OWNER' })).toBe('NOT_ALLOWED')
  })

  it('is refused with a grant of another space, or something that is no grant', async () => {
    const { genesis, first } = kitchen
    const other = await createSpace()
    const foreign = await mo.say(admission(other.space, guest.identity, 'EDITOR'), [moGrant.id])
    expect(await check([genesis, first, moGrant, foreign])).toBe('WRONG_SPACE')
    expect(await check([genesis, first, ...mo.chain, moGrant, guestGrant])).toBe('WRONG_TYPE')
    expect(await check([genesis, genesis, first, guestGrant])).toBe('WRONG_TYPE')
  })
})
