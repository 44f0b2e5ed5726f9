import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ExchangeVector, recordExchange, repeatExchange } from './exchange.ts'

const FILE = new URL('../../../../docs/protocol/inv1-exchange.json', import.meta.url)

// A deliberate act, for when the format has changed: what is published is what other implementations rely on.
if (process.env['RECORD_EXCHANGE'] === '1')
  writeFileSync(FILE, `${JSON.stringify(await recordExchange(), undefined, 2)}\n`)

const published: ExchangeVector = JSON.parse(readFileSync(FILE, 'utf8'))

test('from the same secrets and random bytes come the six published frames, and the guest joins', async () => {
  expect(await repeatExchange(published)).toEqual(published.frames)
})
