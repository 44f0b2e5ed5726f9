import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  nobleBackend,
  PublicKey,
  type SignatureBackend,
  type SignedMessage,
  verifySignature,
  verifySignatures,
  webCryptoBackend,
} from '../src/index.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  vi.resetModules()
})

const seeds = Array.from({ length: 5 }, (_, i) => new Uint8Array(32).fill(i + 1))
const keys = seeds.map((seed) => PublicKey.from(ed25519.getPublicKey(seed)))

/** An item that is valid or not, told by `valid`. */
function item(index: number, valid: boolean): SignedMessage {
  const message = new TextEncoder().encode(`message ${index}`)
  const signature = ed25519.sign(message, seeds[index % 5] as Uint8Array)
  if (!valid) signature[index % 64] = (signature[index % 64] ?? 0) ^ 1
  return { key: keys[index % 5] as PublicKey, message, signature }
}

/** Wycheproof's, and those on which verifiers are known to differ. */
function oddItems(): SignedMessage[] {
  const file = readFileSync(new URL('./vectors/wycheproof-ed25519.json', import.meta.url), 'utf8')
  const { testGroups } = JSON.parse(file) as {
    testGroups: { publicKey: { pk: string }; tests: { msg: string; sig: string }[] }[]
  }
  const published = testGroups.flatMap(({ publicKey, tests }) =>
    tests.map(({ msg, sig }) => ({
      key: PublicKey.fromHex(publicKey.pk),
      message: hexToBytes(msg),
      signature: hexToBytes(sig),
    })),
  )
  const { Point } = ed25519
  const t8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const torsion = [Point.ZERO, ...Array.from({ length: 7 }, (_, i) => t8.multiplyUnsafe(BigInt(i + 1)))]
  const valid = item(0, true)
  const small = torsion.flatMap((t) => {
    const signature = concatBytes(t.toBytes(), new Uint8Array(32))
    return [
      { ...valid, key: PublicKey.from(t.toBytes()), signature },
      { ...valid, signature },
    ]
  })
  const lengths = [0, 63, 65].map((length) => ({ ...valid, signature: new Uint8Array(length) }))
  return [...published, ...small, ...lengths]
}

describe('verifySignatures', () => {
  test('gives every item the verdict of the reference, in order, odd ones among them', async () => {
    const odd = oddItems()
    const verdicts = await verifySignatures(odd)
    for (const [i, { key, message, signature }] of odd.entries())
      expect(verdicts[i], `item ${i}`).toBe(await verifySignature(key, message, signature, nobleBackend))
    expect(verdicts).toHaveLength(odd.length)
    expect(new Set(verdicts).size).toBe(2)
  })

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
      const fresh = await import('../src/index.ts')
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
    const verify = vi.spyOn(crypto.subtle, 'verify')
    const controller = new AbortController()
    const verifying = verifySignatures(items, { signal: controller.signal })
    controller.abort('later')
    await expect(verifying).rejects.toBe('later')
    expect(verify.mock.calls.length).toBeLessThan(100)
  })

  test('a backend that fails is an error, and nothing more is begun', async () => {
    await verifySignatures(Array.from({ length: 20 }, (_, i) => item(i, true)))
    const verify = vi.spyOn(crypto.subtle, 'verify').mockRejectedValueOnce(new Error('broken'))
    verify.mockResolvedValue(true)
    const items = Array.from({ length: 500 }, (_, i) => item(i, true))
    await expect(verifySignatures(items)).rejects.toThrow('broken')
    await new Promise((resolve) => setImmediate(resolve))
    expect(verify.mock.calls.length).toBeLessThan(400)
  })
})
