import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  PublicKey,
  type SignatureBackend,
  type SignedMessage,
  verifySignatures,
  webCryptoBackend,
} from '../../src/index.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  vi.resetModules()
})

const nodeCrypto = process.getBuiltinModule('node:crypto')
const seeds = Array.from({ length: 5 }, (_, i) => new Uint8Array(32).fill(i + 1))
const keys = seeds.map((seed) => PublicKey.from(ed25519.getPublicKey(seed)))

/** An item that is valid or not, told by `valid`. */
function item(index: number, valid: boolean): SignedMessage {
  const message = new TextEncoder().encode(`message ${index}`)
  const signature = ed25519.sign(message, seeds[index % 5] as Uint8Array)
  if (!valid) signature[index % 64] = (signature[index % 64] ?? 0) ^ 1
  return { key: keys[index % 5] as PublicKey, message, signature }
}

describe('verifySignatures', () => {
  test('keeps the order for any number of items, few and many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 200 }), async (valid) => {
        expect(await verifySignatures(valid.map((v, i) => item(i, v)))).toEqual(valid)
      }),
      { numRuns: 15 },
    )
    expect(await verifySignatures([])).toEqual([])
  })

  test('takes anything that can be gone through', async () => {
    const items = new Set([item(1, true), item(2, false)])
    expect(await verifySignatures(items)).toEqual([true, false])
  })

  test.each([
    ['no WebCrypto', { getRandomValues: crypto.getRandomValues.bind(crypto) }],
    [
      'no Ed25519 in WebCrypto',
      {
        getRandomValues: crypto.getRandomValues.bind(crypto),
        subtle: { importKey: () => Promise.reject(new DOMException('not there', 'NotSupportedError')) },
      },
    ],
  ])('falls back where there is %s, with node:crypto and without', async (_, stub) => {
    const valid = Array.from({ length: 40 }, (_, i) => i % 3 > 0)
    for (const builtin of [true, false]) {
      vi.resetModules()
      vi.stubGlobal('crypto', stub)
      if (!builtin) vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
      const fresh = await import('../../src/index.ts')
      const items = valid.map((v, i) => {
        const { key, message, signature } = item(i, v)
        return { key: fresh.PublicKey.fromHex(key.toHex()), message, signature }
      })
      expect(await fresh.verifySignatures(items)).toEqual(valid)
    }
  })

  test('what is checked is what is verified, though the caller overwrites it meanwhile', async () => {
    const web = webCryptoBackend() as SignatureBackend
    const { key, message, signature } = item(0, false)
    const verifying = web.verify(key, message, signature)
    signature.set(item(0, true).signature)
    expect(await verifying).toBe(false)
  })

  test('aborting stops it, with the reason', async () => {
    const items = Array.from({ length: 500 }, (_, i) => item(i, true))
    await expect(verifySignatures(items, { signal: AbortSignal.abort('at once') })).rejects.toBe('at once')
    const verify = vi.spyOn(nodeCrypto, 'verify')
    const controller = new AbortController()
    const verifying = verifySignatures(items, { signal: controller.signal })
    controller.abort('later')
    await expect(verifying).rejects.toBe('later')
    expect(verify.mock.calls.length).toBeLessThan(100)
  })

  test('a backend that fails is an error, and nothing more is begun', async () => {
    const verify = vi.spyOn(nodeCrypto, 'verify').mockImplementationOnce(() => {
      throw new Error('broken')
    })
    const items = Array.from({ length: 400 }, (_, i) => item(i, true))
    await expect(verifySignatures(items)).rejects.toThrow('broken')
    await new Promise((resolve) => setImmediate(resolve))
    expect(verify.mock.calls.length).toBeLessThan(200)
  })
})
