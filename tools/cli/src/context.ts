import type { Output } from './output.ts'
import type { Place } from './peer.ts'
import type { Prompt } from './prompt.ts'

/** What every command is given: where it works, where it writes, how it asks, and when to stop. */
export interface Context {
  readonly place: Place
  readonly output: Output
  readonly prompt: Prompt
  /** Aborts at Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

/** A signal that aborts with the context's, or after a time. */
export const within = ({ signal }: Context, ms: number): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ms)])
