import { suite } from '../../vitest.base.ts'

// Runs the benchmarks themselves, in processes of their own.
export default suite(60_000)
