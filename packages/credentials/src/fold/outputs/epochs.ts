import type { Credential } from '../../credential.ts'
import type { Verdicts } from '../verdicts.ts'

/** Which read key is current. */
export interface EpochState {
  /** Those that count, in the order. */
  readonly all: readonly Credential[]
  /** The one to write under: of those that cover every loss, the first in the order. Without it nothing is written. */
  readonly current: Credential | undefined
  /** Whether members, or devices, were lost since the last epoch that knows of all of them. */
  readonly isNeeded: boolean
}

/**
 * Whoever lost its place, or may have (a void removal counts here too, for it may yet come to hold), does not get
 * the next read key; so an epoch covers a loss when it comes after it.
 */
export function epochsOf(verdicts: Verdicts): EpochState {
  const { acts } = verdicts
  const losses = ['RemovedMember', 'LeftSpace', 'RevokedDevice'].flatMap(
    (type) => acts.byType.get(type) ?? [],
  )
  const all = (acts.byType.get('Epoch') ?? []).filter((index) => verdicts.counts(index))
  all.sort((a, b) => acts.causality.order(a, b))
  const current = all.find((epoch) => losses.every((loss) => acts.before(loss, epoch)))
  return {
    all: all.map((index) => acts.credential(index)),
    current: current === undefined ? undefined : acts.credential(current),
    isNeeded: losses.length > 0 && current === undefined,
  }
}
