import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { expectDocumented } from '../documented.ts'

it('every reason is in the documentation, in the words of its type; UPDATE_DOCS=1 writes it anew', () => {
  const source = readFileSync(new URL('../../src/fold/outputs/why.ts', import.meta.url), 'utf8')
  const [, union = ''] = /export type WhyCode =\n([\s\S]*?)\n\n/.exec(source) ?? []
  const codes = [...union.matchAll(/\/\*\* (.*?) \*\/\s*\| '([A-Z_]+)'/g)]
  expect(codes.length).toBe(union.match(/\| '/g)?.length)
  const rows = codes.map(([, text, code]) => `| \`${code}\` | ${text} |`)
  expectDocumented('reasons', ['| code | |', '| --- | --- |', ...rows, ''].join('\n'))
})
