import { describe, expect, test } from 'vitest'
import { DEFECTS } from './defects.ts'
import { simulate } from './simulation.ts'

/** A part of the seeds that every run of the suite takes. */
const SEEDS = 100

describe('something wrong is found by the runs of the suite', () => {
  for (const { name, breaks, put } of DEFECTS)
    test(name, async () => {
      const takeOut = put()
      let broken: string | undefined
      try {
        for (let seed = 1; seed <= SEEDS && broken === undefined; seed++)
          broken = (await simulate(seed)).broken?.law
      } finally {
        takeOut()
      }
      expect(breaks).toContain(broken)
    }, 600_000)
})
