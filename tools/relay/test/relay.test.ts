import { spawn } from 'node:child_process'
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NetworkManager } from '@vestibule/network'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

function start(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=@vestibule/source', MAIN, ...args])
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    address: async () => String((await lines.next()).value),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    exited,
    errors: () => errors,
  }
}

test('two peers meet through a relay in a process of its own, which ends when it is told to', async () => {
  const relay = start('--listen', '/ip4/127.0.0.1/tcp/0/ws')
  const address = await relay.address()
  const [host, guest] = [new NetworkManager({ relays: [address] }), new NetworkManager({ relays: [address] })]
  await Promise.all([host.start(), guest.start()])
  const topic = new Uint8Array(32).fill(7)
  const said = Promise.withResolvers<string>()
  await host.joinSwarm({
    topic,
    topology: 'host',
    protocolProvider: async (channel) => {
      said.resolve(new TextDecoder().decode(await channel.receive()))
    },
  })
  await guest.joinSwarm({
    topic,
    topology: 'guest',
    protocolProvider: (channel) => channel.send(new TextEncoder().encode('hello')),
  })
  expect(await said.promise).toBe('hello')
  await Promise.all([host.stop(), guest.stop()])
  expect(await relay.stop()).toBe(0)
})

test('with a key file the peer id survives a restart, and only the owner may read it', async () => {
  const key = join(await mkdtemp(join(tmpdir(), 'vestibule-relay-')), 'deep', 'relay.key')
  const ids: string[] = []
  for (let i = 0; i < 2; i++) {
    const relay = start('--listen', '/ip4/127.0.0.1/tcp/0/ws', '--key', key)
    ids.push((await relay.address()).split('/p2p/')[1] ?? '')
    await relay.stop()
  }
  expect(ids[0]).toBe(ids[1])
  expect((await stat(key)).mode & 0o777).toBe(0o600)
})

test('a file that is no key is reported with its name and left as it is', async () => {
  const key = join(await mkdtemp(join(tmpdir(), 'vestibule-relay-')), 'notes.txt')
  await writeFile(key, 'dear diary')
  const relay = start('--listen', '/ip4/127.0.0.1/tcp/0/ws', '--key', key)
  expect(await relay.exited).toBe(1)
  expect(relay.errors()).toContain(key)
  expect(await readFile(key, 'utf8')).toBe('dear diary')
})

test('an address that can’t be listened on is a clear error', async () => {
  const relay = start('--listen', '/ip4/203.0.113.1/tcp/4001/ws')
  expect(await relay.exited).toBe(1)
  expect(relay.errors()).not.toBe('')
})
