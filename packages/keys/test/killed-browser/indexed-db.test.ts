import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { browse, servePage, writeAndBeKilled } from '../../../../browser.base.ts'

/** The page: at /fill it adds records to a sealed store until it is killed, at /check it reads them. */
const PAGE = `
  import { SealedKeyStore } from '@vestibule/keys'
  import { IndexedDbKeyStore, WebCryptoKeyHolder } from '@vestibule/keys/browser'
  const record = (name) => new Uint8Array(1000).fill(Number(name) % 251)
  const tell = (what, value) => fetch('/' + what, { method: 'POST', body: JSON.stringify(value) })
  try {
    const store = await SealedKeyStore.openHeld(new IndexedDbKeyStore('keys'), new WebCryptoKeyHolder('key'))
    const names = await store.names()
    if (location.pathname === '/check') {
      for (const name of names)
        if (String(await store.read(name)) !== String(record(name))) throw new Error('another record: ' + name)
      tell('checked', names.map(Number))
    } else
      for (let n = names.length; ; n++) {
        await store.add(String(n), record(String(n)))
        tell('added', n + 1)
      }
  } catch (error) {
    tell('failed', String(error))
  }`

test('a browser that is killed while it writes keeps every record that was added, and no half ones', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'vestibule-profile-'))
  await using server = await servePage(PAGE, import.meta.dirname)
  const last = await writeAndBeKilled(server, profile, '/added')
  await using _ = browse(`${server.origin}/check`, profile)
  const [kept] = (await once(server.told, '/checked')) as [number[]]
  expect(last).toBeGreaterThanOrEqual(26)
  const lost = Array.from({ length: last }, (_, n) => n).filter((n) => !kept.includes(n))
  expect(lost).toEqual([])
}, 60_000)
