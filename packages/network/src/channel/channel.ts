/** The longest frame a `receive` takes when it names no limit of its own: 1 MiB. */
export const DEFAULT_MAX_FRAME_BYTES = 1024 * 1024

/** How a channel came to its end. */
export type ChannelEnd =
  /** One side called `close`, and everything sent before it arrived. */
  | 'closed'
  /** The connection broke, or one side called `abort`. */
  | 'aborted'
  /** A frame was longer than its receiver allowed. */
  | 'too-large'
  /** One side aborted with a `TIMED_OUT` error. */
  | 'timed-out'

/** How a frame is sent. */
export interface SendOptions {
  readonly signal?: AbortSignal
  /** Gives the bytes to the channel, which then need not copy them: nobody changes them any more, sent or not. */
  readonly transfer?: boolean
}

/**
 * One stream of frames between two peers whose ids the transport has authenticated: reliable, ordered, with
 * back-pressure in both directions. On the wire each frame follows its length as an unsigned varint.
 *
 * This is a port: libp2p and the in-memory network implement it, and both pass `channelSuite` of
 * `@vestibule/network/testing`.
 */
export interface Channel {
  /** The id of this end. */
  readonly localPeer: string
  /** The id of the other end, as the transport authenticated it. */
  readonly remotePeer: string
  /** Whether this end opened the channel. */
  readonly initiator: boolean
  /**
   * Sends one frame; resolves when the transport can take more. The bytes are copied before this returns, unless they are
   * given away: see {@link SendOptions.transfer}.
   * Aborting stops the wait, not a frame that is already on its way.
   * @throws NetworkError `CLOSED`, `ABORTED`; or the signal's reason
   */
  send(frame: Uint8Array, options?: SendOptions): Promise<void>
  /**
   * Gives the next frame; the bytes belong to the caller. Several calls may wait at once and are served in
   * order. Aborting one takes nothing from the channel: the next call gets the frame.
   * @param options.maxBytes the longest frame accepted, {@link DEFAULT_MAX_FRAME_BYTES} unless given. A longer
   *   one aborts the channel as soon as its length is read, before anything is allocated for it.
   * @throws NetworkError `CLOSED` after a clean end, `ABORTED`, `TOO_LARGE`, `MALFORMED`; or the signal's reason
   */
  receive(options?: { readonly signal?: AbortSignal; readonly maxBytes?: number }): Promise<Uint8Array>
  /** Sends what is waiting, then ends the channel cleanly. Idempotent; never throws. */
  close(): Promise<void>
  /** Ends the channel at once, without sending what is waiting. Idempotent. */
  abort(reason?: Error): void
  /** How the channel ended. A clean end of the other side counts once its last frame was received. Never rejects. */
  readonly ended: Promise<ChannelEnd>
}

/** @returns which end an abort for this reason is */
export function endOfReason(reason: unknown): ChannelEnd {
  const code = (reason as { code?: unknown } | undefined)?.code
  return code === 'TOO_LARGE' ? 'too-large' : code === 'TIMED_OUT' ? 'timed-out' : 'aborted'
}
