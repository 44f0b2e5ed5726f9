/** What a {@link Sender} writes to. */
export interface ByteSink<B = Uint8Array> {
  /** Takes all of the bytes. Throws if it is closed. */
  write(bytes: B): void
  /** Whether it wants no more for now. */
  readonly full: boolean
}

interface Waiter<B> {
  readonly bytes: B
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The sending half of a channel: keeps the order, and holds back what the sink can't take yet. */
export class Sender<B = Uint8Array> {
  readonly #sink: ByteSink<B>
  /** Not written yet. */
  readonly #queued: Waiter<B>[] = []
  /** Written, and the sink is full since. */
  #draining: Waiter<B>[] = []
  readonly #onFlushed: (() => void)[] = []

  constructor(sink: ByteSink<B>) {
    this.#sink = sink
  }

  /** Resolves once the bytes were written and the sink can take more. Writes at once if nothing is in the way. */
  send(bytes: B, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const leave = (): void => signal?.removeEventListener('abort', onAbort)
      const waiter: Waiter<B> = {
        bytes,
        resolve: () => {
          leave()
          resolve()
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const onAbort = (): void => {
        const at = this.#queued.indexOf(waiter)
        if (at >= 0) this.#queued.splice(at, 1)
        this.#draining = this.#draining.filter((other) => other !== waiter)
        waiter.reject(signal?.reason)
        this.pump()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queued.push(waiter)
      this.pump()
    })
  }

  /** Writes what the sink can take; to be called when it has drained. */
  pump(): void {
    if (!this.#sink.full) for (const waiter of this.#draining.splice(0)) waiter.resolve()
    while (!this.#sink.full) {
      const waiter = this.#queued.shift()
      if (waiter === undefined) break
      try {
        this.#sink.write(waiter.bytes)
      } catch (error) {
        waiter.reject(error)
        continue
      }
      if (this.#sink.full) this.#draining.push(waiter)
      else waiter.resolve()
    }
    if (this.#queued.length === 0) for (const flushed of this.#onFlushed.splice(0)) flushed()
  }

  /** Resolves once nothing waits to be written any more. */
  flush(): Promise<void> {
    if (this.#queued.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onFlushed.push(resolve))
  }

  /** Rejects everything that waits. */
  fail(error: unknown): void {
    for (const waiter of [...this.#draining.splice(0), ...this.#queued.splice(0)]) waiter.reject(error)
    for (const flushed of this.#onFlushed.splice(0)) flushed()
  }
}
