import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ExchangeVector, recordExchange, repeatExchange } from './exchange.ts'
import { type KnownGuestVector, knownGuests } from './known-guests.ts'

const FILE = new URL('../../../../docs/protocol/inv1-exchange.json', import.meta.url)
const KNOWN_GUESTS = new URL('../../../../docs/protocol/inv1-known-guests.json', import.meta.url)

const write = (file: URL, value: unknown): void =>
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`)

// A deliberate act, for when the format has changed: what is published is what other implementations rely on.
if (process.env['RECORD_EXCHANGE'] === '1') write(FILE, await recordExchange())
if (process.env['RECORD_KNOWN_GUESTS'] === '1') write(KNOWN_GUESTS, await knownGuests())

const published: ExchangeVector = JSON.parse(readFileSync(FILE, 'utf8'))

test('from the same secrets and random bytes come the six published frames, and the guest joins', async () => {
  expect(await repeatExchange(published)).toEqual(published.frames)
})

test('links for a known guest have the published bytes and hashes, and their key signs the published proof', async () => {
  const vectors: readonly KnownGuestVector[] = JSON.parse(readFileSync(KNOWN_GUESTS, 'utf8'))
  expect(await knownGuests()).toEqual(vectors)
})
