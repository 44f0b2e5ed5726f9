import { describe, expect, test } from 'vitest'
import { countCompares } from './compares.ts'
import { DeviceSimulation } from './devices.ts'
import { SpaceSimulation } from './spaces.ts'

const { FUZZ_RUNS = '20000', FUZZ_SEED = '1', SEED } = process.env
/** A hundred inputs of the fuzz tests cost about as much as one run here: a million, ten thousand. */
const SEEDS = Math.ceil(Number(FUZZ_RUNS) / 100)
/** `SEED=7` runs one and shows what happened, `SEED=1-500` runs many. */
const [FIRST = 1, LAST = FIRST] = SEED?.split('-').map(Number) ?? [
  Number(FUZZ_SEED),
  Number(FUZZ_SEED) + SEEDS - 1,
]
const IN_ONE_TEST = 10
/** For a machine that has other things to do. */
const TIMEOUT_MS = 600_000

/** Every third is of a device. */
async function simulate(seed: number): Promise<readonly string[]> {
  const simulation = seed % 3 === 0 ? new DeviceSimulation(seed) : new SpaceSimulation(seed)
  const stopCounting = countCompares()
  try {
    await simulation.run()
  } catch (cause) {
    const again = `SEED=${seed} pnpm --filter @vestibule/invitations simulate`
    throw new Error(`seed ${seed} broke a law: ${again}\n${simulation.trace.join('\n')}`, { cause })
  } finally {
    stopCounting()
  }
  return simulation.trace
}

describe('whatever befalls a host and three guests', () => {
  for (let first = FIRST; first <= LAST; first += IN_ONE_TEST) {
    const last = Math.min(first + IN_ONE_TEST - 1, LAST)
    test(
      `the laws hold: seeds ${first} to ${last}`,
      async () => {
        for (let seed = first; seed <= last; seed++) {
          const trace = await simulate(seed)
          if (FIRST === LAST) process.stdout.write(`${trace.join('\n')}\n`)
        }
      },
      TIMEOUT_MS,
    )
  }

  test('the same seed gives the same run', async () => {
    for (const seed of [6, 7]) expect(await simulate(seed)).toEqual(await simulate(seed))
  })
})
