import { expect, it } from 'vitest'
import { spaceSizes } from '../src/sync/space.ts'
import { syncSizes } from '../src/sync/sync.ts'

const number = expect.any(Number)
const common = { node: process.version, machine: { cores: number, cpu: expect.any(String) }, ok: true }

it('a guest catches up with entries small and large, and opens them again', { timeout: 60_000 }, async () => {
  const { report, text } = await syncSizes({ entries: 40, largeEntries: 3 }, { runs: 1 })
  expect(report).toEqual({
    ...{ name: 'sync', ...common },
    ...{ streamMiBPerSecond: number, feedMiBPerSecond: number, streamRatio: number },
    ...{ entriesPerSecond: number, openMs: number },
  })
  expect(text).toMatch(/met +≥ 0\.5 of the stream/)
})

it('spaces of several sizes cost a new member what the table says', { timeout: 60_000 }, async () => {
  const sizes = [
    { members: 2, devices: 3, entries: 3 },
    { members: 4, devices: 1, entries: 1 },
  ]
  const { report, text } = await spaceSizes(sizes, { runs: 1 })
  const rows = sizes.map((size) => ({ ...size, syncMs: number, openMs: number, storedBytes: number }))
  expect(report).toEqual({ name: 'space', ...common, rows })
  expect(text).toMatch(/^2 +3 +3 /m)
})
