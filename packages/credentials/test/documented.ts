import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'

const FILE = new URL('../../../docs/credentials.md', import.meta.url)

/**
 * Holds a generated section of the documentation, between its two markers, to what generates it. With UPDATE_DOCS=1
 * it is written anew.
 */
export function expectDocumented(name: string, text: string): void {
  const [opening, closing] = [`<!-- generated: ${name} -->\n`, `<!-- end: ${name} -->\n`]
  const [before, rest] = readFileSync(FILE, 'utf8').split(opening)
  const after = rest?.split(closing)[1]
  if (after === undefined) throw new Error(`docs/credentials.md has no section ${name}`)
  const expected = `${before}${opening}\n${text}\n${closing}${after}`
  if (process.env['UPDATE_DOCS']) writeFileSync(FILE, expected)
  expect(readFileSync(FILE, 'utf8')).toBe(expected)
}
