import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { python } from './python.ts'

const CHECK = fileURLToPath(new URL('../../../../docs/protocol/inv1-exchange.py', import.meta.url))

test('an implementation in another language finds every value of the published exchange', async () => {
  const { stdout } = await promisify(execFile)(String(python()), [CHECK])
  expect(stdout).toMatch(/^ok: \d+ values\n$/)
})
