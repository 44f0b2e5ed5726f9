import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { fold } from './credentials/fold.ts'
import { verify } from './credentials/verify.ts'
import { crowdOf200 } from './crowd.ts'
import { invite } from './invite.ts'
import { space } from './sync/space.ts'
import { sync } from './sync/sync.ts'

const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ['invite', invite],
  ['crowd', crowdOf200],
  ['verify', verify],
  ['fold', fold],
  ['sync', sync],
  ['space', space],
])
const USAGE = `usage: pnpm bench [name] [--json] [--runs n]; names: ${[...BENCHMARKS.keys()].join(', ')}`
const RESULTS = new URL('../results/', import.meta.url)

process.exitCode = await main(process.argv.slice(2))

/** @returns 0; 1 when something that was measured came out wrong; 2 for a command that makes no sense */
async function main(args: string[]): Promise<number> {
  const command = parse(args)
  if (typeof command === 'string') {
    console.error(`${command}\n${USAGE}`)
    return 2
  }
  const { name, json, runs } = command
  let failed = false
  for (const [each, benchmark] of BENCHMARKS) {
    if (name !== undefined && name !== each) continue
    const { report, text } = await benchmark(runs === undefined ? {} : { runs })
    if (!report.ok) failed = true
    console.log(json ? JSON.stringify(report) : `${text}\n`)
    if (name === undefined) {
      await mkdir(RESULTS, { recursive: true })
      await writeFile(new URL(`${each}.json`, RESULTS), `${JSON.stringify(report, undefined, 2)}\n`)
    }
  }
  return failed ? 1 : 0
}

function parse(args: string[]): { name?: string; json: boolean; runs?: number } | string {
  let parsed: ReturnType<typeof options>
  try {
    parsed = options(args)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const [name, ...rest] = parsed.positionals
  if (rest.length > 0) return 'one name at most'
  if (name !== undefined && !BENCHMARKS.has(name)) return `there is no benchmark ${JSON.stringify(name)}`
  const runs = parsed.values.runs === undefined ? undefined : Number(parsed.values.runs)
  if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) return '--runs takes a number from 1 up'
  return {
    json: parsed.values.json,
    ...(name !== undefined && { name }),
    ...(runs !== undefined && { runs }),
  }
}

function options(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, runs: { type: 'string' } },
  })
}
