import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { FileStorage } from '../../src/storage/file/file-storage.ts'
import { storageSuite } from '../../src/testing.ts'

const directories: string[] = []
const fresh = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'vestibule-storage-'))
  directories.push(directory)
  return directory
}
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

const value = Uint8Array.of(1, 2, 3)
const child = (directory: string, mode: string): ChildProcess =>
  spawn(
    process.execPath,
    ['--conditions=@vestibule/source', join(import.meta.dirname, 'storage-child.ts'), directory, mode],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )

describe('FileStorage', () => {
  const subject = {
    open: () => FileStorage.open(fresh()),
    reopen: async (storage: unknown) => {
      const { path } = storage as FileStorage
      await (storage as FileStorage).close()
      return FileStorage.open(join(path, '..'))
    },
  }
  for (const { name, run } of storageSuite(subject)) test(name, run)

  test('the file belongs to its user only', async () => {
    const storage = await FileStorage.open(join(fresh(), 'made', 'here'))
    await storage.transact([{ key: 'a', value }])
    expect(statSync(storage.path).mode & 0o777).toBe(0o600)
    expect(statSync(`${storage.path}-wal`).mode & 0o777).toBe(0o600)
    expect(statSync(join(storage.path, '..')).mode & 0o777).toBe(0o700)
    await storage.close()
  })

  test('a second opening in this process is refused, and takes no lock away', async () => {
    const directory = fresh()
    const storage = await FileStorage.open(directory)
    await expect(FileStorage.open(directory)).rejects.toMatchObject({ name: 'StorageError', code: 'LOCKED' })
    const other = child(directory, 'open')
    expect(await output(other)).toBe('LOCKED\n')
    await storage.transact([{ key: 'a', value }])
    await storage.close()
  })

  test('a directory that another process has open is refused, and free again after it is killed', async () => {
    const directory = fresh()
    const other = child(directory, 'write')
    await new Promise((resolve) => other.stdout?.once('data', resolve))
    await expect(FileStorage.open(directory)).rejects.toMatchObject({ code: 'LOCKED' })
    const ended = new Promise((resolve) => other.once('close', resolve))
    other.kill('SIGKILL')
    await ended
    await (await FileStorage.open(directory)).close()
  })

  test('whatever was acknowledged is there after kill -9 at any moment', { timeout: 30_000 }, async () => {
    const directory = fresh()
    let acknowledged = 0
    for (let round = 0; round < 6; round++) {
      const other = child(directory, 'write')
      // Not a pause but the moment of death: after that many acknowledgements, in the middle of what follows.
      const last = await killAfter(other, 1 + Math.floor(Math.random() * 150))
      expect(last).toBeGreaterThan(acknowledged)
      acknowledged = last
      const storage = await FileStorage.open(directory)
      const rows = await storage.list('n/')
      // Each transaction writes a pair; neither may be there without the other.
      expect(rows.length).toBeGreaterThanOrEqual(acknowledged)
      expect((await storage.list('m/')).length).toBe(rows.length)
      acknowledged = rows.length
      await storage.close()
    }
  })

  test('a file of a later release is refused and not touched', async () => {
    const directory = fresh()
    const storage = await FileStorage.open(directory)
    await storage.transact([{ key: 'a', value }])
    await storage.close()
    const database = new DatabaseSync(storage.path)
    database.exec('PRAGMA user_version = 2')
    database.close()
    const before = readFileSync(storage.path)
    await expect(FileStorage.open(directory)).rejects.toMatchObject({ code: 'STORAGE_VERSION' })
    expect(readFileSync(storage.path).equals(before)).toBe(true)
  })

  test('a file that is not ours is refused, named, and not touched', async () => {
    for (const write of [
      (path: string) => writeFileSync(path, 'not a database at all, but somebody’s text '.repeat(50)),
      (path: string) => new DatabaseSync(path).exec('CREATE TABLE theirs (x)'),
    ]) {
      const directory = fresh()
      const path = join(directory, 'vestibule.db')
      write(path)
      const before = readFileSync(path)
      const refusal = await FileStorage.open(directory).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ code: 'STORAGE_CORRUPT', message: expect.stringContaining(path) })
      expect(readFileSync(path).equals(before)).toBe(true)
    }
  })

  test('a damaged file is refused or its damaged row is, never read as something else', {
    timeout: 30_000,
  }, async () => {
    const directory = fresh()
    const storage = await FileStorage.open(directory)
    const large = new Uint8Array(3000).fill(7)
    await storage.transact(Array.from({ length: 20 }, (_, i) => ({ key: `k${i}`, value: large })))
    await storage.close()
    const good = readFileSync(storage.path)
    for (let at = 0; at < good.length; at += 397) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] ?? 0) ^ 0x40
      writeFileSync(storage.path, bad)
      const outcome = await readAll(directory)
      if (typeof outcome === 'string') expect(['STORAGE_CORRUPT', 'STORAGE_VERSION']).toContain(outcome)
      else for (const [, read] of outcome) expect(read).toEqual(large)
    }
  })

  test('a full storage refuses the transaction whole and stays usable', async () => {
    const storage = await FileStorage.open(fresh(), { maxBytes: 200_000 })
    await storage.transact([{ key: 'a', value }])
    const refused = storage.transact([
      { key: 'b', value },
      { key: 'c', value: new Uint8Array(400_000) },
    ])
    await expect(refused).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await storage.list('')).toEqual([['a', value]])
    await storage.transact([{ key: 'b', value }])
    await storage.close()
  })

  test('a full disk refuses the transaction whole; what was acknowledged is there, without room, too', async () => {
    const mounted =
      'mount -t tmpfs -o size=1600k none "$1" && exec "$2" --conditions=@vestibule/source "$3" "$1"'
    const script = join(import.meta.dirname, 'full-disk-child.ts')
    // A disk that only this process sees; where nobody may have one, a maximal size of the file stands for it.
    const full = spawn('unshare', ['-rm', 'sh', '-c', mounted, 'sh', fresh(), process.execPath, script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [said, errors] = await Promise.all([output(full), errorsOf(full)])
    if (/^(spawn )?(unshare|mount)\b/.test(errors))
      return void process.stderr.write(`\nLEFT OUT: a full disk. ${errors}\n`)
    expect(errors.replaceAll(/.*ExperimentalWarning.*\n.*\n/g, '')).toBe('')
    const [[count, code], ...counts] = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(code).toBe('STORAGE_FULL')
    expect(count).toBeGreaterThan(20)
    expect(counts).toEqual([count, count, count + 1])
  })

  test('a directory that can not be made is refused', async () => {
    const file = join(fresh(), 'file')
    writeFileSync(file, '')
    await expect(FileStorage.open(join(file, 'below'))).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' })
    await expect(FileStorage.open(file)).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' })
  })
})

async function readAll(directory: string): Promise<[string, Uint8Array][] | string> {
  let storage: FileStorage | undefined
  try {
    storage = await FileStorage.open(directory)
    return await storage.list('')
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await storage?.close()
  }
}

const output = (process: ChildProcess): Promise<string> => textOf(process, process.stdout)
const errorsOf = (process: ChildProcess): Promise<string> => textOf(process, process.stderr)

function textOf(process: ChildProcess, stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return new Promise((resolve) => {
    process.once('close', () => resolve(text))
    process.once('error', ({ message }) => resolve(message))
  })
}

/** Kills the child once it has acknowledged `count` writes; resolves with the last one that it acknowledged. */
function killAfter(process: ChildProcess, count: number): Promise<number> {
  let text = ''
  let killed = false
  process.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (!killed && text.split('\n').length > count) killed = process.kill('SIGKILL')
  })
  return new Promise((resolve) =>
    process.once('close', () => {
      const whole = text.slice(0, text.lastIndexOf('\n')).split('\n')
      resolve(Number(whole.at(-1)))
    }),
  )
}

test('opens after a checkpoint that a full disk or a kill cut short: the write-ahead log makes it whole', async () => {
  const [from, to] = [fresh(), fresh()]
  const storage = await FileStorage.open(from)
  for (let i = 0; i < 4; i++)
    await storage.transact([{ key: `k${i}`, value: new Uint8Array(30_000).fill(i) }])
  const [main, log] = [readFileSync(storage.path), readFileSync(`${storage.path}-wal`)]
  await storage.close()
  // The last version of page 1 has reached the file, the pages that it speaks of have not (SQLite, "WAL-mode File Format").
  const pageBytes = log.readUInt32BE(8)
  for (let at = 32; at < log.length; at += 24 + pageBytes)
    if (log.readUInt32BE(at) === 1) log.copy(main, 0, at + 24, at + 24 + pageBytes)
  writeFileSync(join(to, 'vestibule.db'), main)
  writeFileSync(join(to, 'vestibule.db-wal'), log)
  const reopened = await FileStorage.open(to)
  expect((await reopened.list('k')).map(([key, value]) => [key, value.length, value[0]])).toEqual(
    [0, 1, 2, 3].map((i) => [`k${i}`, 30_000, i]),
  )
  await reopened.close()
})
