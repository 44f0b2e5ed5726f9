import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Keyring, KeysError } from '../../src/index.ts'
import { FileKeyStore, writeFileAtomic } from '../../src/node.ts'
import { keyStoreSuite } from '../../src/testing.ts'

const folder = () => mkdtemp(join(tmpdir(), 'vestibule-keys-'))

keyStoreSuite('files', async () => {
  const path = join(await folder(), 'deep', 'keys')
  return { store: new FileKeyStore(path), reopen: async () => new FileKeyStore(path) }
})

describe('FileKeyStore', () => {
  test('only the owner may read keys', async () => {
    const path = join(await folder(), 'keys')
    await new Keyring(new FileKeyStore(path)).createKey()
    const [file] = await readdir(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(path, file as string))).mode & 0o777).toBe(0o600)
  })

  test('a damaged record is reported with the file’s name and stays as it is', async () => {
    const path = await folder()
    const key = await new Keyring(new FileKeyStore(path)).createKey()
    const file = join(path, `ed25519-${key.toHex()}.key`)
    await writeFile(file, 'garbage')
    const signing = new Keyring(new FileKeyStore(path)).sign(key, new Uint8Array(1))
    await expect(signing).rejects.toSatisfy(
      (e) => e instanceof KeysError && e.code === 'CORRUPT_RECORD' && e.message.includes(file),
    )
    expect((await stat(file)).size).toBe(7)
  })

  test('a folder that can’t be written is a typed error with its cause, and there is no key', async () => {
    const file = join(await folder(), 'not-a-folder')
    await writeFile(file, '')
    const keyring = new Keyring(new FileKeyStore(join(file, 'keys')))
    await expect(keyring.createKey()).rejects.toSatisfy(
      (e) => e instanceof KeysError && e.code === 'STORE_UNAVAILABLE' && e.cause instanceof Error,
    )
  })

  test('what a killed write left beside the records is no record', async () => {
    const path = await folder()
    await writeFile(join(path, `ed25519-${'0'.repeat(64)}.key.1a2b3c.tmp`), 'half')
    expect(await new Keyring(new FileKeyStore(path)).list()).toEqual([])
  })
})

describe('writeFileAtomic', () => {
  test('replaces a file as a whole and leaves nothing else behind', async () => {
    const path = await folder()
    await writeFileAtomic(join(path, 'a'), new Uint8Array([1]))
    await writeFileAtomic(join(path, 'a'), new Uint8Array([2, 3]))
    expect((await stat(join(path, 'a'))).size).toBe(2)
    expect(await readdir(path)).toEqual(['a'])
  })

  test('an exclusive write of a file that is there fails and leaves nothing else behind', async () => {
    const path = await folder()
    await writeFileAtomic(join(path, 'a'), new Uint8Array([1]), { exclusive: true })
    await expect(writeFileAtomic(join(path, 'a'), new Uint8Array([2]), { exclusive: true })).rejects.toThrow(
      'EEXIST',
    )
    expect(await readdir(path)).toEqual(['a'])
  })
})
