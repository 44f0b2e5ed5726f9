import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runExample, typeErrors, writeExamples } from '../src/example-files.ts'
import { type Example, examplesOf } from '../src/examples.ts'

const block = (info: string, code: string): string => [`\`\`\`${info}`, code, '```', ''].join('\n')

const example = (code: string): Example => ({ file: 'docs/x.md', line: 10, code, runs: true })

const outcome = async (code: string, limitMs?: number): Promise<string | undefined> => {
  using files = writeExamples([example(code)])
  const [[one, program] = []] = [...files.programs]
  return one && program ? await runExample(one, program, limitMs) : 'nothing was written'
}

describe('finding examples', () => {
  test('blocks of TypeScript are found with their lines, other blocks are not', () => {
    const markdown = `# A\n\n${block('ts', 'one()')}\n${block('sh', 'ls')}${block('ts no-run', 'two()\nthree()')}`
    expect(examplesOf('docs/x.md', markdown)).toEqual([
      { file: 'docs/x.md', line: 3, code: 'one()\n', runs: true },
      { file: 'docs/x.md', line: 10, code: 'two()\nthree()\n', runs: false },
    ])
  })

  test('a block in a list loses the indentation of the list', () => {
    expect(examplesOf('a.md', '- x\n\n  ```ts\n  if (a) {\n    b()\n  }\n  ```\n')).toMatchObject([
      { line: 3, code: 'if (a) {\n  b()\n}\n' },
    ])
  })

  test('a block inside a longer fence is text about Markdown', () => {
    expect(examplesOf('a.md', '````md\n```ts\nx\n```\n````\n')).toEqual([])
  })

  test.each(['typescript', 'js', 'ts norun', 'TS'])(
    'a block of %s would go unchecked and is refused',
    (info) => {
      expect(() => examplesOf('a.md', `\n${block(info, 'x')}`)).toThrow('a.md:2: write ```ts')
    },
  )

  test('a block without an end is refused', () => {
    expect(() => examplesOf('a.md', '```ts\nx\n')).toThrow('a.md:1: this block has no end')
  })
})

describe('running examples', () => {
  test('an example that ends cleanly is fine, and runs against the sources', async () => {
    const code = `import { PublicKey } from '@vestibule/keys'
      if (!import.meta.resolve('@vestibule/keys').endsWith('/src/index.ts')) throw new Error('not the sources')
      if (typeof PublicKey !== 'function') throw new Error('no class')\n`
    expect(await outcome(code)).toBeUndefined()
  })

  test('an example that throws is reported with what it printed', async () => {
    const message = await outcome(`console.log('before')\nthrow new Error('broken example')\n`)
    expect(message).toMatch(/^docs\/x\.md:10: the example ended with 1\nbefore\n/)
    expect(message).toContain('broken example')
  })

  test('an example that does not end is stopped', async () => {
    expect(await outcome('setInterval(() => {}, 1000)\n', 300)).toMatch(
      /^docs\/x\.md:10: the example still ran after 300 ms/,
    )
  })

  test('the files that an example wrote are gone afterwards', async () => {
    let folder = ''
    {
      using files = writeExamples([example(`await (await import('node:fs/promises')).writeFile('a', '')\n`)])
      for (const [one, program] of files.programs) expect(await runExample(one, program)).toBeUndefined()
      folder = files.folder
      expect(existsSync(`${folder}/0/a`)).toBe(true)
    }
    expect(existsSync(folder)).toBe(false)
  })
})

describe('type-checking examples', () => {
  test('a wrong type is reported at its line in the document', () => {
    using files = writeExamples([
      example(`import { PublicKey } from '@vestibule/keys'\nPublicKey.from(1n)\n`),
    ])
    expect(typeErrors(files)).toEqual([expect.stringMatching(/^docs\/x\.md:12: Argument of type 'bigint'/)])
  })

  test('examples do not see each other’s names', () => {
    using files = writeExamples([example('const a = 1\n'), example('const a = 2\nawait a\n')])
    expect(typeErrors(files)).toEqual([])
  })
})
