import { expect, it } from 'vitest'
import { crowd } from '../src/crowd.ts'

it('admits every guest of a crowd, and everybody knows everybody in the end', {
  timeout: 60_000,
}, async () => {
  const { report, text } = await crowd(4)({})
  expect(report).toEqual({
    name: 'crowd',
    node: process.version,
    machine: { cores: expect.any(Number), cpu: expect.any(String) },
    ok: true,
    guests: 4,
    admitted: 4,
    lost: 0,
    perSecond: expect.any(Number),
    settleMs: expect.any(Number),
  })
  expect(text).toMatch(/^met +4 admitted \(4\)$/m)
})
