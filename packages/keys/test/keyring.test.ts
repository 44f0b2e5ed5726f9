import { inspect } from 'node:util'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { Keyring, KeysError, MemoryKeyStore, PublicKey, Redacted, verifySignature } from '../src/index.ts'
import { keyStoreSuite } from '../src/testing.ts'

const hello = new TextEncoder().encode('hello')
const code = (expected: string) => (e: unknown) => e instanceof KeysError && e.code === expected

keyStoreSuite('memory', async () => ({ store: new MemoryKeyStore() }))

describe('Keyring', () => {
  test('signs, and the signature verifies', async () => {
    const keyring = new Keyring()
    const key = await keyring.createKey()
    expect(await verifySignature(key, hello, await keyring.sign(key, hello))).toBe(true)
  })

  test('verification fails on a wrong signature, wrong data, a wrong key', async () => {
    const keyring = new Keyring()
    const [key, other] = [await keyring.createKey(), await keyring.createKey()]
    const signature = await keyring.sign(key, hello)
    const wrong = signature.slice()
    wrong[10] = (wrong[10] ?? 0) ^ 1
    expect(await verifySignature(key, hello, wrong)).toBe(false)
    expect(await verifySignature(key, new Uint8Array([1]), signature)).toBe(false)
    expect(await verifySignature(other, hello, signature)).toBe(false)
  })

  test('signs as RFC 8032 does, with the same bytes on every runtime', async () => {
    const seed = new Uint8Array(32).fill(3)
    const keyring = new Keyring()
    const key = await keyring.importKey(seed)
    expect(await keyring.sign(key, hello)).toEqual(ed25519.sign(hello, seed))
    expect(seed).toEqual(new Uint8Array(32).fill(3))
  })

  test('keys survive a restart', async () => {
    const store = new MemoryKeyStore()
    const key = await new Keyring(store).createKey()
    const reopened = new Keyring(store)
    expect(await reopened.list()).toEqual([key])
    expect(await verifySignature(key, hello, await reopened.sign(key, hello))).toBe(true)
  })

  test('lists signing keys only, and knows which it has', async () => {
    const keyring = new Keyring()
    const keys = [await keyring.createKey(), await keyring.createKey()]
    await keyring.createAgreementKey()
    expect(new Set(await keyring.list())).toEqual(new Set(keys))
    expect(await keyring.has(keys[0] as PublicKey)).toBe(true)
    expect(await keyring.has(PublicKey.from(new Uint8Array(32)))).toBe(false)
  })

  test('says when a key was added, until told to stop', async () => {
    const keyring = new Keyring()
    const seen: PublicKey[] = []
    const stop = keyring.onKeyAdded((key) => seen.push(key))
    const key = await keyring.createKey()
    stop()
    await keyring.createKey()
    expect(seen).toEqual([key])
  })

  test('imports a key once, and refuses a seed of another length', async () => {
    const keyring = new Keyring()
    const seed = new Uint8Array(32).fill(9)
    expect(await keyring.importKey(seed)).toBe(await keyring.importKey(seed))
    expect(await keyring.list()).toHaveLength(1)
    await expect(keyring.importKey(new Uint8Array(31))).rejects.toThrow('32 bytes, got 31')
  })

  test('a deleted key signs no more, here and after a restart', async () => {
    const store = new MemoryKeyStore()
    const keyring = new Keyring(store)
    const key = await keyring.createKey()
    await keyring.deleteKey(key)
    await keyring.deleteKey(key)
    await expect(keyring.sign(key, hello)).rejects.toSatisfy(code('KEY_NOT_FOUND'))
    await expect(new Keyring(store).sign(key, hello)).rejects.toSatisfy(code('KEY_NOT_FOUND'))
    expect(await keyring.list()).toEqual([])
  })

  test('two agree on one secret, and a key of small order is refused', async () => {
    const [a, b] = [new Keyring(), new Keyring()]
    const [ka, kb] = [await a.createAgreementKey(), await b.createAgreementKey()]
    expect(await a.agree(ka, kb)).toEqual(await b.agree(kb, ka))
    await expect(a.agree(ka, new Uint8Array(32))).rejects.toSatisfy(code('WEAK_AGREEMENT'))
    await expect(a.agree(kb, ka)).rejects.toSatisfy(code('KEY_NOT_FOUND'))
    expect(x25519.lengths.publicKey).toBe(ka.length)
    await a.deleteAgreementKey(ka)
    await a.deleteAgreementKey(ka)
    await expect(a.agree(ka, kb)).rejects.toSatisfy(code('KEY_NOT_FOUND'))
  })

  test.each([0, 3, 40, 75])('a record with byte %i changed is reported, not used', async (at) => {
    const store = new MemoryKeyStore()
    const key = await new Keyring(store).createKey()
    const name = `ed25519-${key.toHex()}`
    const record = (await store.read(name)) as Uint8Array
    record[at] = (record[at] ?? 0) ^ 0x40
    await store.delete(name)
    await store.add(name, record)
    await expect(new Keyring(store).sign(key, hello)).rejects.toSatisfy(code('CORRUPT_RECORD'))
  })

  test('a record filed under another key is reported, not used', async () => {
    const store = new MemoryKeyStore()
    const keyring = new Keyring(store)
    const [a, b] = [await keyring.createKey(), await keyring.createKey()]
    const record = (await store.read(`ed25519-${a.toHex()}`)) as Uint8Array
    await store.delete(`ed25519-${b.toHex()}`)
    await store.add(`ed25519-${b.toHex()}`, record)
    await expect(new Keyring(store).sign(b, hello)).rejects.toSatisfy(code('CORRUPT_RECORD'))
  })
})

test('a redacted secret shows in no form of print', () => {
  const secret = new Redacted('hunter2')
  const shown = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 })]
  expect(shown.join()).not.toContain('hunter2')
  expect(secret.unwrap()).toBe('hunter2')
})
