import { CredentialsError, Membership, verifyCredentials } from '@vestibule/credentials'
import { describe, expect, it } from 'vitest'
import { foldSizes } from '../src/credentials/fold.ts'
import { spaceHistory } from '../src/credentials/space-history.ts'

const fold = (history: Awaited<ReturnType<typeof spaceHistory>>): Membership => {
  const [genesis] = history
  if (genesis === undefined) throw new TypeError('no genesis')
  const membership = new Membership(genesis.issuer)
  for (const one of history) membership.add(one)
  return membership
}

describe('the history of a busy space', () => {
  it('is genuine, has one key for ten credentials, and concurrent acts among them', async () => {
    const history = await spaceHistory(600)
    const verdicts = await verifyCredentials(history.map(({ encoded }) => encoded))
    expect(verdicts.some((one) => one instanceof CredentialsError)).toBe(false)
    const keys = new Set(history.map(({ signer }) => signer))
    for (const { claim } of history) if (claim.type === 'AdmittedFeed') keys.add(claim.feed)
    expect(keys.size).toBeGreaterThan(50)
    expect(keys.size).toBeLessThanOrEqual(62)
    const concurrent = fold(history).forks().length
    expect(concurrent).toBeGreaterThan(15)
    expect(concurrent).toBeLessThan(60)
  })

  it('counts almost all, and a shorter one is where a longer one began', async () => {
    const history = await spaceHistory(300)
    const [all, part] = [fold(history), fold(history.slice(0, 200))]
    expect(history.filter(({ id }) => all.counts(id)).length).toBeGreaterThan(280)
    expect(part.waiting).toBe(0)
    expect(part.members().size).toBeGreaterThan(80)
    expect(all.members().size).toBeGreaterThan(part.members().size)
  })
})

describe('bench fold', () => {
  it('has a row for every size, and every way leads to the same members and feeds', async () => {
    const { report, text } = await foldSizes([100, 200], { runs: 1 })
    const ms = expect.any(Number)
    const row = (credentials: number) => ({
      credentials,
      wholeMs: ms,
      foldMs: ms,
      snapshotMs: ms,
      oneMoreMs: ms,
    })
    expect(report).toMatchObject({ name: 'fold', ok: true, rows: [row(100), row(200)] })
    expect(Object.keys(report)).toEqual(['name', 'node', 'machine', 'ok', 'rows'])
    expect(text).toMatch(/^200 /m)
    expect(text).toMatch(/met +one more ≤ 0\.05 ms at any size/)
  }, 60_000)
})
