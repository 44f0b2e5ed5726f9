import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundled } from '../bundled.ts'
import { CHROMIUM_FLAGS, chromium } from '../machine.ts'

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
        tell('added', n)
      }
  } catch (error) {
    tell('failed', String(error))
  }`

/** Serves the page, and emits what it tells. */
async function serve(): Promise<{ told: EventEmitter; origin: string } & AsyncDisposable> {
  const { text } = await bundled(PAGE)
  const told = new EventEmitter()
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'text/html')
    if (request.method === 'GET') return response.end(`<script type="module">${text}</script>`)
    const body = Buffer.concat(await request.toArray())
    response.end()
    const value: unknown = JSON.parse(body.toString())
    if (request.url === '/failed') told.emit('error', new Error(String(value)))
    else told.emit(String(request.url), value)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    told,
    // A page of this machine may use WebCrypto without HTTPS.
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A browser with a profile that outlives it. To dispose of it is to kill it. */
function browse(url: string, profile: string): AsyncDisposable {
  const flags = [...CHROMIUM_FLAGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`]
  // A group of its own, so that all its processes are killed at once.
  const browser = spawn(chromium() as string, [...flags, url], { detached: true, stdio: 'ignore' })
  return {
    [Symbol.asyncDispose]: async () => {
      const exit = once(browser, 'exit')
      process.kill(-(browser.pid as number), 'SIGKILL')
      await exit
    },
  }
}

test('a browser that is killed while it writes keeps every record that was added, and no half ones', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'vestibule-profile-'))
  await using server = await serve()
  let last = -1
  server.told.on('/added', (n: number) => {
    last = Math.max(last, n)
  })
  for (const records of [1, 5, 20]) {
    const until = last + records
    await using _ = browse(`${server.origin}/fill`, profile)
    while (last < until) await once(server.told, '/added')
  }
  await using _ = browse(`${server.origin}/check`, profile)
  const [kept] = (await once(server.told, '/checked')) as [number[]]
  expect(last).toBeGreaterThanOrEqual(25)
  const lost = Array.from({ length: last + 1 }, (_, n) => n).filter((n) => !kept.includes(n))
  expect(lost).toEqual([])
}, 60_000)
