import { report, shrink } from './report.ts'
import { simulate } from './simulation.ts'

// SEED=7 shows one run; SEED=1-500 runs many, and shows the first that breaks a law, shortened.
const [first, last] = (process.env['SEED'] ?? '1').split('-').map(Number) as [number, number?]
const write = (text: string) => process.stdout.write(`${text}\n`)

for (let seed = first; seed <= (last ?? first); seed++) {
  const outcome = await simulate(seed)
  if (last === undefined) write(`${outcome.trace.join('\n')}\n${outcome.hash}`)
  if (outcome.broken === undefined) continue
  write(report(await shrink(outcome)))
  process.exitCode = 1
  break
}
if (last !== undefined && process.exitCode !== 1) write(`all laws hold for the seeds ${first} to ${last}`)
