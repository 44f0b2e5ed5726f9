import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { expect, test } from 'vitest'
import { Keyring, MemoryKeyStore, PublicKey, SealedKeyStore } from '../../src/index.ts'

const { passphrase, publicKey, store, backup } = JSON.parse(
  readFileSync(new URL('../vectors/sealed-v1.json', import.meta.url), 'utf8'),
) as { passphrase: string; publicKey: string; store: Record<string, string>; backup: string }
const hello = new TextEncoder().encode('hello')
const signature = ed25519.sign(hello, new Uint8Array(32).fill(7))

test('a sealed store of version 1 opens for ever', async () => {
  const inner = new MemoryKeyStore()
  for (const [name, record] of Object.entries(store)) await inner.add(name, hexToBytes(record))
  const keyring = new Keyring(await SealedKeyStore.open(inner, passphrase))
  expect(await keyring.sign(PublicKey.fromHex(publicKey), hello)).toEqual(signature)
})

test('a backup of version 1 opens for ever', async () => {
  const keyring = new Keyring()
  expect(await keyring.importBackup(hexToBytes(backup), passphrase)).toEqual([PublicKey.fromHex(publicKey)])
  expect(await keyring.sign(PublicKey.fromHex(publicKey), hello)).toEqual(signature)
})
