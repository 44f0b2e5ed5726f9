import { describe, expect, test } from 'vitest'
import { assertHolds } from './report.ts'
import { simulate } from './simulation.ts'

/** A hundred inputs of the fuzz tests cost about as much as one run here: a million, ten thousand. */
const SEEDS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 20_000) / 100)
const FIRST = Number(process.env['FUZZ_SEED'] ?? 1)
const IN_ONE_TEST = 20
/** Each run takes a fifth of a second on a machine that has nothing else to do; this is for one that has. */
const TIMEOUT_MS = 600_000

describe('ten devices, through partitions, crashes and wrong clocks', () => {
  for (let first = FIRST; first < FIRST + SEEDS; first += IN_ONE_TEST) {
    const last = Math.min(first + IN_ONE_TEST, FIRST + SEEDS) - 1
    test(
      `agree in the end, and lose nothing: seeds ${first} to ${last}`,
      async () => {
        for (let seed = first; seed <= last; seed++) await assertHolds(seed)
      },
      TIMEOUT_MS,
    )
  }

  test.each([3, 4, 5])('do the same for the same seed: %i', async (seed) => {
    expect(await simulate(seed)).toEqual(await simulate(seed))
  })
})
