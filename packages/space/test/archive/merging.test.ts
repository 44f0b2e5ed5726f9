import { randomBytes } from '@noble/hashes/utils.js'
import { Redacted } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { exportSpace } from '../../src/archive/export-space.ts'
import { MemoryStorage, type Space, type SpaceError, type Storage } from '../../src/index.ts'
import { FOUNDING_EPOCH } from '../../src/read-keys/read-key.ts'
import { readKeyRecordKey } from '../../src/read-keys/ring-records.ts'
import type { SpaceStore } from '../../src/space-store.ts'
import { bring, Person, textsOf, until, World } from '../world.ts'

const passphrase = 'correct horse'
const sealed = { passphrase, cost: { memoryKib: 8 * 1024, passes: 1, lanes: 1 } }
const storeOf = (space: Space): SpaceStore => (space as unknown as { readonly store: SpaceStore }).store

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
const exported = (person: Person, space: Space) => gather(person.manager.exportSpace(space.key, sealed))

async function copyOf(storage: Storage): Promise<MemoryStorage> {
  const copy = new MemoryStorage()
  await copy.transact((await storage.list('')).map(([key, value]) => ({ key, value })))
  return copy
}

/** Ada, offline from now on, with a space, and what her storage was like before `then`. */
async function ada(then: (space: Space) => Promise<unknown>) {
  const person = await Person.join(new World(), 'ada')
  const space = await person.manager.createSpace({ name: 'Kitchen' })
  await space.write('in common')
  const old = await copyOf(person.storage)
  await then(space)
  return { person, space, old }
}

describe('an export with another history of a feed', () => {
  for (const [which, theirs, mine] of [
    ['longer', ['one', 'two', 'three'], ['another']],
    ['shorter', ['one'], ['another', 'and', 'more']],
    ['as long', ['one'], ['another']],
  ] as const)
    test(`that is ${which} is a fork, proven and outlived`, async () => {
      const { person, space, old } = await ada(async (space) => {
        for (const text of theirs) await space.write(text)
      })
      const file = await exported(person, space)
      await person.manager.close()
      const again = await person.restart(new World(), old)
      const [here] = again.manager.list() as [Space]
      const problems: SpaceError[] = []
      here.subscribe({ onProblem: (problem) => void problems.push(problem) })
      for (const text of mine) await here.write(text)
      const { forked, added } = await again.manager.importSpace(file, { passphrase })
      expect([forked, added]).toEqual([here.forks().map(({ feed }) => feed), 0])
      expect(here.forks()).toMatchObject([{ length: 1 }])
      expect(problems).toMatchObject([{ code: 'FORKED' }])
      expect(here.messages().map(({ text, included }) => [text, included])).toEqual([
        ['in common', undefined],
        ...mine.map((text) => [text, false]),
      ])
      await here.write('goes on')
      expect(here.messages().at(-1)).toMatchObject({ text: 'goes on' })
      expect(here.messages().at(-1)).not.toHaveProperty('included')
      // A second time it is no news.
      expect((await again.manager.importSpace(file, { passphrase })).forked).toEqual(forked)
      expect([problems.length, here.forks().length]).toEqual([1, 1])
      await again.manager.close()
    })

  test('of acts is one, too', async () => {
    const { person, space, old } = await ada((space) => space.setProfile({ displayName: 'Augusta' }))
    const file = await exported(person, space)
    await person.manager.close()
    const again = await person.restart(new World(), old)
    const [here] = again.manager.list() as [Space]
    await here.setProfile({ displayName: 'Countess' })
    expect((await again.manager.importSpace(file, { passphrase })).forked).toHaveLength(1)
    expect(here.forks()).toHaveLength(1)
    expect(here.members()[0]?.profile.displayName).toBe('Countess')
    await here.write('goes on')
    await again.manager.close()
  })
})

describe('into a space that is here an export brings', () => {
  /** Ada's space, renewed once, on a device that lost the founding read key. */
  async function forgetful() {
    const { person, space } = await ada((space) => space.rotateReadKey())
    const file = await exported(person, space)
    const { store, admission } = {
      store: storeOf(space),
      admission: await space.admissionFor(person.signingContext.identityKey),
    }
    const wrong = await gather(
      exportSpace(
        {
          store,
          admission: async () => ({
            ...admission,
            readKeys: admission.readKeys.map(({ epoch }) => ({ epoch, key: new Redacted(randomBytes(32)) })),
          }),
        },
        sealed,
      ),
    )
    await person.manager.close()
    await person.storage.transact([{ key: readKeyRecordKey(space.key, FOUNDING_EPOCH), value: undefined }])
    const again = await person.restart(new World(), await copyOf(person.storage))
    const [here] = again.manager.list() as [Space]
    expect([textsOf(here), here.missingReadKeys()]).toEqual([[], [FOUNDING_EPOCH]])
    return { again, here, file, wrong }
  }

  test('the read keys that are missing', async () => {
    const { again, here, file } = await forgetful()
    const told: (string | undefined)[] = []
    here.subscribe({ onMessage: ({ text }) => void told.push(text) })
    expect((await again.manager.importSpace(file, { passphrase })).added).toBe(0)
    expect([textsOf(here), told, here.missingReadKeys()]).toEqual([['in common'], ['in common'], []])
    await again.manager.close()
    const later = await again.restart(new World(), again.storage)
    expect(textsOf(later.manager.list()[0] as Space)).toEqual(['in common'])
    await later.manager.close()
  })

  test('none that open nothing, or are not what their epoch says', async () => {
    const { again, here, file, wrong } = await forgetful()
    await again.manager.importSpace(wrong, { passphrase })
    expect([textsOf(here), here.missingReadKeys()]).toEqual([[], [FOUNDING_EPOCH]])
    await again.manager.importSpace(file, { passphrase })
    expect(textsOf(here)).toEqual(['in common'])
    await again.manager.close()
  })
})

describe('the export of a member who was removed, and has the acts around it', () => {
  async function removed() {
    const world = new World()
    const [host, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
    const hers = await host.manager.createSpace({ name: 'Kitchen' })
    const his = await bring(hers, bob)
    await his.write('known')
    await until(hers, () => textsOf(hers).length === 1)
    const old = await copyOf(bob.storage)
    await hers.write('an answer')
    await until(his, () => textsOf(his).length === 2)
    world.setOnline('bob', false)
    await his.write('nobody heard of it')
    await hers.removeMember(bob.signingContext.identityKey)
    await bob.manager.importSpace(await exported(host, hers), { passphrase })
    expect(his.roleOf(bob.signingContext.identityKey)).toBeUndefined()
    const file = await exported(bob, his)
    const close = () => Promise.all([host, bob].map(({ manager }) => manager.close()))
    return { world, bob, old, file, close }
  }

  test('has what counts of its copy, and goes into the space where that is', async () => {
    const { bob, old, file, close } = await removed()
    await close()
    const again = await bob.restart(new World(), old)
    const [here] = again.manager.list() as [Space]
    const before = textsOf(here)
    await again.manager.importSpace(file, { passphrase })
    expect([before, textsOf(here)]).toEqual([['known'], ['known', 'an answer']])
    expect(here.removal).toBeDefined()
    await again.manager.close()
  })

  test('brings the space nowhere else', async () => {
    const { world, bob, file, close } = await removed()
    world.setOnline('bob', true)
    const laptop = await bob.secondDevice(world, 'laptop', { withSpaces: false })
    await expect(laptop.manager.importSpace(file, { passphrase })).rejects.toMatchObject({
      code: 'BAD_ADMISSION',
    })
    expect(laptop.manager.list()).toEqual([])
    await laptop.manager.close()
    await close()
  })
})
