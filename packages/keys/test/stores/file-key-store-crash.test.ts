import { describe, expect, test, vi } from 'vitest'
import { type KeyStore, KeysError } from '../../src/index.ts'
import { FileKeyStore } from '../../src/node.ts'
import { CrashingDisk } from './crashing-disk.ts'

let disk: CrashingDisk
vi.mock('node:fs/promises', async (original) => {
  const names = ['open', 'link', 'rename', 'rm', 'mkdir', 'chmod', 'readFile', 'readdir'] as const
  type Act = (...given: unknown[]) => unknown
  const onDisk = names.map((name) => [name, (...given: unknown[]) => (disk.promises[name] as Act)(...given)])
  return { ...(await original<object>()), ...Object.fromEntries(onDisk) }
})

const FOLDER = '/vault/deep/keys'
const [one, two] = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)]
/** Takes an error of that code for an answer, and throws any other. */
const refuse = (code: string) => (error: unknown) => {
  if (!(error instanceof KeysError && error.code === code)) throw error
}

/** What is in a store, record by record. */
async function contents(store: KeyStore): Promise<Record<string, number[]>> {
  const names = (await store.names()).sort()
  const records = await Promise.all(names.map(async (name) => [...((await store.read(name)) ?? [])]))
  return Object.fromEntries(names.map((name, i) => [name, records[i] as number[]]))
}

interface Change {
  readonly what: string
  readonly before: Record<string, Uint8Array>
  readonly act: (store: KeyStore) => Promise<void>
  readonly after: Record<string, Uint8Array>
}

const changes: readonly Change[] = [
  { what: 'the first record of a new folder', before: {}, act: (s) => s.add('a', one), after: { a: one } },
  {
    what: 'another record',
    before: { a: one },
    act: (s) => s.add('b', two),
    after: { a: one, b: two },
  },
  {
    what: 'a deletion',
    before: { a: one, b: two },
    act: (s) => s.delete('a'),
    after: { b: two },
  },
  {
    what: 'a record that is there already',
    before: { a: one },
    act: (s) => s.add('a', two).catch(refuse('KEY_EXISTS')),
    after: { a: one },
  },
]

const plain = (records: Record<string, Uint8Array>) =>
  Object.fromEntries(Object.entries(records).map(([name, record]) => [name, [...record]]))

/** The disk before a change, on which everything is synced. */
async function prepared({ before }: Change): Promise<CrashingDisk> {
  disk = new CrashingDisk()
  for (const [name, record] of Object.entries(before)) await new FileKeyStore(FOLDER).add(name, record)
  return disk
}

/** How many steps a change takes. */
async function stepsOf(change: Change): Promise<number> {
  await prepared(change)
  disk.stopAfter(Number.POSITIVE_INFINITY)
  await change.act(new FileKeyStore(FOLDER))
  return disk.steps
}

/** Makes a change once for each of its steps, on a disk that stops there. */
async function* stoppedAnywhere(change: Change): AsyncGenerator<number> {
  const steps = await stepsOf(change)
  for (let step = 0; step <= steps; step++) {
    await prepared(change)
    disk.stopAfter(step)
    await change.act(new FileKeyStore(FOLDER)).catch(refuse('STORE_UNAVAILABLE'))
    yield step
  }
}

describe('a file store that stops at any byte, at any change of a name, before or after any sync', () => {
  test.each(changes)('opens with what was there before or after: $what', async (change) => {
    const [before, after] = [plain(change.before), plain(change.after)]
    const steps = await stepsOf(change)
    for (let step = 0; step <= steps; step++) {
      const stopped = await prepared(change)
      stopped.stopAfter(step)
      let done = true
      await change.act(new FileKeyStore(FOLDER)).catch((error: unknown) => {
        refuse('STORE_UNAVAILABLE')(error)
        done = false
      })
      if (step === steps) expect(done).toBe(true)
      for (const found of stopped.afterCrash()) {
        disk = found
        const left = await contents(new FileKeyStore(FOLDER))
        expect(done ? [after] : [before, after], `step ${step} of ${steps}`).toContainEqual(left)
        // Whatever is left does not stand in the way of the same change.
        await change.act(new FileKeyStore(FOLDER)).catch(refuse('KEY_EXISTS'))
        expect(await contents(new FileKeyStore(FOLDER))).toEqual(after)
      }
    }
    expect(steps).toBeGreaterThan(1)
  })

  test.each(changes)(
    'leaves no copies behind when a step fails and the process goes on: $what',
    async (change) => {
      const [before, after] = [plain(change.before), plain(change.after)]
      const steps = await stepsOf(change)
      let copies = 0
      for (let step = 0; step < steps; step++) {
        const store = new FileKeyStore(FOLDER)
        await prepared(change)
        disk.stopAfter(step, { goesOn: true })
        await change.act(store).catch(refuse('STORE_UNAVAILABLE'))
        disk.stopAfter(Number.POSITIVE_INFINITY)
        copies += disk.files().filter(({ path }) => path.endsWith('.tmp')).length
        expect([before, after]).toContainEqual(await contents(store))
        await change.act(store).catch(refuse('KEY_EXISTS'))
        expect(await contents(store)).toEqual(after)
      }
      // Just where removing the copy is what fails.
      expect(copies).toBeLessThanOrEqual(1)
    },
  )

  test('shows nothing to others at any step', async () => {
    for await (const _ of stoppedAnywhere(changes[0] as Change)) {
      for (const { mode } of disk.files()) expect(mode).toBe(0o600)
      if (disk.files().length > 0) expect(disk.modeOf(FOLDER)).toBe(0o700)
    }
  })

  test('a deleted record is deleted with what a killed write left of it', async () => {
    for await (const _ of stoppedAnywhere(changes[0] as Change)) {
      disk.stopAfter(Number.POSITIVE_INFINITY)
      await new FileKeyStore(FOLDER).delete('a')
      expect(disk.files()).toEqual([])
    }
  })
})
