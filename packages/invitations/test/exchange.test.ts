import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { pathOf } from '../../../machine.base.ts'
import { type ExchangeVector, recordExchange, repeatExchange } from './exchange.ts'

const FILE = new URL('../../../docs/protocol/inv1-exchange.json', import.meta.url)
const CHECK = fileURLToPath(new URL('../../../docs/protocol/inv1-exchange.py', import.meta.url))

// A deliberate act, for when the format has changed: what is published is what other implementations rely on.
if (process.env['RECORD_EXCHANGE'] === '1')
  writeFileSync(FILE, `${JSON.stringify(await recordExchange(), undefined, 2)}\n`)

const published: ExchangeVector = JSON.parse(readFileSync(FILE, 'utf8'))

test('from the same secrets and random bytes come the six published frames, and the guest joins', async () => {
  expect(await repeatExchange(published)).toEqual(published.frames)
})

const python = pathOf({
  tests: 'the published exchange, by an implementation in another language',
  programs: ['python3'],
  install: 'python3',
  required: 'VESTIBULE_REQUIRE_PYTHON',
})

test.skipIf(python === undefined)('an implementation in another language finds every value', async () => {
  const { stdout } = await promisify(execFile)(String(python), [CHECK])
  expect(stdout).toMatch(/^ok: \d+ values\n$/)
})
