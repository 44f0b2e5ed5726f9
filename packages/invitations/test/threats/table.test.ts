import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('every row of the threat model names a test that exists', () => {
  const rows = [...read('../../../../docs/threat-model.md').matchAll(/\| `([^`]+\.ts)`: (.+) \|$/gm)]
  expect(rows.length).toBeGreaterThan(15)
  for (const [, file, name] of rows) expect(read(`../${file}`), `${file}: ${name}`).toContain(name)
})
