import { type Message, WireError } from '@vestibule/keys/wire'
import { NetworkError } from '../errors.ts'
import { type Channel, DEFAULT_MAX_FRAME_BYTES } from './channel.ts'

/** A {@link Channel} whose frames are protobuf messages: `S` goes out, `R` comes in. */
export interface TypedChannel<S, R> {
  readonly channel: Channel
  /** @throws as {@link Channel.send} */
  send(value: S, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** @throws as {@link Channel.receive}; a frame that is no `R` aborts the channel and throws `MALFORMED` */
  receive(options?: { readonly signal?: AbortSignal }): Promise<R>
  /** Sends, then receives. One request at a time: answers carry no number. */
  request(value: S, options?: { readonly signal?: AbortSignal }): Promise<R>
  close(): Promise<void>
  abort(reason?: Error): void
}

/**
 * Puts message types on a channel. Messages are read leniently, so that versions with more fields interoperate.
 * @param types.maxBytes the longest frame accepted
 * @example
 * const rpc = typedChannel(channel, { send: Request, receive: Response, maxBytes: 4_096 })
 * const response = await rpc.request({ question: 'ready?' }, { signal })
 */
export function typedChannel<S, R>(
  channel: Channel,
  types: { readonly send: Message<S>; readonly receive: Message<R>; readonly maxBytes?: number },
): TypedChannel<S, R> {
  const maxBytes = types.maxBytes ?? DEFAULT_MAX_FRAME_BYTES
  const typed: TypedChannel<S, R> = {
    channel,
    send: (value, options) => channel.send(types.send.encode(value), options),
    async receive(options) {
      const frame = await channel.receive({ ...options, maxBytes })
      try {
        return types.receive.parseLenient(frame)
      } catch (cause) {
        if (!(cause instanceof WireError)) throw cause
        const error = new NetworkError('MALFORMED', `a frame is not a ${types.receive.name}`, { cause })
        channel.abort(error)
        throw error
      }
    },
    async request(value, options) {
      await typed.send(value, options)
      return typed.receive(options)
    },
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
  }
  return typed
}
