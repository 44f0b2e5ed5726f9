/** What went wrong, for programs. */
export type NetworkErrorCode =
  /** The other side, or this one, ended the channel cleanly. */
  | 'CLOSED'
  /** The channel or its connection broke, or one side gave up on it. */
  | 'ABORTED'
  /** A frame is longer than the receiver allows. */
  | 'TOO_LARGE'
  /** A deadline passed. */
  | 'TIMED_OUT'
  /** The other side does not speak the protocol, does not know the topic, or said no. */
  | 'REFUSED'
  /** Nobody answers at the given addresses. */
  | 'UNREACHABLE'
  /** Bytes that are not what the protocol says. */
  | 'MALFORMED'
  /** This manager already takes part in a swarm of the same topic. */
  | 'ALREADY_JOINED'
  /** The node or manager is not running. */
  | 'STOPPED'

/** The one error class of this package. Compare `code`, never the text. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: NetworkErrorCode
  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Gives back a {@link NetworkError} as it is and wraps anything else, keeping it as the cause. */
export function toNetworkError(
  cause: unknown,
  code: NetworkErrorCode = 'ABORTED',
  message = 'the operation failed',
): NetworkError {
  if (cause instanceof NetworkError) return cause
  return new NetworkError(code, message, { cause })
}
