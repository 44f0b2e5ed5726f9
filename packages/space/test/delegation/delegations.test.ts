import { Redacted } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import type { DelegateOptions, Space } from '../../src/index.ts'
import { encodeAdmission, parseAdmission } from '../../src/index.ts'
import { keyOf, kitchen } from '../acts/kitchen.ts'
import { bring, namesOf, Person, stillClock, until, type World } from '../world.ts'

const SECRETS = new Uint8Array([1, 2, 3])
const DELEGATION: DelegateOptions = {
  invitationId: new Uint8Array(16).fill(7),
  role: 'EDITOR',
  maxAttempts: 3,
  expiresAtMs: stillClock.now() + 60_000,
  secrets: new Redacted(SECRETS),
}
const opened = async (space: Space, id: string) => (await space.servingSecrets(id))?.unwrap()
const heard = (space: Space, id: string) => until(space, () => space.delegation(id) !== undefined)

/** A guest comes by a delegated invitation. */
async function come(world: World, host: Space, delegation: string, name: string) {
  const guest = await Person.join(world, name)
  const candidate = await guest.candidate()
  const admission = await host.admit(candidate, { role: 'EDITOR', delegation, invitedAfter: [delegation] })
  const received = await parseAdmission(encodeAdmission(admission))
  return { guest, space: await guest.manager.acceptSpace(received, { ...candidate, role: 'EDITOR' }) }
}

describe('a delegated invitation', () => {
  test('has its secrets sealed to those who may serve it, and to nobody else', async () => {
    const { cem, dan, hers, bobs, cems, dans, close } = await kitchen()
    const id = await hers.delegate(DELEGATION)
    for (const space of [bobs, cems, dans]) await heard(space, id)
    for (const space of [hers, bobs]) expect(await opened(space, id)).toEqual(SECRETS)
    for (const space of [cems, dans]) {
      expect(await opened(space, id)).toBeUndefined()
      expect([space.mayDelegate('READER'), space.delegation(id)?.ended]).toEqual([false, 'CANCELLED'])
      await expect(space.delegate(DELEGATION)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
      await expect(space.cancelDelegation(id)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    }
    // Bytes of them are nowhere in what everybody has.
    const claim = hers.membership.invitation(id)?.claim
    expect(Buffer.from(claim?.sealedSecrets ?? []).includes(Buffer.from(SECRETS))).toBe(false)
    const admins = await hers.delegate({ ...DELEGATION, role: 'ADMIN' })
    await heard(bobs, admins)
    expect([await opened(bobs, admins), bobs.delegation(admins)?.ended]).toEqual([undefined, 'CANCELLED'])
    await expect(bobs.delegate({ ...DELEGATION, role: 'ADMIN' })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    })
    expect([keyOf(cem), keyOf(dan)].every((key) => hers.roleOf(key) !== undefined)).toBe(true)
    await close()
  })

  test('is refused with secrets that are too long, and with a role that nobody comes by', async () => {
    const { hers, close } = await kitchen()
    const long = new Redacted(new Uint8Array(1793))
    await expect(hers.delegate({ ...DELEGATION, secrets: long })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(hers.delegate({ ...DELEGATION, role: 'OWNER' })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    })
    expect(hers.delegations()).toEqual([])
    await close()
  })

  test('is told as it comes, is redeemed by another member, and is over then', async () => {
    const { world, ada, hers, bobs, close } = await kitchen()
    let told = 0
    bobs.subscribe({ onDelegations: () => told++ })
    const id = await hers.delegate({ ...DELEGATION, history: 'none' })
    await heard(bobs, id)
    expect(bobs.delegation(id)).toMatchObject({
      author: keyOf(ada),
      role: 'EDITOR',
      history: 'none',
      multiUse: false,
      redeemedBy: [],
      expiresAtMs: DELEGATION.expiresAtMs,
    })
    const { guest, space } = await come(world, bobs, id, 'yan')
    await until(hers, () => hers.delegation(id)?.ended === 'REDEEMED')
    expect(hers.delegation(id)?.redeemedBy).toEqual([keyOf(guest)])
    expect(told).toBe(2)
    expect(hers.members().find(({ identityKey }) => identityKey === keyOf(guest))).toMatchObject({
      role: 'EDITOR',
      invitationId: DELEGATION.invitationId,
    })
    await expect(come(world, hers, id, 'zoe')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect(space.removal).toBeUndefined()
    await guest.manager.close()
    await close()
  })

  test('counts what failed at other devices, the highest number of each', async () => {
    const { hers, bobs, cems, close } = await kitchen()
    const id = await hers.delegate(DELEGATION)
    await heard(bobs, id)
    await bobs.countAttempts(id, 1)
    await bobs.countAttempts(id, 2)
    await bobs.countAttempts(id, 1)
    await until(hers, () => hers.delegation(id)?.failedElsewhere === 2)
    expect([bobs.delegation(id)?.failedElsewhere, hers.delegation(id)?.ended]).toEqual([0, undefined])
    await hers.countAttempts(id, 1)
    expect(hers.delegation(id)?.ended).toBe('LOCKED')
    expect(bobs.history().filter(({ type }) => type === 'InvitationAttempts')).toHaveLength(2)
    await cems.countAttempts(id, 9)
    expect(cems.history().filter(({ type }) => type === 'InvitationAttempts')).toHaveLength(2)
    await close()
  })

  test('is called off by its author or another who may, and the secrets of one who is gone serve nobody', async () => {
    const { bob, hers, bobs, close } = await kitchen()
    const [first, second] = [await hers.delegate(DELEGATION), await hers.delegate(DELEGATION)]
    await heard(bobs, second)
    await bobs.cancelDelegation(first)
    await until(hers, () => hers.delegation(first)?.ended === 'CANCELLED')
    await hers.cancelDelegation(first)
    expect(hers.history().filter(({ type }) => type === 'CancelledInvitation')).toHaveLength(1)
    await hers.changeRole(keyOf(bob), 'EDITOR')
    expect(hers.delegation(second)?.ended).toBe('CANCELLED')
    await close()
  })
})

describe('two who redeem one single use at the same time', () => {
  test('agree on one guest, and the other one is told what came in its place', async () => {
    const { world, hers, bobs, cems, close } = await kitchen()
    const id = await hers.delegate(DELEGATION)
    await heard(bobs, id)
    for (const name of ['ada', 'cem', 'dan', 'bob']) world.setOnline(name, false)
    const [yan, zoe] = [await come(world, hers, id, 'yan'), await come(world, bobs, id, 'zoe')]
    const told: unknown[] = []
    for (const { space } of [yan, zoe])
      space.subscribe({ onRemoval: (removal) => told.push(removal?.reason) })
    for (const name of ['ada', 'bob', 'cem']) world.setOnline(name, true)
    for (const space of [hers, bobs, cems]) await until(space, () => namesOf(space).length === 5)
    await until(yan.space, () => (yan.space.removal ?? zoe.space.removal) !== undefined)
    const [loser, winner] = yan.space.removal === undefined ? [zoe, yan] : [yan, zoe]
    expect(loser.space.removal).toMatchObject({ identityKey: keyOf(loser.guest), reason: 'SUPERSEDED' })
    await until(loser.space, () => told.length > 0)
    expect(told).toEqual(['SUPERSEDED'])
    await expect(loser.space.write('hello')).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    expect(winner.space.removal).toBeUndefined()
    expect(namesOf(hers)).toEqual(['ada', 'bob', 'cem', 'dan', winner.guest.name])
    expect(hers.departureOf(keyOf(loser.guest))?.reason).toBe('SUPERSEDED')
    // It is no stranger's fault: it may be invited again.
    await bring(hers, loser.guest)
    expect(loser.space.removal).toBeUndefined()
    for (const { guest } of [yan, zoe]) await guest.manager.close()
    await close()
  })
})
