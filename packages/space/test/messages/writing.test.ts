import { describe, expect, test } from 'vitest'
import { MAX_MESSAGE_BYTES, MemoryStorage, type StorageWrite } from '../../src/index.ts'
import { bring, Person, textsOf, until, World } from '../world.ts'

/** Counts transactions, holds them up, and lets one fail. */
class WatchedStorage extends MemoryStorage {
  /** How many values each transaction had. */
  transactions: number[] = []
  gate: Promise<void> = Promise.resolve()
  failing = false

  override async transact(writes: readonly StorageWrite[]): Promise<void> {
    await this.gate
    if (this.failing) throw new Error('disk on fire')
    await super.transact(writes)
    this.transactions.push(writes.length)
  }
}

async function setup() {
  const storage = new WatchedStorage()
  const ada = await Person.join(new World(), 'ada', storage)
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  storage.transactions = []
  return { storage, ada, space }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `message ${n}`)

describe('messages that are written without waiting', () => {
  test('share transactions, keep their order, and each comes back to whoever wrote it', async () => {
    const { storage, ada, space } = await setup()
    const written = await Promise.all(numbered(50).map((text) => space.write(text)))
    expect(storage.transactions).toEqual([1])
    expect(written).toEqual(space.messages())
    expect(textsOf(space)).toEqual(numbered(50))
    expect(written.map(({ text }) => text)).toEqual(numbered(50))
    await ada.manager.close()
    const again = await ada.restart(new World(), storage)
    expect(again.manager.list()[0]?.messages()).toEqual(written)
    await again.manager.close()
  })

  test('while one is on its way to the disk go together with the next, and none resolves before it is there', async () => {
    const { storage, ada, space } = await setup()
    const gate = Promise.withResolvers<void>()
    storage.gate = gate.promise
    const stored: string[] = []
    const write = (text: string) => space.write(text).then(() => void stored.push(text))
    const first = write('first')
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const rest = ['second', 'third'].map(write)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(stored).toEqual([])
    gate.resolve()
    await Promise.all([first, ...rest])
    expect(stored).toEqual(['first', 'second', 'third'])
    expect(storage.transactions).toEqual([1, 1])
    await ada.manager.close()
  })

  test('stay on their side of whatever else was asked for in between', async () => {
    const { ada, space } = await setup()
    const before = space.write('before')
    const left = space.leave()
    const after = space.write('after')
    await expect(after).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await Promise.all([before, left])
    expect(textsOf(space)).toEqual(['before'])
    await ada.manager.close()
  })

  test('fail alone for what is wrong with one, and all for what is wrong with the disk', async () => {
    const { storage, ada, space } = await setup()
    const outcomes = await Promise.allSettled([
      space.write('good'),
      space.write('x'.repeat(MAX_MESSAGE_BYTES + 1)),
      space.write('x', { type: 't'.repeat(65) }),
      space.write('good too'),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(textsOf(space)).toEqual(['good', 'good too'])
    storage.failing = true
    const failed = await Promise.allSettled(numbered(3).map((text) => space.write(text)))
    expect(failed.map((one) => (one as PromiseRejectedResult).reason.message)).toEqual(
      Array(3).fill('disk on fire'),
    )
    storage.failing = false
    await space.write('and on')
    expect(textsOf(space)).toEqual(['good', 'good too', 'and on'])
    await ada.manager.close()
  })

  test('of many bytes take several transactions, none of them large', async () => {
    const { storage, ada, space } = await setup()
    const body = new Uint8Array(MAX_MESSAGE_BYTES)
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        // The caller's bytes are its own again as soon as the call is made.
        body.fill(n)
        return space.write(body)
      }),
    )
    expect(space.messages().map(({ bytes }) => bytes?.[0])).toEqual(Array.from({ length: 40 }, (_, n) => n))
    expect(storage.transactions.length).toBe(3)
    await ada.manager.close()
  })
})

describe('what a device wrote is delivered', () => {
  const within = () => ({ signal: AbortSignal.timeout(5_000) })

  async function kitchen() {
    const world = new World()
    const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await ada.manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob)
    await until(his, () => his.peers().length === 1)
    const close = () => Promise.all([ada, bob].map(({ manager }) => manager.close()))
    return { world, bob, hers, his, close }
  }

  test('as far as it counts, when its data feed was cut, and in the one after it', async () => {
    const { world, bob, hers, his, close } = await kitchen()
    await his.write('as an editor')
    await his.delivered(within())
    world.setOnline('bob', false)
    await his.write('nobody heard of it')
    const { identityKey } = bob.signingContext
    await hers.changeRole(identityKey, 'READER')
    await hers.changeRole(identityKey, 'EDITOR')
    world.setOnline('bob', true)
    await until(his, () => his.history().filter(({ type }) => type === 'ChangedRole').length === 2)
    await his.write('as an editor again')
    await his.delivered(within())
    expect(textsOf(hers)).toEqual(['as an editor', 'as an editor again'])
    await close()
  })

  test('when it stands in a feed that it had before it was removed and came back', async () => {
    const { world, bob, hers, his, close } = await kitchen()
    world.setOnline('bob', false)
    await his.setProfile({ displayName: 'Robert' })
    await hers.removeMember(bob.signingContext.identityKey)
    world.setOnline('bob', true)
    await until(his, () => his.removal !== undefined)
    world.setOnline('bob', false)
    await bring(hers, bob)
    const said = () => hers.history().filter(({ type }) => type === 'MemberProfile').length
    const delivered = his.delivered(within())
    expect(said()).toBe(0)
    world.setOnline('bob', true)
    await delivered
    expect(said()).toBe(1)
    await close()
  })
})
