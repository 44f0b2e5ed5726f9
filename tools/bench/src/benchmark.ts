import type { Report } from './figures.ts'

/** How a benchmark is run. */
export interface BenchmarkOptions {
  /** How often each thing is measured; the benchmark's own number unless given. */
  readonly runs?: number
}

/** What came of one run of a benchmark. */
export interface Outcome {
  /** The figures, for programs. */
  readonly report: Report
  /** The same with what they are held against, for people. */
  readonly text: string
}

/** One thing that is measured. Progress and complaints go to standard error. */
export type Benchmark = (options: BenchmarkOptions) => Promise<Outcome>
