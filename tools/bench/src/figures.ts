import { cpus } from 'node:os'

/** A time as every benchmark prints it: milliseconds over `n` runs. */
export interface Time {
  readonly median: number
  readonly p95: number
  readonly min: number
  readonly n: number
}

/** What every benchmark's JSON object begins with. */
export interface Report {
  readonly name: string
  readonly node: string
  readonly machine: { readonly cores: number; readonly cpu: string }
  readonly ok: boolean
}

/** @throws TypeError for an empty list: a benchmark that measured nothing has no figures */
export function summarise(samples: readonly number[]): Time {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  const [median, p95, min] = [at(0.5), at(0.95), sorted[0]]
  if (median === undefined || p95 === undefined || min === undefined) throw new TypeError('no samples')
  return { median: round(median), p95: round(p95), min: round(min), n: sorted.length }
}

export function report(name: string, ok: boolean): Report {
  const [first] = cpus()
  return { name, node: process.version, machine: { cores: cpus().length, cpu: first?.model ?? 'unknown' }, ok }
}

export const round = (value: number): number => Math.round(value * 100) / 100
