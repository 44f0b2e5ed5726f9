import { execFileSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { nodeBackend, PublicKey, type SignatureBackend, verifySignature } from '../../src/index.ts'
import { OtherThreads } from '../../src/signatures/other-threads.ts'
import { sharing } from '../../src/signatures/sharing.ts'
import { fileOf, loadSodium, type Sodium } from '../../src/signatures/sodium.ts'
import { VerifyingThread } from '../../src/signatures/verifying-thread.ts'
import { GENERATED } from './generated.ts'
import { PUBLISHED } from './published.ts'

const here = nodeBackend() as SignatureBackend
const file = fileOf((await loadSodium()) as Sodium)
const started: VerifyingThread[] = []

afterEach(() => {
  vi.restoreAllMocks()
  for (const thread of started.splice(0)) thread.end()
})

function start(fallback = here, sodium = file): VerifyingThread {
  const thread = VerifyingThread.start(fallback, sodium)
  if (thread === undefined) throw new Error('no thread')
  started.push(thread)
  return thread
}

const ready = (thread: VerifyingThread) => vi.waitFor(() => expect(thread.isReady).toBe(true), 20_000)
const rows = Object.values({ ...PUBLISHED, ...GENERATED }).flat()

const seed = new Uint8Array(32).fill(9)
const key = PublicKey.from(ed25519.getPublicKey(seed))
function signed(index: number, valid: boolean) {
  const message = new Uint8Array(index % 3000).fill(index)
  const signature = ed25519.sign(message, seed)
  return { message, signature: valid ? signature : signature.with(40, (signature[40] ?? 0) ^ 1) }
}

test.each([
  ['libsodium', file],
  ['node:crypto', undefined],
])('a thread with %s gives the verdicts of every table', async (_, sodium) => {
  const thread = VerifyingThread.start(here, sodium) as VerifyingThread
  started.push(thread)
  const backend = { name: 'node', verify: thread.verify.bind(thread) } as const
  const verdicts = await Promise.all(
    rows.map((row) => verifySignature(PublicKey.from(row.key), row.message, row.signature, backend)),
  )
  expect(rows.filter(({ valid }, at) => verdicts[at] !== valid).map(({ what }) => what)).toEqual([])
})

test('gives each its own verdict, whatever the lengths, and however many come at a time', async () => {
  const thread = start()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(5000), fc.boolean()), { maxLength: 40 }), async (drawn) => {
      const verdicts = drawn.map(([index, valid]) => {
        const { message, signature } = signed(index, valid)
        return thread.verify(key, message, signature)
      })
      expect(await Promise.all(verdicts)).toEqual(drawn.map(([, valid]) => valid))
    }),
    { numRuns: 15 },
  )
})

test('what was given to it is what it checks, though the caller overwrites it at once', async () => {
  const thread = start()
  const { message, signature } = signed(5, false)
  const verdict = thread.verify(key, message, signature)
  signature.set(signed(5, true).signature)
  expect(await verdict).toBe(false)
})

test('what it leaves undone is done here', async () => {
  const verify = vi.fn(here.verify)
  const thread = start({ ...here, verify })
  await ready(thread)
  const drawn = Array.from({ length: 40 }, (_, i) => i % 3 > 0)
  const verdicts = drawn.map((valid, i) => {
    const { message, signature } = signed(i, valid)
    return thread.verify(key, message, signature)
  })
  thread.end()
  expect(await Promise.all(verdicts)).toEqual(drawn)
  const later = signed(1, true)
  expect(await thread.verify(key, later.message, later.signature)).toBe(true)
  expect(verify).toHaveBeenCalledTimes(41)
  expect([thread.hasRoom, thread.hasEnded, thread.hasFailed]).toEqual([false, true, false])
})

test('one that breaks is not begun again; one that ended is, when there is much to do', async () => {
  const begin = vi.fn(() => start())
  const threads = new OtherThreads(here, begin)
  threads.expect(999)
  expect(begin).not.toHaveBeenCalled()
  for (let n = 0; n < 2; n++) threads.expect(1000)
  expect(begin).toHaveBeenCalledTimes(1)
  started[0]?.end()
  threads.expect(1000)
  expect(begin).toHaveBeenCalledTimes(2)

  const breaking = vi.fn(() => start(here, '/no/such/file'))
  const broken = new OtherThreads(here, breaking)
  broken.expect(1000)
  const thread = started.at(-1) as VerifyingThread
  const { message, signature } = signed(2, true)
  const verdict = thread.verify(key, message, signature)
  expect(await verdict).toBe(true)
  expect(thread.hasFailed).toBe(true)
  broken.expect(1000)
  expect(breaking).toHaveBeenCalledTimes(1)
  expect(await broken.verify(key, message, signature)).toBe(true)
})

test('where none may be started there is none', () => {
  const threads = process.getBuiltinModule('node:worker_threads')
  vi.spyOn(threads, 'Worker').mockImplementation(
    class {
      constructor() {
        throw new Error('ERR_ACCESS_DENIED')
      }
    } as unknown as () => Worker,
  )
  expect(VerifyingThread.start(here, file)).toBeUndefined()
  expect(threads.Worker).not.toBe(Worker)
})

test('gets as much as it keeps up with; the rest is checked here, and whoever waits has a turn', async () => {
  let turns = 0
  let waiting = 0
  const counted = { here: 0, there: 0 }
  const slow: Array<() => void> = []
  const there = {
    get hasRoom() {
      return waiting < 10
    },
    verify: () => {
      counted.there++
      waiting++
      return new Promise<boolean>((resolve) => slow.push(() => resolve(true)))
    },
  }
  const backend = sharing({ name: 'node', verify: () => ++counted.here > 0 }, there)
  const message = new Uint8Array(0)
  const all = Promise.all(Array.from({ length: 100 }, () => backend.verify(key, message, message)))
  while (counted.here + counted.there < 100) {
    await new Promise((resolve) => setImmediate(resolve))
    turns++
    waiting -= Math.min(2, slow.length)
    for (const done of slow.splice(0, 2)) done()
  }
  while (slow.length > 0) slow.pop()?.()
  expect((await all).every(Boolean)).toBe(true)
  expect(counted.there).toBeGreaterThanOrEqual(10)
  expect(counted.here).toBeGreaterThan(50)
  expect(turns).toBeGreaterThanOrEqual(4)
})

test('a process ends while its thread waits for more, and not before it has its verdicts', () => {
  const source = `
    import { Keyring, verifySignatures } from '@vestibule/keys'
    const keyring = new Keyring()
    const key = await keyring.createKey()
    const items = await Promise.all(Array.from({ length: 3000 }, async (_, i) => {
      const message = new Uint8Array([i, i >> 8])
      return { key, message, signature: await keyring.sign(key, message) }
    }))
    for (let n = 0; n < 2; n++) console.log((await verifySignatures(items)).every(Boolean))`
  const flags = ['--conditions=@vestibule/source', '--input-type=module', '-e', source]
  expect(execFileSync(process.execPath, flags, { cwd: import.meta.dirname, encoding: 'utf8' })).toBe(
    'true\ntrue\n',
  )
})
