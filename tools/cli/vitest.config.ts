import { mergeConfig } from 'vitest/config'
import { suite } from '../../vitest.base.ts'

// Real processes on a machine that may be busy: each takes a second to start, and for much of the time waits for another.
export default mergeConfig(suite(120_000), { test: { maxWorkers: 2 } })
