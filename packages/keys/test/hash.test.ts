import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { sha256, sha256Hex } from '../src/index.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

test('the hash of "abc" is the published one (FIPS 180-4)', () => {
  expect(sha256Hex(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('the runtime’s own hash and the portable one agree', async () => {
  const samples = fc.sample(fc.uint8Array({ maxLength: 300 }), 200)
  const native = samples.map(sha256Hex)
  const bytes = samples.map(sha256)
  expect(bytes.map((hash) => Buffer.from(hash).toString('hex'))).toEqual(native)
  vi.resetModules()
  const fresh = await import('../src/hash.ts')
  vi.stubGlobal('process', undefined)
  const portable = samples.map(fresh.sha256Hex)
  const portableBytes = samples.map(fresh.sha256)
  vi.unstubAllGlobals()
  expect(portable).toEqual(native)
  expect(portableBytes).toEqual(bytes)
})
