import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import { suite } from '../../vitest.base.ts'

/** For one test in all its repetitions. */
const TIMEOUT_MS = 3_600_000

export default mergeConfig(suite(TIMEOUT_MS) as ViteUserConfig, {
  test: { runner: './test/cases/repeating.ts' },
})
