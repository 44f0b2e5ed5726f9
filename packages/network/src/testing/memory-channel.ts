import type { Random } from '../backoff.ts'
import { type Channel, type ChannelEnd, endOfReason, type SendOptions } from '../channel/channel.ts'
import { type FrameSource, Receiver } from '../channel/receiver.ts'
import { type ByteSink, Sender } from '../channel/sender.ts'
import type { Clock } from '../clock.ts'
import { NetworkError } from '../errors.ts'

/** What goes wrong, and how often: chances from 0 to 1, for each frame. */
export interface Faults {
  /** How long a frame takes, in milliseconds: one number, or the bounds of a random one. Order is kept. */
  readonly delayMs: number | readonly [min: number, max: number]
  /** The connection breaks instead of carrying the frame. */
  readonly loss: number
  /** The frame arrives twice. No transport does that to a channel; for protocols that promise to bear it. */
  readonly duplication: number
  /** The frame arrives after the next one. As above. */
  readonly reordering: number
}

export const NO_FAULTS: Faults = { delayMs: 0, loss: 0, duplication: 0, reordering: 0 }

/** The world that channels live in. */
export interface Conditions {
  readonly clock: Clock
  readonly random: Random
  faults(): Faults
}

/** Unread and undelivered bytes above which a sender waits. */
const HIGH_WATER_BYTES = 512 * 1024

/** @returns the initiator's end and the responder's end of a new channel */
export function memoryChannelPair(
  initiator: string,
  responder: string,
  conditions: Conditions,
): readonly [MemoryChannel, MemoryChannel] {
  const near = new MemoryChannel(initiator, responder, true, conditions)
  const far = new MemoryChannel(responder, initiator, false, conditions)
  near.connect(far)
  far.connect(near)
  return [near, far]
}

/** One end of a channel in memory. */
export class MemoryChannel implements Channel {
  readonly localPeer: string
  readonly remotePeer: string
  readonly initiator: boolean
  readonly ended: Promise<ChannelEnd>
  readonly #conditions: Conditions
  readonly #inbox = new Inbox(() => this.#peer.#sender.pump())
  readonly #receiver: Receiver
  readonly #sender: Sender
  #far: MemoryChannel | undefined
  #inFlightBytes = 0
  /** When the last item sent from here arrives. */
  #arrivesAtMs = 0
  #held: Uint8Array | undefined
  #closing: Promise<void> | undefined
  #over = false

  constructor(localPeer: string, remotePeer: string, initiator: boolean, conditions: Conditions) {
    this.localPeer = localPeer
    this.remotePeer = remotePeer
    this.initiator = initiator
    this.#conditions = conditions
    this.#receiver = new Receiver(this.#inbox, (error) => this.#end(error))
    this.ended = this.#receiver.ended
    const isFull = (): boolean => this.#inFlightBytes + this.#peer.#inbox.bytes > HIGH_WATER_BYTES
    const sink: ByteSink = {
      write: (frame) => this.#transmit(frame),
      get full() {
        return isFull()
      },
    }
    this.#sender = new Sender(sink)
  }

  connect(far: MemoryChannel): void {
    this.#far = far
  }

  get #peer(): MemoryChannel {
    if (this.#far === undefined) throw new TypeError('one end of a channel is missing')
    return this.#far
  }

  async send(frame: Uint8Array, options: SendOptions = {}): Promise<void> {
    if (this.#receiver.failure !== undefined) throw this.#receiver.failure
    if (this.#closing !== undefined) throw new NetworkError('CLOSED', 'the channel is closed')
    await this.#sender.send(frame.slice(), options.signal)
  }

  receive(options?: { readonly signal?: AbortSignal; readonly maxBytes?: number }): Promise<Uint8Array> {
    return this.#receiver.receive(options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  abort(reason: Error = new NetworkError('ABORTED', 'the channel was aborted')): void {
    this.#end(reason)
  }

  async #close(): Promise<void> {
    if (this.#over) return
    await this.#sender.flush()
    this.#release()
    this.#arrive(() => this.#peer.#finish())
    this.#fail(new NetworkError('CLOSED', 'the channel is closed'), 'closed')
  }

  #finish(): void {
    this.#receiver.finish()
    void this.ended.then(() => this.close())
  }

  #transmit(frame: Uint8Array): void {
    const faults = this.#conditions.faults()
    if (this.#chance(faults.loss)) {
      this.#end(new NetworkError('ABORTED', 'the connection was lost'))
      return
    }
    if (this.#held === undefined && this.#chance(faults.reordering)) {
      this.#held = frame
      // Nothing else may come after it.
      this.#conditions.clock.after(100, () => this.#release())
      return
    }
    this.#carry(frame)
    if (this.#chance(faults.duplication)) this.#carry(frame)
    this.#release()
  }

  /** Sends the frame that was held back. */
  #release(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined && !this.#over) this.#carry(held)
  }

  #carry(frame: Uint8Array): void {
    this.#inFlightBytes += frame.length
    this.#arrive(() => {
      this.#inFlightBytes -= frame.length
      this.#peer.#deliver(frame.slice())
      this.#sender.pump()
    })
  }

  #deliver(frame: Uint8Array): void {
    if (this.#over) return
    this.#inbox.push(frame)
    this.#receiver.serve()
  }

  /** Runs `what` at the other end when everything sent before has arrived there. */
  #arrive(what: () => void): void {
    const { clock, random } = this.#conditions
    const { delayMs } = this.#conditions.faults()
    const ms = typeof delayMs === 'number' ? delayMs : delayMs[0] + random() * (delayMs[1] - delayMs[0])
    const now = clock.now()
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, now + ms)
    if (this.#arrivesAtMs > now) clock.after(this.#arrivesAtMs - now, what)
    else queueMicrotask(what)
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#conditions.random() < probability
  }

  /** Ends both sides, without a word of why on the other. */
  #end(reason: Error): void {
    if (this.#over) return
    this.#fail(
      reason instanceof NetworkError
        ? reason
        : new NetworkError('ABORTED', 'the channel was aborted', { cause: reason }),
      endOfReason(reason),
    )
    this.#arrive(() =>
      this.#peer.#fail(new NetworkError('ABORTED', 'the other side aborted the channel'), 'aborted'),
    )
  }

  #fail(error: NetworkError, end: ChannelEnd): void {
    this.#over = true
    this.#receiver.fail(error, end)
    this.#sender.fail(error)
  }
}

/** Frames that arrived and were not received. */
class Inbox implements FrameSource {
  readonly #frames: Uint8Array[] = []
  readonly #onTaken: () => void
  bytes = 0

  constructor(onTaken: () => void) {
    this.#onTaken = onTaken
  }

  get atBoundary(): boolean {
    return this.#frames.length === 0
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.bytes += frame.length
  }

  next(maxBytes: number): Uint8Array | undefined {
    const frame = this.#frames[0]
    if (frame === undefined) return undefined
    if (frame.length > maxBytes)
      throw new NetworkError('TOO_LARGE', `a frame of ${frame.length} bytes, ${maxBytes} allowed`)
    this.#frames.shift()
    this.bytes -= frame.length
    this.#onTaken()
    return frame
  }

  clear(): void {
    this.#frames.length = 0
    this.bytes = 0
  }
}
