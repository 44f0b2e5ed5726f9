import type { Clock } from './clock.ts'
import { NetworkError } from './errors.ts'

/** Settles as `promise` does, or rejects with the signal's reason. Leaves no listener behind. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      // The loser of this race may still reject; somebody has to have looked at it.
      promise.catch(() => undefined)
      return reject(signal.reason)
    }
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** A signal with a deadline of its own that also follows its parents, and that can be disposed of. */
export interface Scope {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
  /** Cancels the deadline and stops listening to the parents. Call it in `finally`. */
  dispose(): void
}

/** Makes a {@link Scope}. Unlike `AbortSignal.any`, nothing stays attached to long-lived parents. */
export function scope(
  parents: readonly (AbortSignal | undefined)[],
  deadline?: { readonly clock: Clock; readonly ms: number; readonly what: string },
): Scope {
  const controller = new AbortController()
  const live = parents.filter((parent) => parent !== undefined)
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason)
  for (const parent of live) {
    if (parent.aborted) controller.abort(parent.reason)
    else parent.addEventListener('abort', onAbort, { once: true })
  }
  const cancel = deadline?.clock.after(deadline.ms, () =>
    controller.abort(new NetworkError('TIMED_OUT', `${deadline.what} took longer than ${deadline.ms} ms`)),
  )
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    dispose() {
      cancel?.()
      for (const parent of live) parent.removeEventListener('abort', onAbort)
    },
  }
}
