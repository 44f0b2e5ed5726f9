import { untilAborted } from '../abort.ts'
import type { Channel, ChannelEnd, SendOptions } from '../channel/channel.ts'

/**
 * A channel that can be written to before the other side has proven itself, and gives out nothing until then.
 * That saves a round trip where the first to speak is the one who opened it.
 */
export class EarlyChannel implements Channel {
  readonly localPeer: string
  readonly remotePeer: string
  readonly initiator: boolean
  readonly ended: Promise<ChannelEnd>
  readonly #channel: Channel
  readonly #proven: Promise<void>
  #isProven = false

  /** @param proven rejects with what every `receive` shall throw */
  constructor(channel: Channel, proven: Promise<void>) {
    this.#channel = channel
    this.#proven = proven
    this.localPeer = channel.localPeer
    this.remotePeer = channel.remotePeer
    this.initiator = channel.initiator
    this.ended = channel.ended
    proven.then(
      () => {
        this.#isProven = true
      },
      // Whoever receives is told; whoever only sends learns it from the abort.
      () => undefined,
    )
  }

  send(frame: Uint8Array, options?: SendOptions): Promise<void> {
    return this.#channel.send(frame, options)
  }

  async receive(options?: {
    readonly signal?: AbortSignal
    readonly maxBytes?: number
  }): Promise<Uint8Array> {
    if (!this.#isProven) await untilAborted(this.#proven, options?.signal)
    return this.#channel.receive(options)
  }

  async close(): Promise<void> {
    // Closing discards what comes in; the proof has to be looked at before. It comes, or the channel breaks.
    await this.#proven.catch(() => undefined)
    await this.#channel.close()
  }

  abort(reason?: Error): void {
    this.#channel.abort(reason)
  }
}
