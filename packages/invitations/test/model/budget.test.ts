import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { modelChecker } from './model-checker.ts'

const run = promisify(execFile)
const MODEL = new URL('./budget.pml', import.meta.url).pathname

const checker = modelChecker()

interface Outcome {
  readonly errors: number
  readonly states: number
  /** What did not hold; empty when everything did. */
  readonly broken: string
}

/**
 * Explores every state of the model.
 * @param defines of the model, as `-D` takes them; see its first lines
 * @param liveness whether a formula is checked too, over fair runs
 */
async function check(defines: readonly string[], liveness: boolean): Promise<Outcome> {
  if (checker === undefined) throw new TypeError('no model checker')
  const { spin, compiler } = checker
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-model-'))
  try {
    await run(spin, [...defines.map((one) => `-D${one}`), '-a', MODEL], { cwd: folder })
    const kind = liveness ? ['-DNFAIR=3'] : ['-DSAFETY']
    // Not optimised: that would take longer than the search.
    await run(compiler, ['-O0', '-w', '-DCOLLAPSE', ...kind, '-o', 'pan', 'pan.c'], { cwd: folder })
    const search = ['-m1000000', ...(liveness ? ['-a', '-f'] : [])]
    const { stdout } = await run(join(folder, 'pan'), search, { cwd: folder })
    return {
      errors: Number(/errors: (\d+)/.exec(stdout)?.[1]),
      states: Number(/(\d+) states, stored/.exec(stdout)?.[1]),
      broken: /^pan:1: (.*) \(at depth/m.exec(stdout)?.[1] ?? '',
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const counts = { states: 0 }
afterAll(() => {
  if (counts.states > 0) process.stdout.write(`model of the budget: ${counts.states} states\n`)
})

describe('the durable budget', { timeout: 120_000 }, () => {
  test.for([
    ['bounds the wrong codes over sessions, failed writes and crashes, and admits one', [], false],
    ['is not used up by honest guests', ['HONEST'], true],
    ['lets everybody who waits for it have a turn', ['WAITING'], true],
    ['does all of that where a person decides about each', ['APPROVE'], false],
    ['is not used up by honest guests about whom a person decides', ['APPROVE', 'HONEST'], true],
    ['is waited for by nobody for as long as a person takes', ['APPROVE', 'WAITING', 'BUDGET=2'], true],
  ] as const)('%s', async ([, defines, liveness]) => {
    const { errors, states, broken } = await check(defines, liveness)
    counts.states += states
    expect({ errors, broken }).toEqual({ errors: 0, broken: '' })
    expect(states).toBeGreaterThan(1000)
  })

  test.for([
    ['off by one', 1, 'assertion violated (wrong<=3)'],
    ['charged after the comparison', 2, 'assertion violated (wrong<=3)'],
    ['without a reservation', 3, 'assertion violated (admissions<=1)'],
    ['with a commit that an end does not stop', 5, 'assertion violated  !(endTold)'],
    ['with wrong codes given back', 6, 'assertion violated (wrong<=3)'],
    ['that starts anew with every start', 7, 'assertion violated (wrong<=3)'],
  ] as const)('fails %s', async ([, mutant, law]) => {
    expect(await check([`MUTANT=${mutant}`], false)).toMatchObject({ errors: 1, broken: law })
  })

  test.for([
    [
      'with charges given back again when a guest leaves about whom a person was asked',
      9,
      'assertion violated (wrong<=3)',
    ],
    ['with a yes that is taken for a free place', 5, 'assertion violated (admissions<=1)'],
  ] as const)('fails %s', async ([, mutant, law]) => {
    expect(await check(['APPROVE', `MUTANT=${mutant}`], false)).toMatchObject({ errors: 1, broken: law })
  })

  test.for([
    ['with a reservation that is never released', ['MUTANT=4']],
    ['with charges that stay for as long as a person takes', ['APPROVE', 'BUDGET=2', 'MUTANT=8']],
    ['with a reservation for as long as a person takes', ['APPROVE', 'BUDGET=2', 'MUTANT=10']],
  ] as const)('fails %s', async ([, defines]) => {
    expect(await check(['WAITING', ...defines], true)).toMatchObject({
      errors: 1,
      broken: 'acceptance cycle',
    })
  })
})
