/** Numbers in [0, 1), as jitter needs them; tests give a seeded one. */
export type Random = () => number

/** {@link Random} from the platform's generator. */
export const systemRandom: Random = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32

/** Growing pauses between attempts. */
export interface Backoff {
  /** How long to wait before the next attempt, in milliseconds. */
  next(): number
  /** Call after a success: the next pause is a short one again. */
  reset(): void
}

/**
 * Exponential back-off with jitter: each pause is drawn from the upper half of a ceiling that doubles, so that
 * many peers of one relay do not come back in the same instant.
 */
export function backoff(options: {
  readonly minMs: number
  readonly maxMs: number
  readonly random: Random
}): Backoff {
  let attempt = 0
  return {
    next() {
      const ceiling = Math.min(options.maxMs, options.minMs * 2 ** attempt)
      attempt++
      return ceiling * (0.5 + options.random() / 2)
    },
    reset() {
      attempt = 0
    },
  }
}
