import type { Connection, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { untilAborted } from '../abort.ts'
import { type Channel, type ChannelEnd, endOfReason, type SendOptions } from '../channel/channel.ts'
import { encodeFrame, encodeLength, FrameBuffer } from '../channel/frame-buffer.ts'
import { Receiver } from '../channel/receiver.ts'
import { Sender } from '../channel/sender.ts'
import { NetworkError } from '../errors.ts'

/** Unread bytes above which the other side is made to wait: below libp2p's own 4 MiB, at which it resets. */
const HIGH_WATER_BYTES = 512 * 1024
/** Frames that are shorter go into one buffer with their length, as each piece becomes a message of the transport's. */
const SHORT_BYTES = 16 * 1024
/** How long a clean close may take before the stream is reset. */
const CLOSE_TIMEOUT_MS = 5_000
/** Streams of one protocol on one connection: one for each swarm that two peers share. libp2p allows 32. */
export const MAX_STREAMS_PER_PROTOCOL = 1_000

/**
 * A {@link Channel} over any libp2p 3 stream.
 * @example
 * node.handle('/example/1', (stream, connection) => serve(channelOverStream(stream, connection)))
 */
export function channelOverStream(stream: Stream, connection: Connection, localPeer: string): Channel {
  return new StreamChannel(stream, localPeer, connection.remotePeer.toString())
}

class StreamChannel implements Channel {
  readonly localPeer: string
  readonly remotePeer: string
  readonly initiator: boolean
  readonly ended: Promise<ChannelEnd>
  readonly #stream: Stream
  readonly #frames = new FrameBuffer()
  readonly #receiver: Receiver
  readonly #sender: Sender<Uint8Array | Uint8ArrayList>
  #remoteFinished = false
  #paused = false
  #closing: Promise<void> | undefined

  constructor(stream: Stream, localPeer: string, remotePeer: string) {
    this.localPeer = localPeer
    this.remotePeer = remotePeer
    this.initiator = stream.direction === 'outbound'
    this.#stream = stream
    this.#receiver = new Receiver(this.#frames, (error) => stream.abort(error))
    this.#sender = new Sender({
      write: (bytes) => {
        try {
          stream.send(bytes)
        } catch (cause) {
          throw this.#receiver.failure ?? new NetworkError('ABORTED', 'the stream takes no more', { cause })
        }
      },
      get full() {
        return stream.writableNeedsDrain
      },
    })
    this.ended = this.#receiver.ended
    // libp2p's own `onDrain` keeps the promise of the first drain for ever, so from the second on it would not
    // wait at all. The event is right.
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('end', this.#onEnd)
    stream.addEventListener('close', this.#onClose)
    if (stream.status !== 'open') this.#fail(new NetworkError('ABORTED', 'the stream is already over'))
  }

  async send(frame: Uint8Array, { signal, transfer = false }: SendOptions = {}): Promise<void> {
    if (this.#receiver.failure !== undefined) throw this.#receiver.failure
    if (this.#closing !== undefined) throw new NetworkError('CLOSED', 'the channel is closed')
    const isPiece = transfer && frame.length >= SHORT_BYTES
    const bytes = isPiece ? new Uint8ArrayList(encodeLength(frame), frame) : encodeFrame(frame)
    await this.#sender.send(bytes, signal)
  }

  receive(options?: { readonly signal?: AbortSignal; readonly maxBytes?: number }): Promise<Uint8Array> {
    const frame = this.#receiver.receive(options)
    this.#adjustFlow()
    return frame
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  abort(reason: Error = new NetworkError('ABORTED', 'the channel was aborted')): void {
    this.#fail(reason)
    this.#stream.abort(reason)
  }

  async #close(): Promise<void> {
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS)
    try {
      await untilAborted(this.#sender.flush(), signal)
      await this.#stream.close({ signal })
    } catch (cause) {
      this.#stream.abort(new NetworkError('ABORTED', 'the channel could not be closed cleanly', { cause }))
    }
    const closed = new NetworkError('CLOSED', 'the channel is closed')
    this.#receiver.fail(closed, 'closed')
    this.#sender.fail(closed)
    // The other side closes in answer. One that doesn't would hold the stream for as long as the connection.
    if (this.#remoteFinished || this.#stream.status !== 'open') return
    const reset = setTimeout(
      () => this.#stream.abort(new NetworkError('TIMED_OUT', 'no end')),
      CLOSE_TIMEOUT_MS,
    )
    this.#stream.addEventListener('close', () => clearTimeout(reset), { once: true })
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (this.#receiver.failure !== undefined) return
    for (const chunk of event.data instanceof Uint8Array ? [event.data] : event.data) this.#frames.push(chunk)
    this.#receiver.serve()
    this.#adjustFlow()
  }

  readonly #onDrain = (): void => this.#sender.pump()

  readonly #onRemoteCloseWrite = (): void => {
    this.#remoteFinished = true
  }

  readonly #onEnd = (): void => {
    // After a reset, or when the connection is gone, `close` says so; only an end the other side sent is clean.
    if (!this.#remoteFinished || this.#stream.status === 'aborted' || this.#stream.status === 'reset') return
    this.#receiver.finish()
    void this.ended.then(() => this.close())
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#stream.removeEventListener('drain', this.#onDrain)
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#stream.removeEventListener('end', this.#onEnd)
    this.#stream.removeEventListener('close', this.#onClose)
    if (event.error === undefined && this.#remoteFinished) this.#receiver.finish()
    else this.#fail(event.error ?? new NetworkError('ABORTED', 'the connection was lost'))
    this.#sender.fail(this.#receiver.failure ?? new NetworkError('ABORTED', 'the stream is over'))
  }

  #fail(reason: Error): void {
    const { code } = reason as { code?: unknown }
    const error =
      code === 'TIMED_OUT' || code === 'TOO_LARGE' || code === 'REFUSED' || code === 'ABORTED'
        ? (reason as NetworkError)
        : new NetworkError('ABORTED', 'the channel was aborted', { cause: reason })
    this.#receiver.fail(error, endOfReason(reason))
    this.#sender.fail(error)
  }

  /** Reads on while somebody waits for a frame or little is unread; otherwise lets the window run empty. */
  #adjustFlow(): void {
    if (this.#stream.status !== 'open' || this.#stream.readableEnded) return
    const full = !this.#receiver.hungry && this.#frames.length > HIGH_WATER_BYTES
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#stream.pause()
    else this.#stream.resume()
  }
}

/**
 * Opens a channel on a connection, a relayed one too.
 * @throws NetworkError `REFUSED` if the other side doesn't speak the protocol, `UNREACHABLE` if the connection
 *   is gone; or the signal's reason
 */
export async function openChannel(
  connection: Connection,
  protocol: string,
  localPeer: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Channel> {
  try {
    const stream = await connection.newStream(protocol, {
      ...options,
      runOnLimitedConnection: true,
      maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL,
    })
    return channelOverStream(stream, connection, localPeer)
  } catch (cause) {
    options.signal?.throwIfAborted()
    if ((cause as Error).name === 'UnsupportedProtocolError')
      throw new NetworkError('REFUSED', `the other side does not speak ${protocol}`, { cause })
    throw new NetworkError('UNREACHABLE', 'the connection takes no new stream', { cause })
  }
}
