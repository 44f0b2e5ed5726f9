import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CASES } from './cases.ts'

test('every case of acceptance has its tests', () => {
  for (const { what, file, tests } of CASES) {
    const text = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8')
    for (const name of tests) expect(text.includes(`test('${name}'`), `${what}: ${name}`).toBe(true)
  }
  expect(new Set(CASES.map(({ what }) => what)).size).toBe(CASES.length)
})
