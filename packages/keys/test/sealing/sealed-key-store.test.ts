import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import {
  Keyring,
  type KeyStore,
  KeysError,
  MemoryKeyStore,
  Redacted,
  SealedKeyStore,
} from '../../src/index.ts'
import { FileKeyStore } from '../../src/node.ts'
import { parseChecked } from '../../src/store/checked-record.ts'
import { keyStoreSuite } from '../../src/testing.ts'
import { bytes, message, uint32 } from '../../src/wire.ts'
import { headerBytes } from './sealed-header.ts'

/** The least that is allowed, so that the tests take milliseconds. */
const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const open = (store: KeyStore, passphrase = 'correct horse') =>
  SealedKeyStore.open(store, passphrase, { cost })
const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected
const record = new Uint8Array([1, 2, 3])

async function overwrite(store: KeyStore, name: string, data: Uint8Array): Promise<void> {
  await store.delete(name)
  await store.add(name, data)
}

keyStoreSuite('sealed memory', async () => {
  const inner = new MemoryKeyStore()
  return { store: await open(inner), reopen: () => open(inner) }
})

keyStoreSuite('sealed files', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'vestibule-sealed-')), 'keys')
  return { store: await open(new FileKeyStore(folder)), reopen: () => open(new FileKeyStore(folder)) }
})

describe('SealedKeyStore', () => {
  test('a keyring over it signs after a restart, and its files show no secret', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-sealed-'))
    const seed = crypto.getRandomValues(new Uint8Array(32))
    const key = await new Keyring(await open(new FileKeyStore(folder))).importKey(seed)
    const again = new Keyring(await open(new FileKeyStore(folder)))
    expect(await again.list()).toEqual([key])
    expect(await again.sign(key, record)).toHaveLength(64)
    const files = await readdir(folder)
    expect(files.sort()).toEqual([`sealed-ed25519-${key.toHex()}.key`, 'sealing-1.key'])
    for (const file of files)
      expect((await readFile(join(folder, file))).includes(Buffer.from(seed))).toBe(false)
  })

  test('seals at the default cost unless told otherwise', async () => {
    const inner = new MemoryKeyStore()
    await SealedKeyStore.open(inner, 'correct horse')
    const { memoryKib, passes, lanes } = headerBytes.parse((await inner.read('sealing-1')) as Uint8Array)
    expect({ memoryKib, passes, lanes }).toEqual({ memoryKib: 65536, passes: 3, lanes: 1 })
  })

  test('a wrong passphrase is told from a damaged header, at every byte of it', async () => {
    const inner = new MemoryKeyStore()
    await open(inner)
    await expect(open(inner, 'wrong horse')).rejects.toSatisfy(code('WRONG_PASSPHRASE'))
    const header = (await inner.read('sealing-1')) as Uint8Array
    for (let at = 0; at < header.length; at++) {
      await overwrite(inner, 'sealing-1', header.with(at, (header[at] as number) ^ 1))
      await expect(open(inner), `byte ${at}`).rejects.toSatisfy(code('CORRUPT_RECORD'))
    }
    for (const cut of [0, 1, 8, header.length - 1]) {
      await overwrite(inner, 'sealing-1', header.slice(0, cut))
      await expect(open(inner), `cut at ${cut}`).rejects.toSatisfy(code('CORRUPT_RECORD'))
    }
  })

  test('a header whose checksum was made to fit opens nothing that was changed', async () => {
    const inner = new MemoryKeyStore()
    await open(inner)
    const header = headerBytes.parse((await inner.read('sealing-1')) as Uint8Array)
    const flip = (given: Uint8Array) => given.with(0, (given[0] as number) ^ 1)
    const changes = [
      [{ passes: 2 }, 'WRONG_PASSPHRASE'],
      [{ salt: flip(header.salt) }, 'WRONG_PASSPHRASE'],
      [{ commitment: flip(header.commitment) }, 'WRONG_PASSPHRASE'],
      [{ nonce: flip(header.nonce) }, 'CORRUPT_RECORD'],
      [{ sealed: flip(header.sealed) }, 'CORRUPT_RECORD'],
      [{ version: 2 }, 'UNSUPPORTED_VERSION'],
    ] as const
    for (const [change, expected] of changes) {
      await overwrite(inner, 'sealing-1', headerBytes.encode({ ...header, ...change }))
      await expect(open(inner), JSON.stringify(change)).rejects.toSatisfy(code(expected))
    }
  })

  test('a header can’t ask for gigabytes, hours or next to nothing', async () => {
    const inner = new MemoryKeyStore()
    await open(inner)
    const header = headerBytes.parse((await inner.read('sealing-1')) as Uint8Array)
    const derive = vi.spyOn(WebAssembly, 'compile')
    for (const change of [
      { memoryKib: 256 * 1024 + 1 },
      { memoryKib: 0xffff_ffff },
      { memoryKib: 8 * 1024 - 1 },
      { passes: 17 },
      { passes: 0 },
      { lanes: 5 },
      { lanes: 0 },
    ]) {
      await overwrite(inner, 'sealing-1', headerBytes.encode({ ...header, ...change }))
      await expect(open(inner), JSON.stringify(change)).rejects.toSatisfy(code('UNACCEPTABLE_COST'))
      const asked = SealedKeyStore.open(new MemoryKeyStore(), 'p', { cost: { ...cost, ...change } })
      await expect(asked, JSON.stringify(change)).rejects.toThrow(TypeError)
    }
    expect(derive).not.toHaveBeenCalled()
    derive.mockRestore()
  })

  test('a header of another generation is not taken under a new name', async () => {
    const inner = new MemoryKeyStore()
    await open(inner)
    await inner.add('sealing-2', (await inner.read('sealing-1')) as Uint8Array)
    await expect(open(inner)).rejects.toSatisfy(code('CORRUPT_RECORD'))
    expect(await inner.names()).toHaveLength(2)
  })

  test('a damaged record, and one under another’s name, is reported with its place and left alone', async () => {
    const inner = new MemoryKeyStore()
    const store = await open(inner)
    await store.add('a', record)
    const sealed = (await inner.read('sealed-a')) as Uint8Array
    await inner.add('sealed-b', sealed)
    await expect(store.read('b')).rejects.toSatisfy(
      (e) => code('CORRUPT_RECORD')(e) && (e as Error).message.includes('memory:sealed-b'),
    )
    for (let at = 0; at < sealed.length; at++) {
      const damaged = sealed.with(at, (sealed[at] as number) ^ 0x80)
      await overwrite(inner, 'sealed-a', damaged)
      await expect(store.read('a'), `byte ${at}`).rejects.toSatisfy(code('CORRUPT_RECORD'))
      expect(await inner.read('sealed-a')).toEqual(damaged)
    }
  })

  test('equal records are sealed differently', async () => {
    const inner = new MemoryKeyStore()
    const store = await open(inner)
    const SealedRecord = message('SealedRecord', { version: uint32(1), nonce: bytes(2), sealed: bytes(3) })
    await store.add('a', record)
    const first = parseChecked(SealedRecord, 1, (await inner.read('sealed-a')) as Uint8Array, 'record')
    await store.delete('a')
    await store.add('a', record)
    const second = parseChecked(SealedRecord, 1, (await inner.read('sealed-a')) as Uint8Array, 'record')
    expect(first.nonce).not.toEqual(second.nonce)
    expect(first.sealed).not.toEqual(second.sealed)
  })

  test('records whose header is gone are damage, and get no new key', async () => {
    const inner = new MemoryKeyStore()
    await (await open(inner)).add('a', record)
    await inner.delete('sealing-1')
    await expect(open(inner)).rejects.toSatisfy(code('CORRUPT_RECORD'))
    expect(await inner.names()).toEqual(['sealed-a'])
    expect(await SealedKeyStore.isSealed(inner)).toBe(true)
  })

  test('says whether a store was sealed, and leaves open records of other names alone', async () => {
    const inner = new MemoryKeyStore()
    const key = await new Keyring(inner).createKey()
    expect(await SealedKeyStore.isSealed(inner)).toBe(false)
    const sealed = new Keyring(await open(inner))
    expect(await SealedKeyStore.isSealed(inner)).toBe(true)
    expect(await sealed.list()).toEqual([])
    expect(await new Keyring(inner).list()).toEqual([key])
  })

  test('of two that seal an empty store at once with different passphrases, one does', async () => {
    const inner = new MemoryKeyStore()
    const both = await Promise.allSettled([open(inner, 'one'), open(inner, 'two')])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const lost = both.find((result) => result.status === 'rejected')
    expect(lost?.reason).toSatisfy(code('WRONG_PASSPHRASE'))
  })

  test('a passphrase means the same however its accents were typed, and may come redacted', async () => {
    const inner = new MemoryKeyStore()
    await open(inner, 'caf\u00e9')
    await open(inner, 'cafe\u0301')
    await SealedKeyStore.open(inner, new Redacted('caf\u00e9'))
    await expect(open(inner, 'cafe')).rejects.toSatisfy(code('WRONG_PASSPHRASE'))
    await expect(open(inner, '')).rejects.toThrow(TypeError)
  })

  test('a locked store refuses everything, and is opened anew', async () => {
    const inner = new MemoryKeyStore()
    const store = await open(inner)
    await store.add('a', record)
    const reading = store.read('a')
    store.lock()
    store[Symbol.dispose]()
    await expect(reading).rejects.toSatisfy(code('STORE_LOCKED'))
    for (const call of [
      () => store.names(),
      () => store.read('a'),
      () => store.add('b', record),
      () => store.delete('a'),
      () => store.changePassphrase('correct horse', 'new'),
    ])
      await expect(call()).rejects.toSatisfy(code('STORE_LOCKED'))
    expect(await (await open(inner)).read('a')).toEqual(record)
  })
})

describe('a keyring over a locked store', () => {
  test('signs with what it has at hand until it is told to forget it', async () => {
    const store = await open(new MemoryKeyStore())
    const keyring = new Keyring(store)
    const key = await keyring.createKey()
    store.lock()
    expect(await keyring.sign(key, record)).toHaveLength(64)
    keyring.forget()
    await expect(keyring.sign(key, record)).rejects.toSatisfy(code('STORE_LOCKED'))
    await expect(keyring.createKey()).rejects.toSatisfy(code('STORE_LOCKED'))
  })
})

describe('SealedKeyStore.changePassphrase', () => {
  test('the next one opens it, the old one does not, and no record was rewritten', async () => {
    const inner = new MemoryKeyStore()
    const store = await open(inner)
    await store.add('a', record)
    const before = await inner.read('sealed-a')
    await store.changePassphrase('correct horse', 'battery staple', { cost })
    expect(await store.read('a')).toEqual(record)
    await expect(open(inner)).rejects.toSatisfy(code('WRONG_PASSPHRASE'))
    expect(await (await open(inner, 'battery staple')).read('a')).toEqual(record)
    expect(await inner.read('sealed-a')).toEqual(before)
    expect((await inner.names()).sort()).toEqual(['sealed-a', 'sealing-2'])
  })

  test('takes the current passphrase and no other', async () => {
    const inner = new MemoryKeyStore()
    const store = await open(inner)
    await expect(store.changePassphrase('wrong', 'new', { cost })).rejects.toSatisfy(code('WRONG_PASSPHRASE'))
    await expect(store.changePassphrase('correct horse', '', { cost })).rejects.toThrow(TypeError)
    expect(await inner.names()).toEqual(['sealing-1'])
    await open(inner)
  })

  test('of two that change it at once one wins, and the other is told', async () => {
    const inner = new MemoryKeyStore()
    const [one, two] = [await open(inner), await open(inner)]
    const both = await Promise.allSettled([
      one.changePassphrase('correct horse', 'one', { cost }),
      two.changePassphrase('correct horse', 'two', { cost }),
    ])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(both.find((result) => result.status === 'rejected')?.reason).toSatisfy(code('KEY_EXISTS'))
    await open(inner, both[0]?.status === 'fulfilled' ? 'one' : 'two')
  })

  /** Lets so many writes through, then none: what a process leaves that is killed there. */
  function killedAfter(inner: KeyStore, writes: number): KeyStore {
    const write = async (act: () => Promise<void>) => {
      if (writes-- <= 0) throw new KeysError('STORE_UNAVAILABLE', 'killed')
      await act()
    }
    return {
      names: () => inner.names(),
      read: (name) => inner.read(name),
      add: (name, data) => write(() => inner.add(name, data)),
      delete: (name) => write(() => inner.delete(name)),
      describe: (name) => inner.describe(name),
    }
  }

  test('killed at any write it leaves a store that opens with one of the two, with all records', async () => {
    const outcomes: string[] = []
    for (let writes = 0; writes <= 2; writes++) {
      const inner = new MemoryKeyStore()
      await (await open(inner)).add('a', record)
      const store = await open(killedAfter(inner, writes))
      const change = store.changePassphrase('correct horse', 'next', { cost })
      if (writes < 2) await expect(change).rejects.toSatisfy(code('STORE_UNAVAILABLE'))
      else await change
      const opened = await Promise.allSettled([open(inner), open(inner, 'next')])
      const [works] = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await works?.read('a')).toEqual(record)
      outcomes.push(opened[0]?.status === 'fulfilled' ? 'old' : 'next')
      expect((await inner.names()).filter((name) => name.startsWith('sealing-'))).toHaveLength(1)
    }
    expect(outcomes).toEqual(['old', 'next', 'next'])
  })

  test('a process that the system kills while it writes leaves such a store in its files', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'vestibule-sealed-')), 'keys')
    await (await open(new FileKeyStore(folder), 'a')).add('record', record)
    const source = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href)
    // It says when a write begins, and is killed there or a little later.
    const script = `
      const { writeSync } = await import('node:fs')
      const { SealedKeyStore } = await import(${source('index.ts')})
      const { FileKeyStore } = await import(${source('node.ts')})
      class Telling extends FileKeyStore {
        add(...given) { writeSync(1, '+'); return super.add(...given) }
        delete(...given) { writeSync(1, '-'); return super.delete(...given) }
      }
      let [current, next] = [process.argv[1], process.argv[1] === 'a' ? 'b' : 'a']
      const store = await SealedKeyStore.open(new Telling(process.argv[2]), current)
      for (;; [current, next] = [next, current]) await store.changePassphrase(current, next, ${JSON.stringify({ cost })})`
    let current = 'a'
    for (const writes of [1, 2, 3, 4]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, current, folder])
      let seen = 0
      child.stdout.on('data', (data: Buffer) => {
        seen += data.length
        if (seen >= writes) child.kill('SIGKILL')
      })
      const [exit, signal] = await once(child, 'close')
      expect([exit, signal]).toEqual([null, 'SIGKILL'])
      const opened = await Promise.allSettled(['a', 'b'].map((p) => open(new FileKeyStore(folder), p)))
      expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      current = opened[0]?.status === 'fulfilled' ? 'a' : 'b'
      expect(await (await open(new FileKeyStore(folder), current)).read('record')).toEqual(record)
    }
  }, 30_000)

  test('killed while an empty store is sealed, it is sealed anew', async () => {
    const inner = new MemoryKeyStore()
    await expect(open(killedAfter(inner, 0))).rejects.toSatisfy(code('STORE_UNAVAILABLE'))
    expect(await SealedKeyStore.isSealed(inner)).toBe(false)
    await (await open(inner)).add('a', record)
  })
})

test('importing the package loads no Argon2', async () => {
  const script = `
    const { createRequire } = await import('node:module')
    await import(${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)})
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('hash-wasm'))
    const before = loaded()
    const { wasmArgon2id } = await import(${JSON.stringify(new URL('../../src/sealing/argon2id.ts', import.meta.url).href)})
    await wasmArgon2id(new Uint8Array(8), new Uint8Array(16), { memoryKib: 8, passes: 1, lanes: 1 }, 32)
    process.stdout.write(JSON.stringify([before, loaded()]))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
  })
  expect(JSON.parse(stdout)).toEqual([false, true])
})
