import { describe, expect, test } from 'vitest'
import { MemoryStorage, type Storage, StorageError, type StorageWrite } from '../../src/index.ts'
import { bring, Person, paper, storeOf, World } from '../world.ts'
import { deviceOf } from './stage.ts'

/** A storage that writes so many transactions more, and then nothing, as after a crash. */
class Dying implements Storage {
  readonly #kept: Storage
  #left = Number.POSITIVE_INFINITY
  written = 0

  constructor(kept: Storage) {
    this.#kept = kept
  }

  dieAfter(transactions: number): void {
    this.#left = transactions
  }

  get(key: string) {
    return this.#kept.get(key)
  }

  list(prefix: string, part?: Parameters<Storage['list']>[1]) {
    return this.#kept.list(prefix, part)
  }

  async transact(writes: readonly StorageWrite[]): Promise<void> {
    if (this.#left === 0) throw new StorageError('STORAGE_FULL', 'the machine is off')
    this.#left--
    this.written++
    await this.#kept.transact(writes)
  }

  async close(): Promise<void> {}
}

/** Ada's tablet, from which she revokes all others by her phrase: her first device, and a phone that knows one space. */
async function tablet() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const phrase = await paper()
  await ada.manager.addRecovery(phrase)
  const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
  await bring(kitchen, bob)
  const cellar = await ada.manager.createSpace({ name: 'Cellar' })
  const phone = await ada.secondDevice(world, 'phone')
  const made = await ada.secondDevice(world, 'tablet')
  await Promise.all(made.manager.list().map((space) => space.ready()))
  await made.manager.deactivate(cellar.key)
  await Promise.all([ada, bob, phone, made].map(({ manager }) => manager.close()))
  return { ada, phone, made, phrase, keys: [kitchen.key, cellar.key] }
}

/** The same device on a copy of its storage, where nobody else is. */
async function alone(made: Person): Promise<{ device: Person; storage: Dying; kept: MemoryStorage }> {
  const kept = new MemoryStorage()
  await kept.transact((await made.storage.list('')).map(([key, value]) => ({ key, value })))
  const storage = new Dying(kept)
  return { device: await made.restart(new World(), storage), storage, kept }
}

describe('revoking all other devices by the phrase', () => {
  test('is all or nothing, wherever it is cut off: once begun it is done after the next start', async () => {
    const { ada, phone, made, phrase, keys } = await tablet()
    const gone = [ada.signingContext.identityKey, deviceOf(ada), deviceOf(phone)].map((key) => key.toHex())
    const outcomes = new Set<string>()
    for (let n = 0, finished = false; !finished; n++) {
      const { device, storage, kept } = await alone(made)
      storage.dieAfter(n)
      const before = storage.written
      const problems: Error[] = []
      device.manager.identity.subscribe({ onProblem: (problem) => problems.push(problem) })
      const outcome = await device.manager.identity.revokeOtherDevices(phrase).then(
        () => 'done' as const,
        ({ code }) => String(code),
      )
      expect(['done', 'STORAGE_FULL'], `cut off at ${n}`).toContain(outcome)
      await device.manager.close()
      finished = outcome === 'done' && problems.length === 0
      expect(storage.written - before).toBeLessThanOrEqual(n)

      // The phrase is not at hand any more.
      const again = await made.restart(new World(), kept)
      const spaces = await Promise.all(keys.map((key) => again.manager.openSpace(key)))
      const revoked = again.manager.identity.devices().filter((one) => one.revoked)
      outcomes.add(`${outcome} ${revoked.length}`)
      expect(outcome === 'done' ? revoked.length : 2, `cut off at ${n}`).toBe(2)
      for (const space of spaces) {
        const { membership } = storeOf(space).roster
        const there = membership.revocationsOf(space.self).flatMap(({ claim }) => {
          return claim.type === 'RevokedDevice' ? claim.device.toHex() : []
        })
        expect([...there].sort(), `${space.name}, cut off at ${n}`).toEqual(
          revoked.length === 0 ? [] : [...gone].sort(),
        )
        const { current } = membership.epochs()
        expect(current === undefined, `${space.name}, cut off at ${n}`).toBe(revoked.length === 0)
        const holders = current?.claim.type === 'Epoch' ? current.claim.keys.map(({ device }) => device) : []
        for (const device of [ada, phone]) expect(holders).not.toContain(deviceOf(device))
      }
      expect(await kept.list('revocations/')).toEqual([])
      await again.manager.close()
    }
    // Nothing, everything after the next start, and everything at once.
    expect([...outcomes].sort()).toEqual(['STORAGE_FULL 0', 'done 2'])
  })
})
