import { ed25519 } from '@noble/curves/ed25519.js'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { nobleBackend, PublicKey } from '../../src/index.ts'
import { fastestBackend } from '../../src/signatures/backends.ts'
import { BASE_POINT, GENUINE, MIXED_POINT, MIXED_R } from '../../src/signatures/probes.ts'
import { fileOf, hasOurAcceptSet, loadSodium, type Sodium } from '../../src/signatures/sodium.ts'

afterEach(() => {
  vi.doUnmock('sodium-native')
  vi.restoreAllMocks()
  vi.resetModules()
})

const { Point } = ed25519
const sodium = (await loadSodium()) as Sodium

/** Another implementation of the two, right or wrong. */
const fake = (wrong: Partial<Sodium> = {}): Sodium => ({
  crypto_sign_verify_detached: (signature, message, key) =>
    nobleBackend.verify(PublicKey.from(key), message, signature) === true,
  crypto_core_ed25519_is_valid_point: (point) => Point.fromBytes(point).isTorsionFree(),
  ...wrong,
})

describe('libsodium is taken only with our accept-set', () => {
  test('the installed one has it', () => {
    expect(hasOurAcceptSet(sodium)).toBe(true)
    expect(hasOurAcceptSet(fake())).toBe(true)
  })

  test.each<[string, Partial<Sodium>]>([
    [
      'has the equation with the cofactor',
      { crypto_sign_verify_detached: (s, m, key) => ed25519.verify(s, m, key, { zip215: false }) },
    ],
    ['takes every signature', { crypto_sign_verify_detached: () => true }],
    ['takes no signature', { crypto_sign_verify_detached: () => false }],
    [
      'looks at one coordinate of L A',
      {
        crypto_core_ed25519_is_valid_point: (bytes) =>
          Point.fromBytes(bytes)
            .multiplyUnsafe(Point.Fn.ORDER - 1n)
            .add(Point.fromBytes(bytes))
            .toAffine().x === 0n,
      },
    ],
    ['takes no point', { crypto_core_ed25519_is_valid_point: () => false }],
  ])('one that %s does not', (_, wrong) => {
    expect(hasOurAcceptSet(fake(wrong))).toBe(false)
  })

  test('what it is tried with is what it is said to be', () => {
    const { key, message, signature } = MIXED_R
    const withCofactor = { zip215: false }
    expect(ed25519.verify(GENUINE.signature, GENUINE.message, GENUINE.key, withCofactor)).toBe(true)
    expect(ed25519.verify(signature, message, key, withCofactor)).toBe(true)
    expect(Point.fromBytes(key).isTorsionFree()).toBe(true)
    expect(Point.fromBytes(signature.subarray(0, 32)).isTorsionFree()).toBe(false)
    expect(nobleBackend.verify(PublicKey.from(key), message, signature)).toBe(false)
    expect(BASE_POINT).toEqual(Point.BASE.toBytes())
    const mixed = Point.fromBytes(MIXED_POINT).subtract(Point.BASE)
    expect([mixed.is0(), mixed.double().is0()]).toEqual([false, true])
  })
})

describe('libsodium is loaded', () => {
  const fresh = () => import('../../src/signatures/backends.ts')

  test('once there is much to check, counted over all', async () => {
    const { fastestBackend: choose } = await fresh()
    const names: string[] = []
    for (const count of [1, 498, 500, 1]) names.push((await choose(count)).name)
    expect(names).toEqual(['node', 'node', 'sodium', 'sodium'])
  })

  test('meanwhile, where there are few at a time', async () => {
    const { fastestBackend: choose } = await fresh()
    for (let n = 0; n < 500; n++) expect((await choose(1)).name).toBe('node')
    await vi.waitFor(async () => expect((await choose(1)).name).toBe('sodium'))
  })

  test('and left where it is not installed, or has another accept-set', async () => {
    for (const build of [
      () => {
        throw new Error('not there')
      },
      () => ({ default: fake({ crypto_sign_verify_detached: () => true }) }),
      () => ({ default: {} }),
    ]) {
      vi.resetModules()
      vi.doMock('sodium-native', build)
      const { fastestBackend: choose, sodiumBackend } = await fresh()
      expect((await choose(10_000)).name).toBe('node')
      expect(await sodiumBackend()).toBeUndefined()
    }
  })

  test('nowhere but in Node', async () => {
    vi.resetModules()
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
    const { fastestBackend: choose } = await fresh()
    expect((await choose(10_000)).name).not.toBe('sodium')
  })

  test('from a file that another thread can load', async () => {
    expect((await fastestBackend(10_000)).name).toBe('sodium')
    const { createRequire } = process.getBuiltinModule('node:module')
    expect(createRequire('/')(fileOf(sodium) as string)).toBe(sodium)
    expect(fileOf(fake())).toBeUndefined()
  })
})
