import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type CliEvent, CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { folder } from './stage.ts'

/** Runs a command that asks for passphrases. */
async function asked(data: string, answers: string[], args: string[], code = EXIT.ok as number) {
  const process = new CliProcess(data, args)
  for (const answer of answers) process.type(answer)
  return process.done(code)
}

const texts = async (data: string): Promise<unknown[]> =>
  (await cli(data, 'log', 'Garden')).flatMap(({ event, text }) => (event === 'message' ? [text] : []))

const codeOf = (events: readonly CliEvent[]): unknown =>
  events.find(({ event }) => event === 'error')?.['code']

test('a space goes into a file and back, and nothing is lost by it', async () => {
  const data = await folder()
  await cli(data, 'init', '--name', 'Ada')
  await cli(data, 'space', 'create', 'Garden')
  await cli(data, 'say', 'Garden', 'before', '--wait-seconds', '1')
  const file = join(data, 'garden.export')
  const differ = await asked(data, ['one', 'other'], ['space', 'export', 'Garden', file], EXIT.usage)
  expect(codeOf(differ)).toBe('PASSPHRASES_DIFFER')
  await expect(readFile(file)).rejects.toThrow('ENOENT')

  await asked(data, ['correct horse', 'correct horse'], ['space', 'export', 'Garden', file])
  await cli(data, 'say', 'Garden', 'after', '--wait-seconds', '1')
  const imported = await asked(data, ['correct horse'], ['space', 'import', file])
  expect(imported).toContainEqual(expect.objectContaining({ event: 'imported', name: 'Garden', added: 0 }))
  expect(await texts(data)).toEqual(['before', 'after'])

  const wrong = await asked(data, ['battery staple'], ['space', 'import', file], EXIT.refused)
  expect(codeOf(wrong)).toBe('WRONG_PASSPHRASE')
  const whole = await readFile(file)
  await writeFile(file, whole.subarray(0, -1))
  expect(codeOf(await asked(data, ['correct horse'], ['space', 'import', file], EXIT.refused))).toBe(
    'BAD_EXPORT',
  )
  expect(codeOf(await asked(data, [], ['space', 'import', join(data, 'none')], EXIT.data))).toBe(
    'FILE_UNREADABLE',
  )
  expect(await texts(data)).toEqual(['before', 'after'])
})

test('a space comes back from its file after the identity came back from its phrase', async () => {
  const [data, again] = [await folder(), await folder()]
  await cli(data, 'init', '--name', 'Ada')
  await cli(data, 'space', 'create', 'Garden')
  const phrase = String(
    (await cli(data, 'recovery', 'create')).find(({ event }) => event === 'recovery')?.['phrase'],
  )
  await cli(data, 'say', 'Garden', 'before', '--wait-seconds', '1')
  const [backup, file] = [join(again, 'backup'), join(again, 'garden.export')]
  await cli(data, 'recovery', 'backup', backup)
  await asked(data, ['correct horse', 'correct horse'], ['space', 'export', 'Garden', file])
  await rm(data, { recursive: true })
  const fresh = join(again, 'data')
  await asked(fresh, [phrase], ['recover', '--backup', backup, '--wait-seconds', '1'])
  expect(await texts(fresh)).toEqual([])
  await asked(fresh, ['correct horse'], ['space', 'import', file])
  expect(await texts(fresh)).toEqual(['before'])
})
