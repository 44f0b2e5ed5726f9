import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { browse, servePage, writeAndBeKilled } from '../../../../browser.base.ts'

/** The page: at /fill it writes pairs until it is killed, at /check it reads them. */
const PAGE = `
  import { IndexedDbStorage } from '@vestibule/space/browser'
  const value = (n) => new Uint8Array(100 + (n % 5) * 1000).fill(n)
  const tell = (what, value) => fetch('/' + what, { method: 'POST', body: JSON.stringify(value) })
  const key = (n) => String(n).padStart(8, '0')
  try {
    const storage = await IndexedDbStorage.open('vestibule')
    const pairs = await storage.list('m/')
    if (location.pathname === '/check') {
      const others = await storage.list('n/')
      for (const [n, [name, held]] of pairs.entries())
        if (name !== 'm/' + key(n) || others[n][0] !== 'n/' + key(n) || String(held) !== String(value(n)))
          throw new Error('not as it was written: ' + n)
      tell('checked', [pairs.length, others.length])
    } else
      for (let n = pairs.length; ; n++) {
        await storage.transact([
          { key: 'n/' + key(n), value: value(n) },
          { key: 'm/' + key(n), value: value(n) },
        ])
        tell('written', n + 1)
      }
  } catch (error) {
    tell('failed', String(error))
  }`

test('a browser that is killed while it writes keeps every transaction that was acknowledged, whole', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'vestibule-profile-'))
  await using server = await servePage(PAGE, import.meta.dirname)
  const last = await writeAndBeKilled(server, profile, '/written')
  await using _ = browse(`${server.origin}/check`, profile)
  const [[pairs, others]] = (await once(server.told, '/checked')) as [[number, number]]
  expect(last).toBeGreaterThanOrEqual(26)
  expect(pairs).toBeGreaterThanOrEqual(last)
  expect(others).toBe(pairs)
}, 60_000)
