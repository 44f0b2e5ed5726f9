import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Credential, Membership } from '../src/index.ts'
import { admission, createPerson, createSpace, FEEDS, feedClaim, keyOf, refusal } from './cast.ts'

afterEach(() => vi.unstubAllGlobals())

const OUTSIDE_THE_HASH = 'vestibule membership '.length

/** A space with an admin, a feed, an epoch, an invitation, and one credential whose parent is not there. */
async function kitchen() {
  const { space, founder, genesis, first } = await createSpace()
  const admin = await createPerson()
  const history: Credential[] = [genesis, first]
  const say = async (by: typeof founder, claim: Parameters<typeof founder.say>[0]) => {
    const credential = await by.say(claim, [history.at(-1)?.id ?? ''])
    history.push(credential)
    return credential
  }
  const admitted = await say(founder, admission(space, admin.identity, 'ADMIN'))
  await say(admin, feedClaim(space, admin, FEEDS[0], 'DATA'))
  const keys = [{ device: admin.device, sealed: new Uint8Array([1, 2, 3]) }]
  await say(founder, { type: 'Epoch', space, number: 1, keys, heads: [], commitment: new Uint8Array(32) })
  await say(admin, {
    type: 'DelegatedInvitation',
    space,
    invitationId: new Uint8Array(16).fill(5),
    role: 'READER',
    multiUse: true,
    maxAttempts: 3,
    sealedSecrets: new Uint8Array([4, 5, 6]),
  })
  const missing = await founder.say(admission(space, keyOf(8), 'READER'), [admitted.id])
  const waiting = await founder.say(admission(space, keyOf(9), 'READER'), [missing.id])
  const membership = new Membership(space)
  for (const one of [...history, waiting]) membership.add(one)
  return { space, genesis, admin, admitted, history, missing, membership }
}

describe('a membership opened from its snapshot', () => {
  it('says all that the first one said, and hands out the same credentials', async () => {
    const { space, genesis, admin, admitted, history, membership } = await kitchen()
    const again = await Membership.open(space, await membership.snapshot(), { genesisId: genesis.id })
    expect(again.members()).toEqual(membership.members())
    expect(again.feeds()).toEqual(membership.feeds())
    expect(again.feeds().get(FEEDS[0])?.member).toBe(admin.identity)
    expect(again.epochs()).toEqual(membership.epochs())
    expect(again.epochs().current?.claim).toMatchObject({ keys: [{ sealed: new Uint8Array([1, 2, 3]) }] })
    expect(again.invitations()).toEqual(membership.invitations())
    expect(again.invitations()).toHaveLength(1)
    expect(again.admissionPath(admitted.id)).toEqual(membership.admissionPath(admitted.id))
    for (const one of history) expect(again.get(one.id)).toEqual(one)
    expect(again.name).toBe('Kitchen')
  })

  it('keeps what waits, and takes in what it waits for', async () => {
    const { space, missing, membership } = await kitchen()
    const again = await Membership.open(space, await membership.snapshot())
    expect(again.waiting).toBe(1)
    for (const one of [again, membership]) expect(one.add(missing).placed).toHaveLength(2)
    expect(again.members()).toEqual(membership.members())
    expect(again.roleOf(keyOf(9))).toBe('READER')
  })

  it('is no part of the bytes it came from: changing them changes nothing, nor what it hands out', async () => {
    const { space, genesis, membership } = await kitchen()
    const bytes = await membership.snapshot()
    const opening = Membership.open(space, bytes)
    bytes.fill(0)
    const again = await opening
    again.get(genesis.id)?.encoded.fill(0)
    expect(again.get(genesis.id)).toEqual(genesis)
  })

  it('opens without the runtime’s own SHA-256 too', async () => {
    const { space, membership } = await kitchen()
    const bytes = await membership.snapshot()
    vi.stubGlobal('crypto', undefined)
    expect(await membership.snapshot()).toEqual(bytes)
    expect((await Membership.open(space, bytes)).members()).toEqual(membership.members())
  })

  it('of nothing is empty', async () => {
    const again = await Membership.open(keyOf(1), await new Membership(keyOf(1)).snapshot())
    expect(again.members().size).toBe(0)
    expect(again.genesis).toBeUndefined()
  })
})

describe('a snapshot', () => {
  it('is refused when it was cut, or any of its bytes changed', async () => {
    const { space, membership } = await kitchen()
    const bytes = await membership.snapshot()
    for (let at = 0; at < bytes.length; at += at < 100 ? 1 : 97) {
      const damaged = bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
      const code = at === OUTSIDE_THE_HASH ? 'OTHER_VERSION' : 'DAMAGED'
      expect(await refusal(Membership.open(space, damaged)), `byte ${at}`).toBe(code)
      expect(await refusal(Membership.open(space, bytes.slice(0, at)))).toBe('DAMAGED')
    }
    expect(await refusal(Membership.open(space, new Uint8Array([...bytes, 0])))).toBe('DAMAGED')
  })

  it('is refused when it is of another space, or starts from another genesis', async () => {
    const { space, membership } = await kitchen()
    const bytes = await membership.snapshot()
    expect(await refusal(Membership.open(keyOf(1), bytes))).toBe('WRONG_SPACE')
    expect(await refusal(Membership.open(space, bytes, { genesisId: 'ab'.repeat(32) }))).toBe('WRONG_GENESIS')
  })

  it('is refused when another program wrote something else in its place, with the right hash', async () => {
    const { space, membership } = await kitchen()
    const bytes = await membership.snapshot()
    const head = bytes.slice(0, OUTSIDE_THE_HASH + 1)
    const body = bytes.slice(OUTSIDE_THE_HASH + 33)
    const bodies = [
      new Uint8Array(),
      new Uint8Array([0, 0, 0, 0, 0]),
      body.slice(0, 300),
      new Uint8Array(99).fill(255),
    ]
    for (const one of bodies) {
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', one))
      expect(await refusal(Membership.open(space, new Uint8Array([...head, ...hash, ...one])))).toBe(
        'DAMAGED',
      )
    }
  })

  it('that is damaged loses nothing: the credentials themselves give the same', async () => {
    const { space, history, membership } = await kitchen()
    expect(await refusal(Membership.open(space, new Uint8Array(100)))).toBe('DAMAGED')
    const again = new Membership(space)
    for (const one of history) again.add(one)
    expect(again.members()).toEqual(membership.members())
  })
})
