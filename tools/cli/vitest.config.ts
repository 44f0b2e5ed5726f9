import { suite } from '../../vitest.base.ts'

// Real processes on a machine that may be busy: each takes a second to start.
export default suite(120_000)
