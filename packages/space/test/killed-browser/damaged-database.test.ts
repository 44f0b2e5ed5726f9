import { once } from 'node:events'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { browse, servePage } from '../../../../browser.base.ts'

/** The page: it writes something, or tells why it can't; at /anew it has the database deleted first. */
const PAGE = `
  import { IndexedDbStorage } from '@vestibule/space/browser'
  const tell = (what, value) => fetch('/' + what, { method: 'POST', body: JSON.stringify(value) })
  const open = async () => {
    const storage = await IndexedDbStorage.open('vestibule')
    const { length } = await storage.list('')
    for (let n = 0; n < 20; n++)
      await storage.transact([{ key: 'n/' + (length + n), value: new Uint8Array(1000).fill(n) }])
    await storage.close()
    return length
  }
  const told = () => open().catch(({ code }) => code)
  try {
    if (location.pathname === '/anew')
      await new Promise((resolve) => (indexedDB.deleteDatabase('vestibule').onsuccess = resolve))
    tell('opened', [await told(), await told()])
  } catch (error) {
    tell('failed', String(error))
  }`

test('a database that Chromium finds damaged, and empties, is refused until it is deleted', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'vestibule-profile-'))
  await using server = await servePage(PAGE, import.meta.dirname)
  const visit = async (path: string): Promise<unknown> => {
    await using _ = browse(`${server.origin}${path}`, profile)
    const [outcome] = await once(server.told, '/opened')
    return outcome
  }
  expect(await visit('/')).toEqual([0, 20])
  const files = await readdir(profile, { recursive: true })
  for (const file of files.filter((path) => /IndexedDB\/.*leveldb\/(MANIFEST|.*\.log$)/.test(path))) {
    const bytes = await readFile(join(profile, file))
    await writeFile(join(profile, file), bytes.fill(0xee, bytes.length >> 2, bytes.length >> 1))
  }
  expect(await visit('/')).toEqual(['STORAGE_CORRUPT', 'STORAGE_CORRUPT'])
  expect(await visit('/')).toEqual(['STORAGE_CORRUPT', 'STORAGE_CORRUPT'])
  expect(await visit('/anew')).toEqual([0, 20])
}, 60_000)
