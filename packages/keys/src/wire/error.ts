export type WireErrorCode =
  /** Not an encoding of this message: cut, wrong wire type, wrong length, invalid UTF-8. */
  | 'MALFORMED'
  /** A field or list is longer than its schema allows. */
  | 'TOO_LARGE'
  /** Decodes, but is not the one encoding of its value. */
  | 'NOT_CANONICAL'

/** Bytes that are not an acceptable encoding of a message. The text names the message and field, never a value. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode
  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
