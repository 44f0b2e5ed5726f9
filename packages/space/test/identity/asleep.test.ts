import { describe, expect, test } from 'vitest'
import { openBackup, type Space } from '../../src/index.ts'
import { bring, Person, paper, until, untilAll, World } from '../world.ts'
import { deviceOf } from './stage.ts'

const isRevoked = (space: Space, by: Person, device: Person): boolean =>
  space.membership
    .revocationsOf(by.signingContext.identityKey)
    .some(({ claim }) => claim.type === 'RevokedDevice' && claim.device === deviceOf(device))

/** Ada with a phone, and Bob in two spaces of hers, the second of which is deactivated and not loaded on her device. */
async function asleep() {
  const world = new World()
  const [first, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const phrase = await paper()
  const kitchen = await first.manager.createSpace({ name: 'Kitchen' })
  const cellar = await first.manager.createSpace({ name: 'Cellar' })
  const [his, hisCellar] = [await bring(kitchen, bob), await bring(cellar, bob)]
  const phone = await first.secondDevice(world, 'phone', { withSpaces: false })
  await first.manager.deactivate(cellar.key)
  await first.manager.close()
  const ada = await first.restart(world, first.storage)
  const close = () => Promise.all([ada, bob, phone].map(({ manager }) => manager.close()))
  return { world, ada, bob, phone, phrase, his, hisCellar, key: cellar.key, close }
}

describe('a space that is deactivated', () => {
  test('hears of a revocation and of a new name without being connected, and others when it is', async () => {
    const { ada, phone, his, hisCellar, key, close } = await asleep()
    const { identity } = ada.manager
    await identity.revokeDevice(deviceOf(phone))
    await identity.setProfile({ displayName: 'Countess' })
    expect(ada.manager.get(key)).toBeUndefined()
    await until(his, () => isRevoked(his, ada, phone))
    expect([isRevoked(hisCellar, ada, phone), ada.manager.list().length]).toEqual([false, 1])
    const cellar = await ada.manager.openSpace(key)
    expect([isRevoked(cellar, ada, phone), cellar.peers()]).toEqual([true, []])
    const written = cellar.history().map(({ type }) => type)
    expect(written.filter((type) => type === 'RevokedDevice' || type === 'Epoch')).toEqual([
      'RevokedDevice',
      'Epoch',
    ])
    await ada.manager.activate(key)
    await untilAll([hisCellar], () =>
      hisCellar.members().some(({ profile }) => profile.displayName === 'Countess'),
    )
    expect(isRevoked(hisCellar, ada, phone)).toBe(true)
    await close()
  })

  test('is loaded once for what there is to hear, and no more', async () => {
    const { world, ada, phone, key, close } = await asleep()
    const { identity } = ada.manager
    await identity.revokeDevice(deviceOf(phone))
    await identity.setProfile({ displayName: 'Countess' })
    await ada.manager.close()
    const reads: string[] = []
    const watched = new Proxy(ada.storage, {
      get: (target, name) => {
        if (name !== 'list' && name !== 'get') return Reflect.get(target, name).bind(target)
        return (at: string, part?: never) => {
          reads.push(at)
          return name === 'get' ? target.get(at) : target.list(at, part)
        }
      },
    })
    const again = await ada.restart(world, watched)
    await again.manager.identity.setDeviceLabel('laptop')
    expect(reads.filter((at) => at.startsWith(`feeds/${key.toHex()}`))).toEqual([])
    await again.manager.close()
    await close()
  })

  test('hears of what the phrase revokes, too, while the phrase is at hand, and is in the backup', async () => {
    const { world, ada, phone, phrase, key, close } = await asleep()
    await ada.manager.addRecovery(phrase)
    expect((await openBackup(await ada.manager.exportBackup(), phrase)).spaces).toHaveLength(3)
    const { keys, missed } = await ada.manager.identity.revokeOtherDevices(phrase)
    expect(keys).toEqual([ada.signingContext.identityKey, deviceOf(phone)])
    expect(missed).toEqual([])
    await ada.manager.close()
    const again = await ada.restart(world, ada.storage)
    expect(isRevoked(await again.manager.openSpace(key), ada, phone)).toBe(true)
    await again.manager.close()
    await close()
  })
})

test('an identity that was removed from a space, or left one, still revokes and backs up', async () => {
  const { ada, bob, phone, phrase, his, close } = await asleep()
  await ada.manager.addRecovery(phrase)
  const garden = await bob.manager.createSpace({ name: 'Garden' })
  const hers = await bring(garden, ada)
  await garden.removeMember(ada.signingContext.identityKey)
  await until(hers, () => hers.removal !== undefined)
  await ada.manager.get(his.key)?.leave()
  expect((await openBackup(await ada.manager.exportBackup(), phrase)).spaces).toHaveLength(2)
  const problems: Error[] = []
  ada.manager.identity.subscribe({ onProblem: (problem) => problems.push(problem) })
  const { keys } = await ada.manager.identity.revokeOtherDevices(phrase)
  expect(keys).toContain(deviceOf(phone))
  expect([problems, await ada.storage.list('revocations/')]).toEqual([[], []])
  await close()
})
