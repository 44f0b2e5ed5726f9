import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from '@vestibule/keys'
import { FileKeyStore } from '@vestibule/keys/node'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryStorage, SigningContext, SpaceManager, type Storage } from '../src/index.ts'
import { migrate } from '../src/migrations/migrate.ts'
import type { Migration } from '../src/migrations/migrations.ts'
import { FileStorage } from '../src/storage/file/file-storage.ts'
import { makeFixture } from './fixtures/make-fixture.ts'
import { namesOf, Person, stillClock, World } from './world.ts'

const fixtures = join(import.meta.dirname, 'fixtures')
const formats = readdirSync(fixtures).filter((name) => name.startsWith('format-'))
const directory = mkdtempSync(join(tmpdir(), 'vestibule-format-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** What somebody finds who opens a data directory. */
async function opened(data: string) {
  const storage = await FileStorage.open(data)
  const options = { keyring: new Keyring(new FileKeyStore(join(data, 'keys'))), storage, clock: stillClock }
  const signingContext = await SigningContext.open(options)
  const networkManager = new World().networkManager('somebody')
  const manager = new SpaceManager({ ...options, networkManager, signingContext })
  await manager.open()
  const [space] = manager.list()
  if (space === undefined) throw new Error('there is no space')
  const found = {
    name: space.name,
    members: namesOf(space),
    messages: space.messages().map(({ text, bytes }) => text ?? bytes),
    recovery: signingContext.recovery !== undefined,
  }
  await space.write('and more')
  expect(space.messages()).toHaveLength(4)
  await manager.close()
  await storage.close()
  return found
}

const kitchen = {
  name: 'Kitchen',
  members: ['ada', 'bob'],
  messages: ['hello', 'hello Ada', Uint8Array.of(0, 1, 255)],
}

describe('a storage that was written', () => {
  test.each(formats)('in %s by a release shows members and messages, and takes more', async (format) => {
    const copy = join(directory, format)
    cpSync(join(fixtures, format), copy, { recursive: true })
    expect(await opened(join(copy, 'ada'))).toEqual({ ...kitchen, recovery: true })
    expect(await opened(join(copy, 'bob'))).toEqual({ ...kitchen, recovery: false })
  })

  test('today, as those that are kept are made, shows the same', async () => {
    const today = join(directory, 'today')
    await makeFixture(today)
    expect(await opened(join(today, 'ada'))).toEqual({ ...kitchen, recovery: true })
    expect(await opened(join(today, 'bob'))).toEqual({ ...kitchen, recovery: false })
  })
})

const value = Uint8Array.of(1)
/** Two migrations: `a` becomes `b`, `b` becomes `c`. */
const rename =
  (from: string, to: string): Migration =>
  async (storage) => {
    const held = await storage.get(from)
    return [
      { key: from, value: undefined },
      { key: to, value: held },
    ]
  }
const list = [rename('a', 'b'), rename('b', 'c')]

async function old(): Promise<MemoryStorage> {
  const storage = new MemoryStorage()
  await storage.transact([
    { key: 'a', value },
    { key: 'identity', value },
  ])
  return storage
}

const keys = async (storage: Storage) => (await storage.list('')).map(([key]) => key)

describe('migrations', () => {
  test('are made in order, once', async () => {
    const storage = await old()
    await migrate(storage, list.slice(0, 1))
    expect(await keys(storage)).toEqual(['b', 'format', 'identity'])
    await migrate(storage, list)
    expect(await keys(storage)).toEqual(['c', 'format', 'identity'])
    await migrate(storage, [...list, async () => []])
    await migrate(storage, [...list, rename('c', 'd')])
    expect(await keys(storage)).toEqual(['c', 'format', 'identity'])
  })

  test('that are cut off by a crash leave one format or the other, and go on from there', async () => {
    for (const left of [0, 1, 2]) {
      const storage = await old()
      let crashAfter = left
      const transact = storage.transact.bind(storage)
      storage.transact = async (writes) => {
        if (crashAfter-- === 0) throw new Error('the power went')
        await transact(writes)
      }
      const outcome = migrate(storage, list)
      if (left < 2) await expect(outcome).rejects.toThrow('the power went')
      else await outcome
      expect(await storage.get(['a', 'b', 'c'][left] ?? '')).toEqual(value)
      await migrate(storage, list)
      expect(await keys(storage)).toEqual(['c', 'format', 'identity'])
    }
  })

  test('of a new storage are none: it begins with the latest format', async () => {
    const storage = new MemoryStorage()
    await storage.transact([{ key: 'a', value }, ...(await migrate(storage, list))])
    expect(await migrate(storage, list)).toEqual([])
    expect(await keys(storage)).toEqual(['a', 'format'])
  })

  test('do not go back: a format of a later release is refused and not touched', async () => {
    const storage = new MemoryStorage()
    const ada = await Person.join(new World(), 'ada', storage)
    await ada.manager.createSpace({ name: 'Kitchen' })
    await ada.manager.close()
    await migrate(
      storage,
      [...Array<Migration>(100)].map(() => async () => []),
    )
    const before = await storage.list('')
    const refusal = { name: 'StorageError', code: 'STORAGE_VERSION' }
    await expect(ada.restart(new World(), storage)).rejects.toMatchObject(refusal)
    const { keyring, signingContext } = ada
    const networkManager = new World().networkManager('ada')
    const manager = new SpaceManager({ storage, keyring, networkManager, signingContext })
    await expect(manager.open()).rejects.toMatchObject(refusal)
    await expect(Person.join(new World(), 'eve', storage)).rejects.toMatchObject(refusal)
    expect(await storage.list('')).toEqual(before)
  })

  test('start from no damaged format', async () => {
    for (const damaged of [Uint8Array.of(), Uint8Array.of(0xff), Uint8Array.of(8)]) {
      const storage = new MemoryStorage()
      await storage.transact([{ key: 'format', value: damaged }])
      await expect(migrate(storage)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
      expect(await storage.get('format')).toEqual(damaged)
    }
  })
})
