import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PublicKey, type SignatureBackend, verifySignature, verifySignatures } from '../../src/index.ts'
import { fastestBackend } from '../../src/signatures/backends.ts'
import { cook, GENERATED } from './generated.ts'
import { PUBLISHED, type Verdict } from './published.ts'

/** With so many to check whatever there is has been loaded. */
const MANY = 1000

/**
 * One table of verdicts for every runtime: what each of its backends, and the one that it chooses by itself, has to say.
 * @param runtime how the suite is called
 * @param backends all that the runtime has, the one that is chosen first
 */
export function verdictSuite(runtime: string, backends: readonly (SignatureBackend | undefined)[]): void {
  const present = backends.filter((backend) => backend !== undefined)

  /** What all backends say, which has to be one. */
  async function verdict({ key, message, signature }: Omit<Verdict, 'what' | 'valid'>): Promise<boolean> {
    const verify = (backend?: SignatureBackend) =>
      verifySignature(PublicKey.from(key), message, signature, backend)
    const all = await Promise.all([verify(), ...present.map(verify)])
    expect(new Set(all).size, `backends differ: ${all}`).toBe(1)
    return all[0] as boolean
  }

  describe(`signatures: ${runtime}`, () => {
    test('every backend is there, and the fastest is chosen', async () => {
      expect(present).toHaveLength(backends.length)
      expect((await fastestBackend(MANY)).name).toBe(backends[0]?.name)
    })

    const tables = Object.entries({ ...PUBLISHED, ...GENERATED })
    test.each(tables)('every backend gives the verdicts of the table: %s', async (_, table) => {
      const wrong: string[] = []
      for (const row of table)
        if ((await verdict(row)) !== row.valid) wrong.push(`${row.what} is not ${row.valid}`)
      expect(wrong).toEqual([])
    })

    test('many at once get the same verdicts', async () => {
      const rows = tables.flatMap(([, table]) => table)
      const items = rows.map((row) => ({ ...row, key: PublicKey.from(row.key) }))
      expect(await verifySignatures(items)).toEqual(rows.map(({ valid }) => valid))
    })

    test('keys, nonces and torsion drawn at random are judged as they were made', async () => {
      const scalar = fc.bigInt({ min: 1n, max: ed25519.Point.Fn.ORDER - 1n })
      const small = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(7))
      const recipe = fc.record({
        a: scalar,
        i: small,
        r: scalar,
        j: small,
        message: fc.uint8Array({ maxLength: 64 }),
        m: fc.bigInt({ min: 0n, max: 3n }).map((m) => (m === 3n ? 15n : 0n)),
      })
      await fc.assert(
        fc.asyncProperty(recipe, async (given) => {
          const cooked = cook(given)
          expect(await verdict(cooked)).toBe(cooked.valid)
        }),
        { numRuns: 100 },
      )
    })

    test('random bytes are refused, and never throw', async () => {
      const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
      await fc.assert(
        fc.asyncProperty(bytes, bytes, bytes, async (key, r, s) => {
          const signature = new Uint8Array([...r, ...s])
          expect(await verdict({ key, message: r, signature })).toBe(false)
        }),
        { numRuns: 60 },
      )
    })
  })
}
