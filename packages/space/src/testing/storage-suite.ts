import type { Storage } from '../storage/storage.ts'

/** One behaviour that every storage has to show; `run` rejects when it does not. */
export interface StorageCase {
  /** A sentence. */
  readonly name: string
  run(): Promise<void>
}

/** How the suite gets at the implementation. */
export interface StorageSubject {
  /** An empty storage, its own for each call. */
  open(): Promise<Storage>
  /** Closes the storage and opens it again; left out by storages that forget. */
  reopen?(storage: Storage): Promise<Storage>
}

/**
 * The acceptance suite of the {@link Storage} port, for any test runner.
 *
 * @example
 * for (const { name, run } of storageSuite({ open: async () => new MemoryStorage() })) test(name, run)
 */
export function storageSuite(subject: StorageSubject): StorageCase[] {
  const cases: StorageCase[] = []
  const behaviour = (name: string, run: (storage: Storage) => Promise<void>) =>
    cases.push({
      name,
      run: async () => {
        const storage = await subject.open()
        try {
          await run(storage)
        } finally {
          await storage.close()
        }
      },
    })

  behaviour('a key that was never written has no value', async (storage) => {
    same(await storage.get('nothing'), undefined)
    same(await storage.list('nothing'), [])
  })

  behaviour('what was written is read back, and the later write holds', async (storage) => {
    await storage.transact([{ key: 'a', value: bytes(1, 2) }])
    same(await storage.get('a'), bytes(1, 2))
    await storage.transact([{ key: 'a', value: bytes(3) }])
    same(await storage.get('a'), bytes(3))
  })

  behaviour('an empty value is a value', async (storage) => {
    await storage.transact([{ key: 'a', value: bytes() }])
    same(await storage.get('a'), bytes())
    same(await storage.list('a'), [['a', bytes()]])
  })

  behaviour('a deleted key is gone, and deleting it again does no harm', async (storage) => {
    await storage.transact([{ key: 'a', value: bytes(1) }])
    await storage.transact([{ key: 'a', value: undefined }])
    await storage.transact([{ key: 'a', value: undefined }])
    same(await storage.get('a'), undefined)
    same(await storage.list(''), [])
  })

  behaviour('of two changes to one key in a transaction the later holds', async (storage) => {
    await storage.transact([
      { key: 'a', value: bytes(1) },
      { key: 'a', value: undefined },
      { key: 'b', value: undefined },
      { key: 'b', value: bytes(2) },
    ])
    same(await storage.list(''), [['b', bytes(2)]])
  })

  behaviour('a list has exactly the keys with the prefix, in order', async (storage) => {
    const keys = ['b/2', 'a', 'b', 'b/', 'b/10', 'b~', 'c', 'B/1', 'b/1']
    await storage.transact(keys.map((key, i) => ({ key, value: bytes(i) })))
    same(names(await storage.list('b/')), ['b/', 'b/1', 'b/10', 'b/2'])
    same(names(await storage.list('')), [...keys].sort())
    same(names(await storage.list('b~')), ['b~'])
  })

  behaviour('a list begins and ends where it is told to, and never leaves its prefix', async (storage) => {
    const keys = ['a/1', 'a/2', 'a/3', 'a/5', 'b/1']
    await storage.transact(keys.map((key, i) => ({ key, value: bytes(i) })))
    const listed = async (from?: string, limit?: number) =>
      names(
        await storage.list('a/', {
          ...(from !== undefined && { from }),
          ...(limit !== undefined && { limit }),
        }),
      ).join()
    same(await listed('a/2'), 'a/2,a/3,a/5')
    same(await listed('a/4'), 'a/5')
    same(await listed('a/2', 2), 'a/2,a/3')
    same(await listed(undefined, 1), 'a/1')
    same(await listed(undefined, 9), 'a/1,a/2,a/3,a/5')
    same(await listed('a', 9), 'a/1,a/2,a/3,a/5')
    same(await listed('a/6'), '')
    same(await listed('b/1'), '')
  })

  behaviour('a part that makes no sense is refused', async (storage) => {
    for (const part of [{ limit: 0 }, { limit: -1 }, { limit: 1.5 }, { from: '' }, { from: 'a b' }])
      await throws(() => storage.list('a', part), TypeError)
  })

  behaviour('large values are kept whole', async (storage) => {
    const large = new Uint8Array(1_000_000).map((_, i) => i % 251)
    await storage.transact([{ key: 'large', value: large }])
    same(await storage.get('large'), large)
  })

  behaviour('buffers are not shared with the caller', async (storage) => {
    const mine = bytes(1)
    await storage.transact([{ key: 'a', value: mine }])
    mine[0] = 9
    const read = await storage.get('a')
    if (read !== undefined) read[0] = 8
    for (const [, value] of await storage.list('')) value[0] = 7
    same(await storage.get('a'), bytes(1))
  })

  behaviour('a transaction with a bad key or value changes nothing', async (storage) => {
    const bad = [
      { key: '', value: bytes(1) },
      { key: 'has space', value: bytes(1) },
      { key: 'ünicode', value: bytes(1) },
      { key: 'x'.repeat(513), value: bytes(1) },
      { key: 'text', value: 'text' as unknown as Uint8Array },
    ]
    for (const write of bad)
      await throws(() => storage.transact([{ key: 'good', value: bytes(1) }, write]), TypeError)
    same(await storage.list(''), [])
  })

  behaviour('transactions take effect in the order of the calls', async (storage) => {
    await Promise.all([1, 2, 3, 4].map((n) => storage.transact([{ key: 'a', value: bytes(n) }])))
    same(await storage.get('a'), bytes(4))
  })

  behaviour('an empty transaction is fine', async (storage) => {
    await storage.transact([])
    same(await storage.list(''), [])
  })

  behaviour('after closing everything is refused, and closing again is fine', async (storage) => {
    await storage.close()
    await storage.close()
    for (const use of [() => storage.get('a'), () => storage.list('a'), () => storage.transact([])])
      await throws(use, 'STORAGE_CLOSED')
  })

  if (subject.reopen !== undefined) {
    const reopen = subject.reopen
    cases.push({
      name: 'what was acknowledged is there after closing and opening again',
      run: async () => {
        const storage = await subject.open()
        await storage.transact([
          { key: 'kept', value: bytes(1) },
          { key: 'dropped', value: bytes(2) },
        ])
        await storage.transact([{ key: 'dropped', value: undefined }])
        const again = await reopen(storage)
        same(await again.list(''), [['kept', bytes(1)]])
        await again.close()
      },
    })
  }
  return cases
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.of(...values)
const names = (entries: [string, Uint8Array][]): string[] => entries.map(([key]) => key)

function same(actual: unknown, expected: unknown): void {
  const [left, right] = [show(actual), show(expected)]
  if (left !== right) throw new Error(`expected ${right.slice(0, 200)}, got ${left.slice(0, 200)}`)
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, item) => (item instanceof Uint8Array ? `bytes ${item.join()}` : item)) ??
  'undefined'

async function throws(run: () => Promise<unknown>, expected: typeof TypeError | string): Promise<void> {
  const outcome = await run().then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  const matches =
    typeof expected === 'string'
      ? (outcome as { code?: unknown }).code === expected
      : outcome instanceof expected
  if (!matches) throw new Error(`expected ${String(expected)}, got ${String(outcome)}`)
}
