import * as acts from './acts.ts'
import * as admissions from './admission-acts.ts'
import { Chance } from './chance.ts'
import * as faults from './fault-acts.ts'
import * as members from './member-acts.ts'

/** One act at its time: who does it, to whom, and a seed for all else about it, so that the rest stays when it is left out. */
export interface Step {
  readonly act: string
  readonly a: number
  readonly b: number
  readonly seed: number
  readonly waitMs: number
}

export const DEVICES = 10
/** Somebody has to be there before anything can happen. */
const OPENING: readonly Pick<Step, 'act' | 'waitMs'>[] = [
  { act: 'admit', waitMs: 1_000 },
  { act: 'admit', waitMs: 1_000 },
  { act: 'admit', waitMs: 5_000 },
]
const STEPS = 30

/** How often each act is drawn, next to the others. */
const WEIGHTS: readonly (readonly [string, acts.Act, number])[] = [
  ['write', acts.write, 30],
  ['deliver', acts.deliver, 5],
  ['admit', admissions.admit, 30],
  ['admit at once', admissions.admitAtOnce, 6],
  ['ask again', admissions.askAgain, 4],
  ['remove', members.remove, 6],
  ['change role', members.changeRole, 6],
  ['leave', members.leave, 2],
  ['renew the read key', members.rotate, 3],
  ['hand over', members.handOver, 2],
  ['crash', acts.crash, 5],
  ['crash while writing', acts.crashWhileWriting, 6],
  ['crash soon', acts.crashSoon, 6],
  ['crash while joining', admissions.crashWhileJoining, 5],
  ['start', acts.start, 20],
  ['restart', acts.restart, 4],
  ['partition', faults.partition, 6],
  ['heal', faults.heal, 6],
  ['bad network', faults.badNetwork, 4],
  ['skew clock', faults.skewClock, 4],
  ['slow disk', faults.slowDisk, 4],
  ['full disk', faults.fullDisk, 3],
]

export const ACTS: ReadonlyMap<string, acts.Act> = new Map(WEIGHTS.map(([name, act]) => [name, act]))

/** What happens in a run, from its seed. */
export function planOf(seed: number): Step[] {
  const chance = new Chance(seed)
  const total = WEIGHTS.reduce((sum, [, , weight]) => sum + weight, 0)
  const draw = (): string => {
    let at = chance.upTo(total)
    for (const [name, , weight] of WEIGHTS) {
      at -= weight
      if (at < 0) return name
    }
    throw new RangeError('the weights do not add up')
  }
  const steps = Array.from({ length: STEPS }, () => ({
    act: draw(),
    waitMs: chance.pick([0, 0, 20, 200, 1_000, 5_000]),
  }))
  return [...OPENING, ...steps].map((step) => ({
    ...step,
    a: chance.upTo(360),
    b: chance.upTo(360),
    seed: chance.seed(),
  }))
}
