import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nobleBackend, nodeBackend, PublicKey, verifySignature, webCryptoBackend } from '../src/index.ts'

const backends = [nobleBackend, nodeBackend(), webCryptoBackend()].filter((b) => b !== undefined)
const { Point } = ed25519
const L = Point.Fn.ORDER
const message = new TextEncoder().encode('odd')

/** The verdict of all backends, which has to be one. */
async function verdict(key: Uint8Array, msg: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const all = await Promise.all(backends.map((b) => verifySignature(PublicKey.from(key), msg, signature, b)))
  expect(new Set(all).size, `backends differ: ${all}`).toBe(1)
  return all[0] as boolean
}

const le32 = (n: bigint) => hexToBytes(n.toString(16).padStart(64, '0')).reverse()
const number = (bytes: Uint8Array) => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n)
// The eight points of small order: multiples of one of order eight.
const torsion = (() => {
  const t8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  return Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : t8.multiplyUnsafe(BigInt(i))))
})()

test('three backends are compared', () => {
  expect(backends.map((b) => b.name)).toEqual(['noble', 'node', 'webcrypto'])
})

describe('vectors: Wycheproof Ed25519', () => {
  const file = readFileSync(new URL('./vectors/wycheproof-ed25519.json', import.meta.url))
  const { testGroups } = JSON.parse(file.toString()) as {
    testGroups: {
      publicKey: { pk: string }
      tests: { tcId: number; msg: string; sig: string; result: string }[]
    }[]
  }
  test('the file is the published one', () => {
    expect(createHash('sha256').update(file).digest('hex')).toBe(
      '752d2ea7d7c6cf4736381b6cbacb61f8182b126ab7cd9b058f00c50084975536',
    )
  })
  test('every backend gives the published result', async () => {
    let count = 0
    for (const { publicKey, tests } of testGroups)
      for (const { tcId, msg, sig, result } of tests) {
        const got = await verdict(hexToBytes(publicKey.pk), hexToBytes(msg), hexToBytes(sig))
        expect(got, `tcId ${tcId}`).toBe(result === 'valid')
        count++
      }
    expect(count).toBeGreaterThan(140)
  })
})

describe('one accept-set', () => {
  test('the identity as key with S = 0 is refused', async () => {
    const identity = Point.ZERO.toBytes()
    expect(await verdict(identity, message, concatBytes(identity, new Uint8Array(32)))).toBe(false)
  })

  test('keys of small and of mixed order are refused, whatever the signature', async () => {
    const secret = 12345n
    for (const t of torsion.slice(1)) {
      expect(await verdict(t.toBytes(), message, concatBytes(t.toBytes(), new Uint8Array(32)))).toBe(false)
      const mixed = Point.BASE.multiply(secret).add(t).toBytes()
      const R = Point.BASE.multiply(7n).toBytes()
      const k = number(sha512(concatBytes(R, mixed, message))) % L
      expect(await verdict(mixed, message, concatBytes(R, le32((7n + k * secret) % L)))).toBe(false)
    }
  })

  test('an R with a torsion component is refused, as the cofactorless equation does', async () => {
    const secret = 999n
    const A = Point.BASE.multiply(secret).toBytes()
    for (const [i, t] of torsion.entries()) {
      const R = Point.BASE.multiply(7n).add(t).toBytes()
      const k = number(sha512(concatBytes(R, A, message))) % L
      expect(await verdict(A, message, concatBytes(R, le32((7n + k * secret) % L)))).toBe(i === 0)
    }
  })

  test('S + L and non-canonical encodings of R and A are refused', async () => {
    const seed = new Uint8Array(32).fill(1)
    const key = ed25519.getPublicKey(seed)
    const signature = ed25519.sign(message, seed)
    const malleable = concatBytes(signature.subarray(0, 32), le32(number(signature.subarray(32)) + L))
    expect(await verdict(key, message, signature)).toBe(true)
    expect(await verdict(key, message, malleable)).toBe(false)
    const p = Point.Fp.ORDER
    for (const y of [0n, 1n, 2n, 18n]) {
      expect(await verdict(le32(p + y), message, signature)).toBe(false)
      expect(await verdict(key, message, concatBytes(le32(p + y), signature.subarray(32)))).toBe(false)
    }
    for (const y of [1n, p - 1n]) {
      const signed = le32(y | (1n << 255n))
      expect(await verdict(signed, message, concatBytes(signed, new Uint8Array(32)))).toBe(false)
    }
  })

  test('odd lengths are false, not an error', async () => {
    const key = ed25519.getPublicKey(new Uint8Array(32).fill(1))
    for (const length of [0, 1, 63, 65, 1000])
      expect(await verdict(key, message, new Uint8Array(length))).toBe(false)
  })

  test('backends agree on random and on slightly wrong signatures', async () => {
    const b32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    await fc.assert(
      fc.asyncProperty(
        b32,
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(511),
        fc.boolean(),
        async (seed, msg, bit, flip) => {
          const signature = ed25519.sign(msg, seed)
          if (flip) signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          expect(await verdict(ed25519.getPublicKey(seed), msg, signature)).toBe(!flip)
        },
      ),
      { numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(b32, b32, b32, async (a, r, s) => {
        await verdict(a, message, concatBytes(r, s))
      }),
      { numRuns: 60 },
    )
  })
})
