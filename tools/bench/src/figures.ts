import { cpus } from 'node:os'

/** A time as every benchmark prints it: milliseconds over `n` runs. */
export interface Time {
  readonly median: number
  /** 95 of 100 runs took at most so long. */
  readonly p95: number
  readonly min: number
  readonly n: number
}

/** What every benchmark's JSON object begins with. */
export interface Report {
  readonly name: string
  readonly node: string
  readonly machine: { readonly cores: number; readonly cpu: string }
  /** Whether everything that was measured also came out as it has to. Says nothing about how long it took. */
  readonly ok: boolean
}

/**
 * The figures of some samples, in milliseconds, by nearest rank; the median of an even number is the mean of the
 * two in the middle.
 * @throws TypeError for an empty list: a benchmark that measured nothing has no figures
 */
export function summarise(samples: readonly number[]): Time {
  const sorted = [...samples].sort((a, b) => a - b)
  const n = sorted.length
  const [low, high] = [sorted[(n - 1) >> 1], sorted[n >> 1]]
  const [min, p95] = [sorted[0], sorted[Math.ceil(n * 0.95) - 1]]
  if (low === undefined || high === undefined || min === undefined || p95 === undefined)
    throw new TypeError('no samples')
  return { median: round((low + high) / 2), p95: round(p95), min: round(min), n }
}

/** What a report begins with, on this machine. */
export function report(name: string, ok: boolean): Report {
  const [first] = cpus()
  return {
    name,
    node: process.version,
    machine: { cores: cpus().length, cpu: first?.model ?? 'unknown' },
    ok,
  }
}

/** To hundredths. */
export const round = (value: number): number => Math.round(value * 100) / 100

/** Milliseconds on a clock that all processes of this machine share; only differences mean something. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6
