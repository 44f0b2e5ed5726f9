import { type RunnerTask, type RunnerTestFile, TestRunner } from 'vitest'
import { CASES } from './cases.ts'

const { CASE_RUNS = '200' } = process.env

/** Runs the tests of the cases of acceptance again and again, and no others. One that fails once has failed. */
export default class Repeating extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) for (const task of file.tasks) repeat(task, file.filepath)
  }
}

function repeat(task: RunnerTask, path: string): void {
  if (task.type === 'suite') for (const inner of task.tasks) repeat(inner, path)
  else if (CASES.some(({ file, tests }) => path.endsWith(`/${file}.test.ts`) && tests.includes(task.name)))
    task.repeats = Number(CASE_RUNS) - 1
  else task.mode = 'skip'
}
