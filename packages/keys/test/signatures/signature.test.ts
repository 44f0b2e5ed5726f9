import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test, vi } from 'vitest'
import {
  nobleBackend,
  nodeBackend,
  PublicKey,
  sodiumBackend,
  verifySignature,
  webCryptoBackend,
} from '../../src/index.ts'
import { nodeThreadsBackend } from '../../src/signatures/backends.ts'
import { loadedSodium, type Sodium } from '../../src/signatures/sodium.ts'
import { cook } from './generated.ts'
import { PUBLISHED } from './published.ts'
import { verdictSuite } from './suite.ts'

setFlagsFromString('--expose-gc')

const backends = [
  await sodiumBackend(),
  nodeBackend(),
  nodeThreadsBackend(),
  webCryptoBackend(),
  nobleBackend,
]

verdictSuite('Node', backends)

describe('the published vectors', () => {
  const origin = readFileSync(new URL('../vectors/ORIGIN.txt', import.meta.url), 'utf8')
  test.each(['wycheproof', 'cctv', 'speccheck'])('%s are the published ones', (name) => {
    const file = readFileSync(new URL(`../vectors/${name}-ed25519.json`, import.meta.url))
    const hash = createHash('sha256').update(file).digest('hex')
    expect(origin).toContain(`${name}-ed25519.json  sha256 ${hash}`)
  })

  test('none was left out', () => {
    const count = Object.values(PUBLISHED).map((table) => [table.length, table.filter((v) => v.valid).length])
    expect(count).toEqual([
      [4, 4],
      [151, 88],
      [914, 1],
      [12, 0],
    ])
  })
})

describe('the check of the subgroup', () => {
  test('is done once for each key', async () => {
    const { key, message, signature } = signed(77)
    const { key: mixed } = cook({ a: 4711n, i: 3, r: 1n, j: 0, message })
    const refused = PublicKey.from(mixed)
    const hasOrder = vi.spyOn(loadedSodium() as Sodium, 'crypto_core_ed25519_is_valid_point')
    for (let n = 0; n < 3; n++) {
      expect(await verifySignature(key, message, signature)).toBe(true)
      expect(await verifySignature(refused, message, signature)).toBe(false)
    }
    expect(hasOrder).toHaveBeenCalledTimes(2)
  })

  test('is remembered no longer than anybody holds the key', async () => {
    const collectGarbage = runInNewContext('gc') as () => void
    const held = await (async () => {
      const { key, message, signature } = signed(78)
      for (const backend of backends)
        expect(await verifySignature(key, message, signature, backend)).toBe(true)
      return new WeakRef(key)
    })()
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    expect(held.deref()).toBeUndefined()
  })
})

function signed(byte: number) {
  const seed = new Uint8Array(32).fill(byte)
  const message = new Uint8Array([byte])
  const signature = ed25519.sign(message, seed)
  return { key: PublicKey.from(ed25519.getPublicKey(seed)), message, signature }
}
