import { expect, test } from 'vitest'
import { formatFinding } from '../src/finding.ts'
import { nameFindings } from '../src/names.ts'
import { readFiles, repositoryRoot } from '../src/repository.ts'

// Put together here, so that this file itself holds none of them.
const machinePath = ['', 'work', 'main'].join('/')
const registry = ['registry', 'npmjs', 'org'].join('.')

test('no file of the repository names a path of one machine or the host of a registry', () => {
  const texts = readFiles(repositoryRoot, () => true)
  expect(nameFindings(texts).map(formatFinding)).toEqual([])
})

test('a path of one machine is found with its line', () => {
  expect(nameFindings(new Map([['docs/a.md', `one\ntwo ${machinePath}/x`]])).map(formatFinding)).toEqual([
    `docs/a.md:2: names a path of one machine: ${machinePath} (rule: names)`,
  ])
})

test('the host of a registry is found', () => {
  expect(nameFindings(new Map([['a.yaml', `tarball: https://${registry}/x`]]))).toMatchObject([
    { line: 1, message: `names the host of a package registry: ${registry}` },
  ])
})

test.each(['https://example.org/work/1', './work/a', 'net/work/x', 'packages/keys', '/var/lib/vestibule'])(
  '%s is nobody’s machine',
  (text) => {
    expect(nameFindings(new Map([['a.md', text]]))).toEqual([])
  },
)
