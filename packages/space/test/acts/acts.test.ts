import { describe, expect, test } from 'vitest'
import { MemoryStorage, type SpaceAct, SpaceManager, type StorageWrite } from '../../src/index.ts'
import { namesOf, Person, stillClock, until, World } from '../world.ts'
import { keyOf, kitchen } from './kitchen.ts'

const by = (n: number): Uint8Array => new Uint8Array(16).fill(n)

describe('a member', () => {
  test('is removed by who is above it, and everybody hears of it', async () => {
    const { bob, cem, hers, bobs, cems, dans, close } = await kitchen()
    const heard: unknown[] = []
    hers.subscribe({ onDepartures: (departures) => heard.push(...departures) })
    await bobs.removeMember(keyOf(cem))
    for (const space of [hers, bobs, dans]) await until(space, () => space.members().length === 3)
    expect([namesOf(hers), hers.roleOf(keyOf(cem))]).toEqual([['ada', 'bob', 'dan'], undefined])
    const departure = hers.departureOf(keyOf(cem))
    expect(departure).toEqual({ identityKey: keyOf(cem), by: keyOf(bob), credentialId: expect.any(String) })
    expect(heard).toEqual([departure])
    for (const space of [hers, bobs, dans]) expect(space.peers()).toHaveLength(2)
    await until(cems, () => cems.peers().length === 0)
    expect(dans.why(departure?.credentialId ?? '')).toMatchObject({ counts: true, code: 'ALLOWED' })
    expect([hers.departureOf(keyOf(bob)), hers.departureOf(hers.key)]).toEqual([undefined, undefined])
    await close()
  })

  test('is not removed by one who is not above it, and nothing is written', async () => {
    const { ada, bob, cem, dan, hers, bobs, cems, close } = await kitchen()
    const before = await Promise.all([bob, cem].map(({ storage }) => storage.list('')))
    const eve = await Person.join(new World(), 'eve')
    const notAllowed = { code: 'NOT_ALLOWED' }
    await expect(bobs.removeMember(keyOf(ada))).rejects.toMatchObject(notAllowed)
    await expect(cems.removeMember(keyOf(dan))).rejects.toMatchObject(notAllowed)
    await expect(bobs.removeMember(keyOf(bob))).rejects.toMatchObject(notAllowed)
    await expect(bobs.removeMember(keyOf(eve))).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await expect(bobs.changeRole(keyOf(ada), 'EDITOR')).rejects.toMatchObject(notAllowed)
    await expect(bobs.changeRole(keyOf(cem), 'OWNER')).rejects.toMatchObject(notAllowed)
    await expect(bobs.changeRole(keyOf(bob), 'OWNER')).rejects.toMatchObject(notAllowed)
    await expect(cems.changeRole(keyOf(dan), 'EDITOR')).rejects.toMatchObject(notAllowed)
    await expect(bobs.changeRole(keyOf(eve), 'READER')).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await expect(bobs.handOver(keyOf(cem))).rejects.toMatchObject(notAllowed)
    await expect(hers.handOver(keyOf(ada))).rejects.toMatchObject(notAllowed)
    await expect(hers.handOver(keyOf(eve))).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await expect(bobs.setProfile({ displayName: 'x'.repeat(65) })).rejects.toThrow(TypeError)
    expect(await Promise.all([bob, cem].map(({ storage }) => storage.list('')))).toEqual(before)
    await eve.manager.close()
    await close()
  })

  test('gets another role from who is above it, and lowers itself', async () => {
    const { ada, bob, cem, hers, bobs, cems, close } = await kitchen()
    await hers.changeRole(keyOf(cem), 'ADMIN')
    await until(cems, () => cems.roleOf(keyOf(cem)) === 'ADMIN')
    await cems.changeRole(keyOf(cem), 'READER')
    await until(bobs, () => bobs.roleOf(keyOf(cem)) === 'READER')
    const before = await ada.storage.list('')
    await hers.changeRole(keyOf(bob), 'ADMIN')
    expect([await ada.storage.list(''), namesOf(hers).length]).toEqual([before, 4])
    await close()
  })

  test('is shown as it says from then on', async () => {
    const { dan, hers, dans, close } = await kitchen()
    await dans.setProfile({ displayName: 'Daniel' })
    await until(hers, () => namesOf(hers).includes('Daniel'))
    expect(dans.members().find(({ identityKey }) => identityKey === keyOf(dan))?.profile).toEqual({
      displayName: 'Daniel',
    })
    await close()
  })

  test('who owns the space hands it over, and stays as admin', async () => {
    const { ada, bob, hers, bobs, close } = await kitchen()
    await hers.handOver(keyOf(bob))
    for (const space of [hers, bobs]) {
      await until(space, () => space.roleOf(keyOf(ada)) === 'ADMIN')
      expect(space.roleOf(keyOf(bob))).toBe('OWNER')
    }
    await expect(hers.handOver(keyOf(bob))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await bobs.removeMember(keyOf(ada))
    expect(bobs.roleOf(keyOf(ada))).toBeUndefined()
    await close()
  })

  test('who owns the space hands it over to another owner by stepping back', async () => {
    const { ada, bob, hers, bobs, close } = await kitchen()
    await hers.changeRole(keyOf(bob), 'OWNER')
    await hers.handOver(keyOf(bob))
    await until(bobs, () => bobs.roleOf(keyOf(ada)) === 'ADMIN')
    expect(bobs.roleOf(keyOf(bob))).toBe('OWNER')
    await close()
  })

  test('leaves, and is gone for everybody', async () => {
    const { cem, hers, cems, close } = await kitchen()
    await cems.leave()
    await cems.delivered({ signal: AbortSignal.timeout(5_000) })
    await until(hers, () => hers.members().length === 3)
    expect(hers.departureOf(keyOf(cem))?.by).toBe(keyOf(cem))
    await expect(cems.leave()).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await close()
  })
})

describe('everybody who came in by a link', () => {
  test('is removed at once, and nobody else', async () => {
    const { world, cem, hers, close } = await kitchen()
    const others = await Promise.all(['eve', 'fay', 'gus'].map((name) => Person.join(world, name)))
    for (const [n, one] of others.entries())
      await hers.admit(await one.candidate(), { role: 'EDITOR', invitationId: by(n === 2 ? 9 : 7) })
    const [eve, fay] = others as [Person, Person]
    expect(hers.members().flatMap(({ invitationId }) => invitationId ?? [])).toEqual([by(7), by(7), by(9)])
    expect(await hers.removeInvited(by(7))).toEqual([keyOf(eve), keyOf(fay)])
    expect(namesOf(hers)).toEqual(['ada', 'bob', 'cem', 'dan', 'gus'])
    expect(await hers.removeInvited(by(7))).toEqual([])
    expect(hers.roleOf(keyOf(cem))).toBe('EDITOR')
    await expect(hers.removeInvited(Uint8Array.of(7))).rejects.toThrow(TypeError)
    for (const { manager } of others) await manager.close()
    await close()
  })

  test('stays when one of them may not be removed', async () => {
    const { world, hers, bobs, close } = await kitchen()
    const [eve, fay] = [await Person.join(world, 'eve'), await Person.join(world, 'fay')]
    await hers.admit(await eve.candidate(), { role: 'EDITOR', invitationId: by(7) })
    await hers.admit(await fay.candidate(), { role: 'ADMIN', invitationId: by(7) })
    await until(bobs, () => bobs.members().length === 6)
    await expect(bobs.removeInvited(by(7))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect(bobs.members().length).toBe(6)
    for (const { manager } of [eve, fay]) await manager.close()
    await close()
  })
})

describe('an act', () => {
  test('is durable when it resolves, whole or not at all', async () => {
    const { world, ada, bob, hers, close } = await kitchen()
    const failing = new FailingStorage()
    await failing.transact(
      (await ada.storage.list('')).map(([key, value]) => ({ key, value }) satisfies StorageWrite),
    )
    const { keyring, signingContext } = ada
    const networkManager = new World().networkManager('elsewhere')
    const manager = new SpaceManager({
      ...{ storage: failing, keyring, signingContext, networkManager, clock: stillClock },
    })
    await manager.open()
    const copy = manager.list()[0] as typeof hers
    failing.failing = true
    for (const act of [
      () => copy.removeMember(keyOf(bob)),
      () => copy.handOver(keyOf(bob)),
      () => copy.leave(),
      () => copy.setProfile({ displayName: 'A' }),
    ])
      await expect(act()).rejects.toThrow('disk on fire')
    expect(copy.members()).toEqual(hers.members())
    await manager.close()
    await hers.removeMember(keyOf(bob))
    await ada.manager.close()
    const again = await ada.restart(world, ada.storage)
    expect(again.manager.get(hers.key)?.roleOf(keyOf(bob))).toBeUndefined()
    await again.manager.close()
    await close()
  })

  test('is part of the history, with who did what to whom', async () => {
    const { ada, cem, hers, close } = await kitchen()
    await hers.changeRole(keyOf(cem), 'ADMIN')
    await hers.removeMember(keyOf(cem))
    const acts = hers.history().filter(({ type }) => type !== 'Epoch')
    const genesis = acts.find(({ type }) => type === 'SpaceGenesis')
    expect(genesis).toMatchObject({ id: hers.genesisId, by: hers.key, counts: true })
    expect(acts.at(-2)).toMatchObject({
      type: 'ChangedRole',
      by: keyOf(ada),
      about: keyOf(cem),
      role: 'ADMIN',
    })
    expect(acts.at(-1)).toEqual({
      id: hers.departureOf(keyOf(cem))?.credentialId ?? '',
      type: 'RemovedMember',
      by: keyOf(ada),
      about: keyOf(cem),
      timestampMs: stillClock.now(),
      counts: true,
    } satisfies Partial<SpaceAct>)
    await close()
  })
})

class FailingStorage extends MemoryStorage {
  failing = false
  override async transact(writes: readonly StorageWrite[]): Promise<void> {
    if (this.failing) throw new Error('disk on fire')
    await super.transact(writes)
  }
}
