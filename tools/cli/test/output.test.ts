import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { InvitationError } from '@vestibule/invitations'
import { KeysError } from '@vestibule/keys'
import { SpaceError, StorageError } from '@vestibule/space'
import { CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { readConfig, rememberRelays } from '../src/config.ts'
import { adviceFor, CliError, EXIT, exitCodeOf } from '../src/exit-codes.ts'
import { makeOutput, printable } from '../src/output.ts'
import { makePrompt } from '../src/prompt.ts'

const never = new AbortController().signal

describe('exit codes', () => {
  test.each([
    [new CliError('X', 'x', 6), 6],
    [new CommanderError(1, 'commander.unknownCommand', 'x'), EXIT.usage],
    [new CommanderError(0, 'commander.help', 'x'), EXIT.ok],
    [new InvitationError('LINK_MALFORMED'), EXIT.link],
    [new InvitationError('LOCKED'), EXIT.refused],
    [new InvitationError('EXPIRED'), EXIT.over],
    [new InvitationError('TIMED_OUT'), EXIT.unreachable],
    [new SpaceError('NO_IDENTITY', 'x'), EXIT.state],
    [new StorageError('LOCKED', 'x'), EXIT.data],
    [new KeysError('CORRUPT_RECORD', 'x'), EXIT.data],
    [new TypeError('x'), EXIT.unexpected],
    ['a string', EXIT.unexpected],
  ])('%s ends with its own code', (error, expected) => {
    expect(exitCodeOf(error)).toBe(expected)
  })

  test('a missing identity is told with what to do', () => {
    expect(adviceFor(new SpaceError('NO_IDENTITY', 'x'))).toContain('vestibule init')
  })
})

describe('output', () => {
  const written = async (json: boolean) => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const output = makeOutput(json, out, err)
    output.status('state', { state: 'CONNECTING' }, 'Waiting…')
    output.result('joined', { space: 'x' }, 'Joined.')
    output.error('LOCKED', 'It is locked.')
    output.done()
    return { out: out.read()?.toString() ?? '', err: err.read()?.toString() ?? '' }
  }

  test('for a script everything is one JSON object a line', async () => {
    const { out, err } = await written(true)
    expect(
      out
        .trim()
        .split('\n')
        .map((line: string) => JSON.parse(line).event),
    ).toEqual(['state', 'joined', 'error'])
    expect(err).toBe('')
  })

  test('for a person results go to standard output, all else to standard error', async () => {
    const { out, err } = await written(false)
    expect(out).toBe('Joined.\n')
    expect(err).toBe('Waiting…\nIt is locked.\n')
  })

  test('what others wrote can’t move the cursor, ring, or run backwards', () => {
    expect(printable('a\u001b[2Jb\u0007c\u202ed\ne')).toBe('a\ufffd[2Jb\ufffdc\ufffdd\ufffde')
    expect(printable('Zoë 🌱')).toBe('Zoë 🌱')
  })
})

describe('config', () => {
  const folder = () => mkdtemp(join(tmpdir(), 'vestibule-cli-'))

  test('relays are remembered once, the newest first', async () => {
    const data = await folder()
    expect(await readConfig(data)).toEqual({ relays: [] })
    await rememberRelays(data, ['/a'])
    await rememberRelays(data, ['/b', '/a'])
    await rememberRelays(data, ['/a'])
    expect(await readConfig(data)).toEqual({ relays: ['/b', '/a'] })
  })

  test.each([
    ['{', 'CONFIG_CORRUPT'],
    ['{"version":1,"relays":[5]}', 'CONFIG_CORRUPT'],
    ['{"version":2,"relays":[]}', 'CONFIG_VERSION'],
  ])('the file %s is reported with its name and left as it is', async (text, code) => {
    const data = await folder()
    const path = join(data, 'config.json')
    await writeFile(path, text)
    await expect(rememberRelays(data, ['/a'])).rejects.toSatisfy(
      (e) => e instanceof CliError && e.code === code && e.message.includes(path),
    )
    expect(await readFile(path, 'utf8')).toBe(text)
  })
})

describe('prompt', () => {
  test('reads an answer a line, and the end of the input is no answer', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const prompt = makePrompt(input, output)
    input.end('one\ntwo\n')
    expect(await prompt.ask('first? ', { signal: never })).toBe('one')
    expect(await prompt.ask('second? ', { signal: never })).toBe('two')
    expect(await prompt.ask('third? ', { signal: never })).toBeUndefined()
    expect(output.read().toString()).toBe('first? second? third? ')
    prompt.close()
  })

  test('stops waiting when it is aborted', async () => {
    const prompt = makePrompt(new PassThrough(), new PassThrough())
    const controller = new AbortController()
    const asked = prompt.ask('? ', { signal: controller.signal })
    controller.abort()
    expect(await asked).toBeUndefined()
    prompt.close()
  })
})
