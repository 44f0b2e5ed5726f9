import { afterAll, describe, expect, test } from 'vitest'
import { RUN_LIMIT_MS, runExample, typeErrors, writeExamples } from '../src/example-files.ts'
import { examplesOf, isDocumentation } from '../src/examples.ts'
import { readFiles, repositoryRoot } from '../src/repository.ts'

const documents = readFiles(repositoryRoot, isDocumentation)
const examples = [...documents].flatMap(([file, markdown]) => examplesOf(file, markdown))
const files = writeExamples(examples)
afterAll(() => files[Symbol.dispose]())

test('all examples in the documentation have the right types', () => {
  expect(typeErrors(files)).toEqual([])
})

describe('the README of each package begins with an example that runs', () => {
  const readmes = [...documents].filter(([file]) => file.startsWith('packages/'))
  test.for(readmes)('%s', ([file]) => {
    expect(examples.filter((example) => example.file === file)[0]?.runs).toBe(true)
  })
})

describe.concurrent('each example in the documentation runs', () => {
  const running = [...files.programs].filter(([example]) => example.runs)
  test.for(running)(
    '$0.file:$0.line',
    { timeout: 2 * RUN_LIMIT_MS },
    async ([example, program], { expect }) => {
      expect(await runExample(example, program)).toBeUndefined()
    },
  )
})
