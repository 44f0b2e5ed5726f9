import { type Outcome, simulate } from './simulation.ts'

/** Most runs for making a plan shorter. */
const MAX_TRIES = 150

/** Leaves out as many steps as it can while the same law breaks: halves, quarters, and so on down to single ones. */
export async function shrink(outcome: Outcome): Promise<Outcome> {
  let shortest = outcome
  let tries = 0
  for (let size = Math.ceil(outcome.plan.length / 2); size >= 1 && tries < MAX_TRIES; ) {
    let found = false
    for (let at = 0; at < shortest.plan.length && tries < MAX_TRIES; tries++) {
      const plan = [...shortest.plan.slice(0, at), ...shortest.plan.slice(at + size)]
      const shorter = await simulate(outcome.seed, plan)
      found ||= shorter.broken?.law === outcome.broken?.law
      if (shorter.broken?.law === outcome.broken?.law) shortest = shorter
      else at += size
    }
    if (size > 1 || !found) size = size > 1 ? Math.floor(size / 2) : 0
  }
  return shortest
}

/** What to read when a law is broken, and how to see it again. */
export function report({ seed, trace, broken }: Outcome): string {
  return `${broken?.message ?? 'all laws hold'}
${trace.join('\n')}
SEED=${seed} npx --yes pnpm@10 --filter @vestibule/space simulate`
}

/** Runs a seed. @throws Error with the shortest trace that breaks the same law */
export async function assertHolds(seed: number): Promise<void> {
  const outcome = await simulate(seed)
  if (outcome.broken !== undefined) throw new Error(report(await shrink(outcome)), { cause: outcome.broken })
}
