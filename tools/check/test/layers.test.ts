import { describe, expect, test } from 'vitest'
import { formatFinding } from '../src/finding.ts'
import { allFindings } from '../src/rules/all.ts'
import { readWorkspace } from '../src/workspace.ts'

const manifest = (name: string, rest: object = {}): string =>
  JSON.stringify({ name, exports: { '.': { '@vestibule/source': './src/index.ts' } }, ...rest }, null, 2)

const dependsOn = (...names: string[]) => ({
  dependencies: Object.fromEntries(names.map((name) => [name, '^1.0.0'])),
})

/** A workspace in which nothing is wrong, with some files replaced or added. */
const found = (changes: Record<string, string>): string[] =>
  allFindings(
    readWorkspace(
      new Map(
        Object.entries({
          'package.json': '{"name":"root","devDependencies":{"vitest":"^5.0.0"}}',
          'packages/keys/package.json': manifest('@vestibule/keys'),
          'packages/keys/src/index.ts': 'export const one = 1\n',
          'packages/credentials/package.json': manifest(
            '@vestibule/credentials',
            dependsOn('@vestibule/keys'),
          ),
          'packages/credentials/src/index.ts': `export { one } from '@vestibule/keys'\n`,
          'packages/credentials/test/one.test.ts': `import { test } from 'vitest'\nimport { one } from '@vestibule/credentials'\ntest('one', () => void one)\n`,
          'packages/credentials/vitest.config.ts': `export { suite } from '../../vitest.base.ts'\n`,
          'tools/bench/package.json': manifest('@vestibule/bench', {
            private: true,
            ...dependsOn('@vestibule/credentials'),
          }),
          'tools/bench/src/index.ts': `import { readFile } from 'node:fs/promises'\nimport { one } from '@vestibule/credentials'\nvoid readFile(String(one))\n`,
          ...changes,
        }),
      ),
    ),
  ).map(formatFinding)

test('a workspace that follows the rules has no findings', () => {
  expect(found({})).toEqual([])
})

describe('layers', () => {
  test('a package does not import one that stands after it', () => {
    expect(
      found({
        'packages/keys/package.json': manifest('@vestibule/keys', dependsOn('@vestibule/credentials')),
        'packages/keys/src/index.ts': `\nimport type { one } from '@vestibule/credentials'\n`,
      }),
    ).toEqual([
      'packages/keys/src/index.ts:2: imports @vestibule/credentials; keys may import no other package (rule: layers)',
    ])
  })

  test('the tests of a package keep to the layers as well', () => {
    expect(
      found({
        'packages/keys/package.json': manifest('@vestibule/keys', {
          devDependencies: { '@vestibule/credentials': 'workspace:^' },
        }),
        'packages/keys/test/a.test.ts': `await import('@vestibule/credentials')\n`,
      }),
    ).toEqual([expect.stringContaining('packages/keys/test/a.test.ts:1: imports @vestibule/credentials;')])
  })

  test('a package does not import a tool', () => {
    expect(
      found({
        'packages/keys/package.json': manifest('@vestibule/keys', dependsOn('@vestibule/bench')),
        'packages/keys/src/index.ts': `import '@vestibule/bench'\n`,
      }),
    ).toEqual([
      'packages/keys/src/index.ts:1: imports the tool @vestibule/bench; packages never depend on tools (rule: layers)',
    ])
  })

  test('only what a package exports can be imported', () => {
    expect(
      found({ 'packages/credentials/src/index.ts': `export { one } from '@vestibule/keys/src/index.ts'\n` }),
    ).toEqual([
      'packages/credentials/src/index.ts:1: imports @vestibule/keys/src/index.ts, which @vestibule/keys does not export (rule: layers)',
    ])
  })

  test('tests share the files at the root, and what is shipped does not', () => {
    expect(
      found({
        'packages/credentials/test/deep/two.test.ts': `import '../../../../browser.base.ts'\n`,
        'packages/credentials/test/three.test.ts': `import '../../../docs/three.ts'\n`,
        'packages/credentials/src/index.ts': `import '@vestibule/keys'\nimport '../../../browser.base.ts'\n`,
      }),
    ).toEqual([
      'packages/credentials/src/index.ts:2: reaches out of packages/credentials to browser.base.ts; import the other package by its name (rule: layers)',
      'packages/credentials/test/three.test.ts:1: reaches out of packages/credentials to docs/three.ts; import the other package by its name (rule: layers)',
    ])
  })

  test('a relative path does not lead out of the package', () => {
    expect(
      found({
        'packages/credentials/src/index.ts': `import '@vestibule/keys'\nexport { one } from '../../keys/src/index.ts'\n`,
      }),
    ).toEqual([
      'packages/credentials/src/index.ts:2: reaches out of packages/credentials to packages/keys/src/index.ts; import the other package by its name (rule: layers)',
    ])
  })

  test('a source file does not import its own package by name', () => {
    expect(found({ 'packages/keys/src/index.ts': `import '@vestibule/keys'\n` })).toEqual([
      'packages/keys/src/index.ts:1: imports its own package by name (@vestibule/keys) (rule: layers)',
    ])
  })

  test('a new package has to be given a place', () => {
    expect(
      found({ 'packages/new/package.json': manifest('@vestibule/new'), 'packages/new/src/index.ts': '' }),
    ).toEqual([
      expect.stringContaining('packages/new/package.json:1: @vestibule/new has no place among the layers'),
    ])
  })
})

describe('dependencies', () => {
  test('a source file imports only what its package depends on', () => {
    expect(found({ 'packages/keys/src/index.ts': `export { x } from '@noble/hashes/sha2.js'\n` })).toEqual([
      'packages/keys/src/index.ts:1: imports @noble/hashes/sha2.js, but @noble/hashes is not among the dependencies of packages/keys/package.json (rule: dependencies)',
    ])
  })

  test('a devDependency is not enough for a source file, and is for a test', () => {
    const changes = {
      'packages/keys/package.json': manifest('@vestibule/keys', {
        devDependencies: { 'fast-check': '^4.0.0' },
      }),
      'packages/keys/test/a.test.ts': `import 'fast-check'\n`,
    }
    expect(found(changes)).toEqual([])
    expect(found({ ...changes, 'packages/keys/src/index.ts': `import 'fast-check'\n` })).toEqual([
      expect.stringContaining('fast-check is not among the dependencies'),
    ])
  })

  test('a test imports only what is declared', () => {
    expect(found({ 'packages/keys/test/a.test.ts': `import 'fast-check'\n` })).toEqual([
      expect.stringContaining('fast-check is not among the devDependencies of packages/keys/package.json'),
    ])
  })

  test('a dependency that only tests import is not one', () => {
    expect(
      found({
        'packages/keys/package.json': manifest('@vestibule/keys', dependsOn('libfoo')),
        'packages/keys/test/a.test.ts': `import 'libfoo'\n`,
      }),
    ).toEqual([
      'packages/keys/package.json:9: depends on libfoo, which no file below src imports (rule: dependencies)',
    ])
  })

  test('an optional peer may be named instead of imported, which no other dependency may', () => {
    const peer = { peerDependencies: { libfoo: '1' }, devDependencies: { libfoo: '1' } }
    const source = { 'packages/keys/src/foo.ts': `await import(plain('libfoo'))\n` }
    const optional = { ...peer, peerDependenciesMeta: { libfoo: { optional: true } } }
    const keys = (more: object) => ({ 'packages/keys/package.json': manifest('@vestibule/keys', more) })
    expect(found({ ...keys(optional), ...source })).toEqual([])
    expect(found(keys(optional))).toHaveLength(2)
    expect(found({ ...keys(peer), ...source })).toHaveLength(2)
  })

  test('a devDependency that nothing imports is found', () => {
    expect(
      found({
        'packages/keys/package.json': manifest('@vestibule/keys', { devDependencies: { libfoo: '1' } }),
      }),
    ).toEqual([expect.stringContaining('has libfoo among its devDependencies, which no file imports')])
  })
})

describe('runtimes', () => {
  const withNode = manifest('@vestibule/keys', {
    exports: {
      '.': { '@vestibule/source': './src/index.ts', default: './dist/index.js' },
      './node': { '@vestibule/source': './src/node.ts' },
    },
  })

  test('what ./node alone reaches may import modules of Node', () => {
    expect(
      found({
        'packages/keys/package.json': withNode,
        'packages/keys/src/node.ts': `export * from './file-store.ts'\n`,
        'packages/keys/src/file-store.ts': `import 'node:fs'\n`,
      }),
    ).toEqual([])
  })

  test('what another entry reaches may not, however long the way', () => {
    expect(
      found({
        'packages/keys/package.json': withNode,
        'packages/keys/src/node.ts': `export * from './file-store.ts'\n`,
        'packages/keys/src/file-store.ts': `import { readFile } from 'node:fs'\n`,
        'packages/keys/src/index.ts': `export * from './store.ts'\n`,
        'packages/keys/src/store.ts': `export const load = () => import('./file-store.ts')\n`,
      }),
    ).toEqual([
      'packages/keys/src/file-store.ts:1: imports node:fs, but a browser loads this file: packages/keys/src/index.ts → packages/keys/src/store.ts → packages/keys/src/file-store.ts (rule: node-only-where-named)',
    ])
  })

  test('the way through another package counts', () => {
    expect(
      found({
        'packages/keys/package.json': withNode,
        'packages/keys/src/node.ts': `import 'fs'\n`,
        'packages/credentials/src/index.ts': `import '@vestibule/keys/node'\n`,
      }),
    ).toEqual([
      expect.stringContaining('packages/keys/src/node.ts:1: imports fs, but a browser loads this file'),
    ])
  })

  test('libp2p is known to the adapters only', () => {
    const changes = {
      'packages/network/package.json': manifest('@vestibule/network', dependsOn('libp2p', '@libp2p/noise')),
      'packages/network/src/index.ts': `export * from './libp2p-node.ts'\n`,
      'packages/network/src/libp2p-node.ts': `import 'libp2p'\n`,
      'packages/network/src/rendezvous/server.ts': `import '@libp2p/noise'\n`,
      'packages/network/src/relay.ts': `import '@libp2p/noise'\n`,
    }
    expect(found(changes)).toEqual([])
    expect(
      found({ ...changes, 'packages/network/src/swarm.ts': `import type { Libp2p } from 'libp2p'\n` }),
    ).toEqual([
      'packages/network/src/swarm.ts:1: imports libp2p; only libp2p*.ts, relay*.ts and rendezvous/ know libp2p (rule: libp2p-in-adapters)',
    ])
  })
})

describe('house', () => {
  test('a source file has 400 lines at most', () => {
    expect(found({ 'packages/keys/src/index.ts': '//\n'.repeat(400) })).toEqual([])
    expect(found({ 'packages/keys/src/index.ts': '//\n'.repeat(401) })).toEqual([
      'packages/keys/src/index.ts:401: has 401 lines; 400 are the most (rule: size)',
    ])
  })

  test('a folder holds 15 source files at most', () => {
    const files = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`packages/keys/src/wire/f${i}.ts`, '']))
    expect(found(files(15))).toEqual([])
    expect(found(files(16))).toEqual([
      'packages/keys/src/wire:1: holds 16 source files; 15 are the most (rule: size)',
    ])
  })

  test('nothing is left for later', () => {
    const note = ['TO', 'DO'].join('')
    expect(
      found({ 'packages/keys/src/index.ts': `const a = 1\n/* b\n ${note}: c */\nvoid a // ${note}\n` }),
    ).toEqual([
      `packages/keys/src/index.ts:3: says ${note}; do it or say why not (rule: leftovers)`,
      `packages/keys/src/index.ts:4: says ${note}; do it or say why not (rule: leftovers)`,
    ])
    expect(found({ 'packages/keys/src/index.ts': `export const a = '${note}'\n` })).toEqual([])
  })

  test.each(['test.only', 'describe.skip', 'it.concurrent.only', 'test.skipIf(true)'])(
    '%s is found',
    (call) => {
      expect(found({ 'packages/keys/test/a.test.ts': `${call}('x', () => {})\n` })).toEqual([
        expect.stringMatching(/a\.test\.ts:1: uses \.(only|skip|skipIf); every test runs, everywhere/),
      ])
    },
  )

  test('a member of that name elsewhere is nobody’s concern', () => {
    expect(
      found({ 'packages/keys/src/index.ts': 'export const f = (a: any) => a.skip(1).only()\n' }),
    ).toEqual([])
  })

  test('chance comes from the caller', () => {
    expect(found({ 'packages/keys/src/index.ts': 'export const a = Math.random()\n' })).toEqual([
      'packages/keys/src/index.ts:1: calls Math.random; take randomness from the caller or from the crypto of the platform (rule: randomness)',
    ])
  })
})
