import { NetworkError, toNetworkError } from '../errors.ts'
import { type ChannelEnd, DEFAULT_MAX_FRAME_BYTES } from './channel.ts'

/** Where a {@link Receiver} gets its frames from. */
export interface FrameSource {
  /** @returns the next frame, `undefined` while there is none; throws a NetworkError if it may not be taken */
  next(maxBytes: number): Uint8Array | undefined
  /** Whether a clean end at this point cuts no frame in two. */
  readonly atBoundary: boolean
  clear(): void
}

interface Waiter {
  readonly maxBytes: number
  readonly resolve: (frame: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

/**
 * The receiving half of a channel: serves waiting calls in order, and knows how the channel ended. Both
 * implementations of Channel are built on it, so they can't differ in this.
 */
export class Receiver {
  readonly ended: Promise<ChannelEnd>
  readonly #source: FrameSource
  readonly #onRefused: (error: NetworkError) => void
  readonly #waiters: Waiter[] = []
  #resolveEnded!: (end: ChannelEnd) => void
  #finished = false
  #failure: NetworkError | undefined

  /** @param onRefused called when a frame may not be taken, so that the owner aborts the transport */
  constructor(source: FrameSource, onRefused: (error: NetworkError) => void) {
    this.#source = source
    this.#onRefused = onRefused
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  /** Why nothing can be sent or received any more. */
  get failure(): NetworkError | undefined {
    return this.#failure
  }

  /** Whether somebody waits for a frame. */
  get hungry(): boolean {
    return this.#waiters.length > 0
  }

  receive(options: { readonly signal?: AbortSignal; readonly maxBytes?: number } = {}): Promise<Uint8Array> {
    const { signal, maxBytes = DEFAULT_MAX_FRAME_BYTES } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#failure !== undefined) return reject(this.#failure)
      const leave = (): void => signal?.removeEventListener('abort', onAbort)
      const waiter: Waiter = {
        maxBytes,
        resolve: (frame) => {
          leave()
          resolve(frame)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const onAbort = (): void => {
        const at = this.#waiters.indexOf(waiter)
        if (at >= 0) this.#waiters.splice(at, 1)
        waiter.reject(signal?.reason)
        this.serve()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.push(waiter)
      this.serve()
    })
  }

  /** Gives frames to those who wait; to be called whenever there may be more. */
  serve(): void {
    while (this.#failure === undefined) {
      const waiter = this.#waiters[0]
      if (waiter === undefined) break
      let frame: Uint8Array | undefined
      try {
        frame = this.#source.next(waiter.maxBytes)
      } catch (cause) {
        const error = toNetworkError(cause, 'MALFORMED')
        this.fail(error, error.code === 'TOO_LARGE' ? 'too-large' : 'aborted')
        this.#onRefused(error)
        return
      }
      if (frame === undefined) break
      this.#waiters.shift()
      waiter.resolve(frame)
    }
    if (this.#finished && this.#failure === undefined) this.#settleFinish()
  }

  /** The other side ended cleanly; frames that already arrived are still given out. */
  finish(): void {
    this.#finished = true
    this.serve()
  }

  /** Nothing more is given out. The first call decides how the channel ended. */
  fail(error: NetworkError, end: ChannelEnd): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#source.clear()
    this.#resolveEnded(end)
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #settleFinish(): void {
    if (this.#source.atBoundary) this.fail(new NetworkError('CLOSED', 'the channel is closed'), 'closed')
    else if (this.#waiters.length > 0)
      this.fail(new NetworkError('ABORTED', 'the channel ended in the middle of a frame'), 'aborted')
  }
}
