import { rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createRecoveryPhrase } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { type CliEvent, CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { adaAndBob, aRelay, folder, refused, share } from './stage.ts'

const relay = aRelay()

/** Ada's garden with Bob, and her phrase, of which Bob's device has heard. */
async function prepared() {
  const { ada, bob } = await adaAndBob(relay)
  const phrase = phraseIn(await cli(ada, 'recovery', 'create'))
  const { host, link } = await share(ada, '--no-code')
  await cli(bob, 'space', 'join', link)
  await host.done()
  return { ada, bob, phrase }
}

const phraseIn = (events: readonly CliEvent[]): string =>
  String(events.find(({ event }) => event === 'recovery')?.['phrase'])

/** Stays online, as another device would. */
async function follow(data: string, ...options: string[]): Promise<CliProcess> {
  const process = new CliProcess(data, [...options, 'log', 'Garden', '--follow'])
  await process.event('following')
  return process
}

async function recover(data: string, phrase: string, ...options: string[]): Promise<readonly CliEvent[]> {
  const process = new CliProcess(data, [
    '--relay',
    relay.address,
    'recover',
    '--wait-seconds',
    '20',
    ...options,
  ])
  process.type(phrase)
  return process.done()
}

const texts = async (data: string): Promise<unknown[]> =>
  (await cli(data, 'log', 'Garden')).flatMap(({ event, text }) => (event === 'message' ? [text] : []))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })

describe('an identity comes back on a bare machine', () => {
  test('by its phrase, from a member, when its only device is gone', async () => {
    const { ada, bob, phrase } = await prepared()
    await rm(ada, { recursive: true })
    const following = await follow(bob)
    const again = await folder()
    expect(await recover(again, phrase)).toContainEqual(
      expect.objectContaining({ event: 'recovered', name: 'Ada', spaces: 1 }),
    )
    await cli(again, 'say', 'Garden', 'I am back')
    const message = await following.event('message')
    expect([message['name'], message['text']]).toEqual(['Ada', 'I am back'])
    await following.stop('SIGINT')
    const members = (await cli(bob, 'members', 'Garden')).filter(({ event }) => event === 'member')
    expect(members.map(({ name }) => name)).toEqual(['Ada', 'Bob'])
  })

  test('from its stolen device, found at its address, which nobody listens to from then on', async () => {
    const { ada, bob, phrase } = await prepared()
    const port = await freePort()
    const stolen = await follow(ada, '--listen', `/ip4/127.0.0.1/tcp/${port}/ws`)
    const again = await folder()
    const process = new CliProcess(again, [
      'recover',
      '--from',
      `/ip4/127.0.0.1/tcp/${port}/ws`,
      '--revoke-others',
    ])
    process.type(phrase)
    const events = await process.done()
    const revoked = events.find(({ event }) => event === 'revoked')
    expect(revoked?.['devices']).toHaveLength(2)
    await stolen.stop('SIGINT')

    const following = await follow(bob)
    await cli(again, '--relay', relay.address, 'say', 'Garden', 'it was stolen')
    expect((await following.event('message'))['text']).toBe('it was stolen')
    const late = await cli(ada, 'say', 'Garden', 'I am Ada', '--wait-seconds', '3')
    expect(late).toContainEqual(expect.objectContaining({ event: 'said', delivered: false }))
    await following.stop('SIGINT')
    expect(await texts(bob)).toEqual(['it was stolen'])
  })

  test('from a backup, with nobody online, and meets the others later', async () => {
    const { ada, bob, phrase } = await prepared()
    const file = join(await folder(), 'ada.backup')
    await cli(ada, 'recovery', 'backup', file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await rm(ada, { recursive: true })
    const again = await folder()
    expect(await recover(again, phrase, '--backup', file, '--wait-seconds', '1')).toContainEqual(
      expect.objectContaining({ event: 'recovered', name: 'Ada', spaces: 1 }),
    )
    // Killed half-way, or in doubt: a second time changes nothing.
    await recover(again, phrase, '--backup', file, '--wait-seconds', '1')
    const following = await follow(bob)
    await cli(again, 'say', 'Garden', 'from a file')
    expect((await following.event('message'))['text']).toBe('from a file')
    await following.stop('SIGINT')
  })
})

describe('what can go wrong', () => {
  test('is told apart, and leaves nothing behind', async () => {
    const [ada, bare, other] = [await folder(), await folder(), await folder()]
    await cli(ada, 'init', '--name', 'Ada')
    const file = join(bare, 'ada.backup')
    expect((await refused(ada, EXIT.state, 'recovery', 'backup', file))?.['code']).toBe('NO_RECOVERY')
    const phrase = phraseIn(await cli(ada, 'recovery', 'create'))
    await cli(ada, 'recovery', 'backup', file)
    await writeFile(join(bare, 'spoilt'), 'not a backup')
    const data = join(bare, 'data')
    const wrong = createRecoveryPhrase().unwrap()
    const cases: readonly (readonly [string, readonly string[], number, string])[] = [
      [phrase.split(' ').slice(1).join(' '), ['--backup', file], EXIT.usage, 'WRONG_PHRASE_LENGTH'],
      [phrase.replace(/^\w+/, 'xyzzy'), ['--backup', file], EXIT.usage, 'UNKNOWN_PHRASE_WORD'],
      [wrong, ['--backup', file], EXIT.refused, 'WRONG_RECIPIENT'],
      [phrase, ['--backup', join(bare, 'spoilt')], EXIT.refused, 'SEAL_BROKEN'],
      [phrase, ['--backup', join(bare, 'nothing')], EXIT.data, 'FILE_UNREADABLE'],
      [phrase, [], EXIT.usage, 'NOWHERE_TO_LOOK'],
    ]
    for (const [words, options, exit, code] of cases) {
      const process = new CliProcess(data, ['recover', ...options])
      process.type(words)
      const error = (await process.done(exit)).find(({ event }) => event === 'error')
      expect(error?.['code']).toBe(code)
      // Words of a phrase may well be words of a message; three in a row are not.
      for (const part of ['xyzzy', words.split(' ').slice(0, 3).join(' ')])
        expect(String(error?.['message'])).not.toContain(part)
      expect((await refused(data, EXIT.state, 'space', 'list'))?.['code']).toBe('NO_IDENTITY')
    }
    await cli(other, 'init', '--name', 'Other')
    const occupied = new CliProcess(other, ['recover', '--backup', file])
    occupied.type(phrase)
    expect(await occupied.done(EXIT.state)).toContainEqual(
      expect.objectContaining({ code: 'IDENTITY_EXISTS' }),
    )
  })

  test('nobody who knows the phrase is there', async () => {
    const [data, phrase] = [await folder(), createRecoveryPhrase().unwrap()]
    const process = new CliProcess(data, ['--relay', relay.address, 'recover', '--wait-seconds', '1'])
    process.type(phrase)
    expect(await process.done(EXIT.unreachable)).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'NOBODY_ANSWERED' }),
    )
  })
})
