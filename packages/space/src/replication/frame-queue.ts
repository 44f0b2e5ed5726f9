import type { Channel } from '@vestibule/network'
import { MAX_FRAME_BYTES, type SpaceFrame } from './frame.ts'
import { parseFrame } from './handshake.ts'

/** From so many bytes on it is a catch-up, in which more is on its way and worth waiting for. */
const BULK_BYTES = 64 * 1024
/** Bytes of frames that are read ahead of whoever takes them; one more frame may be on its way. */
export const MAX_READ_AHEAD_BYTES = 1024 * 1024

/**
 * The frames of a channel, read ahead as far as the bound goes, so that what came while the storage was busy is stored
 * together. Further ones wait in the channel, and with them the other end.
 */
export class FrameQueue {
  readonly #channel: Channel
  readonly #signal: AbortSignal
  #frames: SpaceFrame[] = []
  #bytes = 0
  #failure: { readonly reason: unknown } | undefined
  #wake: () => void = () => {}

  /** @param signal ends the reading */
  constructor(channel: Channel, signal: AbortSignal) {
    this.#channel = channel
    this.#signal = signal
    void this.#fill()
  }

  /**
   * All frames that are there, at least one.
   * @throws what ended the channel, when all before it has been taken; SpaceError `MALFORMED`
   */
  async take(): Promise<SpaceFrame[]> {
    while (this.#frames.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.reason
      await this.#woken()
    }
    await this.#gather()
    const frames = this.#frames
    this.#frames = []
    this.#bytes = 0
    this.#wake()
    return frames
  }

  /**
   * Much at once is stored in one transaction, and each waits for the disk: what has come to this machine already is
   * waited for, as long as every turn of the event loop brings more of it.
   */
  async #gather(): Promise<void> {
    for (let before = 0; this.#bytes > before && this.#bytes >= BULK_BYTES; ) {
      if (this.#bytes >= MAX_READ_AHEAD_BYTES || this.#failure !== undefined) return
      before = this.#bytes
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
  }

  async #fill(): Promise<void> {
    const options = { signal: this.#signal, maxBytes: MAX_FRAME_BYTES }
    try {
      for (;;) {
        while (this.#bytes >= MAX_READ_AHEAD_BYTES) await this.#woken()
        const encoded = await this.#channel.receive(options)
        this.#frames.push(parseFrame(encoded))
        this.#bytes += encoded.length
        this.#wake()
      }
    } catch (reason) {
      this.#failure = { reason }
      this.#wake()
    }
  }

  /** Only one of the two sides ever waits so: one for frames, or the other for room. */
  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
