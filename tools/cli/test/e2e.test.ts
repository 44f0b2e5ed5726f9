import { spawn } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type CliEvent, CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { adaAndBob, aRelay, folder, refused, share } from './stage.ts'

const relay = aRelay()
const ready = ({ state }: CliEvent) => state === 'READY_FOR_AUTHENTICATION'
const wrongCode = (code: unknown, n: number) => String((Number(code) + n) % 1_000_000).padStart(6, '0')

test('the demo runs to its end', async () => {
  const demo = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@vestibule/source', demo])
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code, said).toBe(0)
  expect(said).toContain('both agree on members and messages')
})

describe('an invitation between real processes', () => {
  test('three wrong codes lock it, over reconnects too, and the right one is too late', async () => {
    const { ada, bob } = await adaAndBob(relay)
    const { host, link, code } = await share(ada)

    const first = new CliProcess(bob, ['space', 'join', link])
    await first.event('state', ready)
    first.type(wrongCode(code, 1))
    await first.event('state', ({ state }) => state === 'AUTHENTICATING')
    await first.stop('SIGKILL')

    const second = new CliProcess(bob, ['space', 'join', link])
    await second.event('state', ready)
    second.type(wrongCode(code, 2))
    second.type(wrongCode(code, 3))
    second.type(wrongCode(code, 4))
    expect(await second.done(EXIT.refused)).toContainEqual(expect.objectContaining({ event: 'error' }))
    expect(await host.done(EXIT.refused)).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'LOCKED' }),
    )

    // The host is back and serves what is durable; the right code does not help any more.
    const serving = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await serving.event('following')
    const late = new CliProcess(bob, ['space', 'join', link])
    late.type(String(code))
    expect(await late.done(EXIT.refused)).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'LOCKED' }),
    )
    await serving.stop('SIGINT')
    const members = (await cli(ada, 'members', 'Garden')).filter(({ event }) => event === 'member')
    expect(members).toHaveLength(1)
  })

  test('one that is locked is opened again with a new code, where the host says yes', async () => {
    const { ada, bob } = await adaAndBob(relay)
    const { host, link, code } = await share(ada)
    const guessing = new CliProcess(bob, ['space', 'join', link])
    for (const n of [1, 2, 3]) guessing.type(wrongCode(code, n))
    await guessing.done(EXIT.refused)
    host.type('yes')
    const again = await host.event('invitation', (event) => event['code'] !== code)
    expect(again['link']).toBe(link)
    const joining = new CliProcess(bob, ['space', 'join', link])
    joining.type(String(again['code']))
    expect(await joining.done()).toContainEqual(expect.objectContaining({ event: 'joined' }))
    await host.done()
  })

  test('a guest killed while it is being admitted gets in when it tries again, once', async () => {
    const { ada, bob } = await adaAndBob(relay)
    const { host, link, code } = await share(ada, '--words')
    expect(code).toMatch(/^[a-z]+-[a-z]+$/)
    const killed = new CliProcess(bob, ['space', 'join', link])
    await killed.event('state', ready)
    killed.type(String(code))
    await host.event('admitted')
    await killed.stop('SIGKILL')
    await host.stop('SIGKILL')

    const serving = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await serving.event('following')
    const again = new CliProcess(bob, ['space', 'join', link])
    again.type(String(code))
    const joined = (await again.done()).find(({ event }) => event === 'joined')
    expect(joined?.['members']).toHaveLength(2)
    await serving.stop('SIGINT')
    const members = (await cli(ada, 'members', 'Garden')).filter(({ event }) => event === 'member')
    expect(members.map(({ name, role }) => [name, role])).toEqual([
      ['Ada', 'OWNER'],
      ['Bob', 'EDITOR'],
    ])
  })

  test('a link without a code lets in whoever has it, once, in the role that the host chose', async () => {
    const { ada, bob } = await adaAndBob(relay)
    const { host, link, code } = await share(ada, '--no-code', '--role', 'reader')
    expect(code).toBeUndefined()
    const joined = (await new CliProcess(bob, ['space', 'join', link]).done()).find(
      ({ event }) => event === 'joined',
    )
    expect(joined?.['members']).toContainEqual(expect.objectContaining({ name: 'Bob', role: 'READER' }))
    await host.done()
    expect((await refused(bob, EXIT.refused, 'say', 'Garden', 'x'))?.['code']).toBe('NOT_ALLOWED')
    const again = await new CliProcess(bob, ['space', 'join', link]).done()
    expect(again).toContainEqual(expect.objectContaining({ event: 'joined', alreadyMember: true }))
  })

  test('one without the history lets the guest read what is written from then on, and nothing of before', async () => {
    const { ada, bob } = await adaAndBob(relay)
    await cli(ada, 'say', 'Garden', 'before', '--wait-seconds', '1')
    const { host, link } = await share(ada, '--no-code', '--no-history')
    await new CliProcess(bob, ['space', 'join', link]).done()
    await host.done()
    const reading = new CliProcess(bob, ['log', 'Garden', '--follow'])
    await reading.event('following')
    await cli(ada, 'say', 'Garden', 'after')
    await reading.event('message', ({ text }) => text === 'after')
    await reading.stop('SIGINT')
    const said = reading.events.filter(({ event }) => event === 'message').map(({ text }) => text)
    expect(said).toEqual(['after'])
  })

  test('two meet without any relay where one can dial the other', async () => {
    const [ada, bob] = [await folder(), await folder()]
    await Promise.all([cli(ada, 'init', '--name', 'Ada'), cli(bob, 'init', '--name', 'Bob')])
    await cli(ada, 'space', 'create', 'Garden')
    const { host, link } = await share(ada, '--no-code', '--listen', '/ip4/127.0.0.1/tcp/0/ws')
    await new CliProcess(bob, ['space', 'join', link]).done()
    await host.done()
  })

  test('Ctrl-C at the host cancels it, and the link is dead after a restart', async () => {
    const { ada, bob } = await adaAndBob(relay)
    const { host, link } = await share(ada, '--no-code')
    expect(await host.stop('SIGINT')).toBe(EXIT.over)
    const serving = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await serving.event('following')
    expect((await refused(bob, EXIT.over, 'space', 'join', link))?.['code']).toBe('CANCELLED')
    await serving.stop('SIGINT')
  })
})

describe('bad input', () => {
  test.each([
    ['cut', (link: string) => link.slice(0, -9), 'LINK_MALFORMED'],
    [
      'mistyped',
      (link: string) => link.replace(/.(?=.{40}$)/, (c) => (c === 'x' ? 'y' : 'x')),
      'LINK_MALFORMED',
    ],
    ['foreign', () => 'https://example.com/join#hello', 'LINK_FOREIGN'],
    ['oversized', (link: string) => link + 'A'.repeat(5000), 'LINK_TOO_LONG'],
  ])('a %s link is told apart and changes nothing', async (_, spoil, code) => {
    const { ada, bob } = await adaAndBob(relay)
    const { host, link } = await share(ada)
    expect((await refused(bob, EXIT.link, 'space', 'join', spoil(link)))?.['code']).toBe(code)
    await host.stop('SIGINT')
  })

  test('an unreachable relay is waited for, not fatal: the message is stored', async () => {
    const data = await folder()
    const nobody = '/ip4/127.0.0.1/tcp/9/ws/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
    await cli(data, '--relay', nobody, 'init', '--name', 'Ada')
    await cli(data, 'space', 'create', 'Garden')
    const events = await cli(data, 'say', 'Garden', 'hello', '--wait-seconds', '1')
    expect(events).toContainEqual(expect.objectContaining({ event: 'said', delivered: false }))
    expect(await cli(data, 'log', 'Garden')).toContainEqual(
      expect.objectContaining({ event: 'message', text: 'hello' }),
    )
  })

  test('a data directory that can’t be made is a clear error', async () => {
    const file = join(await folder(), 'file')
    await writeFile(file, '')
    const error = await refused(join(file, 'data'), EXIT.data, 'init', '--name', 'Ada')
    expect(error?.['message']).toContain(file)
  })

  test('a damaged store is reported with the file’s name, and nothing is overwritten', async () => {
    const data = await folder()
    await cli(data, 'init', '--name', 'Ada')
    const path = join(data, 'vestibule.db')
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(64, 0xee), 0, 64, 0)
    await file.close()
    const before = await readFile(path)
    for (const args of [
      ['space', 'list'],
      ['init', '--name', 'Eve'],
    ]) {
      const error = await refused(data, EXIT.data, ...args)
      expect(error?.['message']).toContain(path)
    }
    expect(await readFile(path)).toEqual(before)
  })

  test('a second process on the same directory is told so', async () => {
    const { ada } = await adaAndBob(relay)
    const first = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await first.event('following')
    expect((await refused(ada, EXIT.data, 'space', 'list'))?.['code']).toBe('LOCKED')
    await first.stop('SIGINT')
    await cli(ada, 'space', 'list')
  })

  test('wrong arguments, no identity, and an unknown space have their own exit codes', async () => {
    const data = await folder()
    await new CliProcess(data, ['space', 'share']).done(EXIT.usage)
    await new CliProcess(data, ['frobnicate']).done(EXIT.usage)
    expect((await refused(data, EXIT.state, 'space', 'list'))?.['code']).toBe('NO_IDENTITY')
    await cli(data, 'init', '--name', 'Ada')
    expect((await refused(data, EXIT.state, 'init', '--name', 'Ada'))?.['code']).toBe('IDENTITY_EXISTS')
    expect((await refused(data, EXIT.state, 'members', 'Nowhere'))?.['code']).toBe('NO_SPACE')
  })
})
