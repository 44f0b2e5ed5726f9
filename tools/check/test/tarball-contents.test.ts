import { expect, test } from 'vitest'
import { formatFinding } from '../src/finding.ts'
import { contentFindings } from '../src/tarball-contents.ts'

const manifest = `{
  "name": "@vestibule/keys",
  "exports": { ".": { "types": "./dist/index.d.ts", "default": "./dist/index.js" } },
  "dependencies": { "@noble/hashes": "^2.4.0" }
}`

const found = (changes: Record<string, string | undefined>): string[] => {
  const files = {
    'package.json': manifest,
    'README.md': '# keys',
    LICENSE: 'MIT',
    'dist/index.js': '',
    'dist/index.d.ts': `export * from './shared.js'\nexport type { A } from '@noble/hashes/sha2.js'\n`,
    'dist/shared.d.ts': '',
    ...changes,
  }
  const present = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return contentFindings('packages/keys', new Map(present)).map(formatFinding)
}

test('a complete tarball has no findings', () => {
  expect(found({})).toEqual([])
})

test.each(['LICENSE', 'README.md'])('a tarball without %s is found', (file) => {
  expect(found({ [file]: undefined })).toEqual([
    `packages/keys/package.json:1: ${file} is missing, in the tarball (rule: tarball)`,
  ])
})

test('an entry whose file was not packed is found', () => {
  expect(found({ 'dist/index.js': undefined })).toEqual([
    'packages/keys/package.json:3: ./dist/index.js is missing, in the tarball (rule: tarball)',
  ])
})

test('a range that only the workspace understands is found', () => {
  expect(found({ 'package.json': manifest.replace('^2.4.0', 'workspace:^') })).toEqual([
    expect.stringContaining('package.json:4: the range workspace:^ means nothing outside the workspace'),
  ])
})

test('declarations that lead to sources or to nothing are found', () => {
  expect(
    found({ 'dist/index.d.ts': `export * from '../src/index.ts'\nexport * from './gone.js'\n` }),
  ).toEqual([
    'packages/keys/dist/index.d.ts:1: declarations lead to ../src/index.ts, in the tarball (rule: tarball)',
    'packages/keys/dist/index.d.ts:2: declarations lead to ./gone.js, in the tarball (rule: tarball)',
  ])
})
