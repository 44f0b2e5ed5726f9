import { NetworkError } from '../errors.ts'

/** A length prefix takes at most this many bytes: frames of 2^31 bytes and more do not exist here. */
const MAX_PREFIX_BYTES = 5
const NOTHING = new Uint8Array()

/** The length of a frame as an unsigned varint, and room for what comes behind it. */
export function encodeLength(frame: Uint8Array, room = 0): Uint8Array {
  let prefixBytes = 1
  for (let rest = frame.length; rest > 0x7f; rest = Math.floor(rest / 128)) prefixBytes++
  const out = new Uint8Array(prefixBytes + room)
  let rest = frame.length
  for (let i = 0; i < prefixBytes; i++) {
    out[i] = (rest % 128) | (i < prefixBytes - 1 ? 0x80 : 0)
    rest = Math.floor(rest / 128)
  }
  return out
}

/** Puts a frame behind its length, in one new buffer. */
export function encodeFrame(frame: Uint8Array): Uint8Array {
  const out = encodeLength(frame, frame.length)
  out.set(frame, out.length - frame.length)
  return out
}

/**
 * Bytes that arrived, and the frames in them. Lengths are looked at only when somebody asks for a frame,
 * because the limit is theirs; nothing is allocated before the length has passed it.
 */
export class FrameBuffer {
  #chunks: Uint8Array[] = []
  /** Chunks at the front that are used up. They go many at a time, so that no sizes of pieces make reading slow. */
  #used = 0
  /** Bytes of the first chunk after those that are used up. */
  #offset = 0
  #length = 0
  /** Length of the frame at the front, once its prefix was read and taken off. */
  #expected: number | undefined

  /** Bytes held. */
  get length(): number {
    return this.#length
  }

  /** Whether the bytes held end between two frames. */
  get atBoundary(): boolean {
    return this.#length === 0 && this.#expected === undefined
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  clear(): void {
    this.#chunks = []
    this.#used = 0
    this.#offset = 0
    this.#length = 0
    this.#expected = undefined
  }

  /**
   * @returns the next frame, or `undefined` while it is incomplete
   * @throws NetworkError `TOO_LARGE` or, for a length that is not a minimal varint, `MALFORMED`
   */
  next(maxBytes: number): Uint8Array | undefined {
    this.#expected ??= this.#readPrefix()
    if (this.#expected === undefined) return undefined
    if (this.#expected > maxBytes)
      throw new NetworkError('TOO_LARGE', `a frame of ${this.#expected} bytes, ${maxBytes} allowed`)
    if (this.#length < this.#expected) return undefined
    const frame = this.#take(this.#expected)
    this.#expected = undefined
    return frame
  }

  #readPrefix(): number | undefined {
    let value = 0
    for (let i = 0; i < MAX_PREFIX_BYTES; i++) {
      const byte = this.#peek(i)
      if (byte === undefined) return undefined
      value += (byte & 0x7f) * 128 ** i
      if (byte & 0x80) continue
      if (byte === 0 && i > 0) throw new NetworkError('MALFORMED', 'a frame length is not a minimal varint')
      this.#skip(i + 1)
      return value
    }
    throw new NetworkError('MALFORMED', `a frame length has more than ${MAX_PREFIX_BYTES} bytes`)
  }

  #peek(index: number): number | undefined {
    let at = this.#offset + index
    for (let n = this.#used; n < this.#chunks.length; n++) {
      const chunk = this.#chunks[n] as Uint8Array
      if (at < chunk.length) return chunk[at]
      at -= chunk.length
    }
    return undefined
  }

  #take(count: number): Uint8Array {
    // A million empty frames fit a megabyte; each array of its own would cost its peer nothing and this end a second.
    if (count === 0) return NOTHING
    const out = new Uint8Array(count)
    for (let filled = 0; filled < count; ) {
      const chunk = this.#chunks[this.#used] as Uint8Array
      const part = chunk.subarray(this.#offset, this.#offset + count - filled)
      out.set(part, filled)
      filled += part.length
      this.#skip(part.length)
    }
    return out
  }

  /** Goes on behind so many bytes, all of which are held. */
  #skip(count: number): void {
    this.#length -= count
    this.#offset += count
    for (let chunk = this.#chunks[this.#used]; chunk !== undefined && this.#offset >= chunk.length; ) {
      this.#offset -= chunk.length
      this.#chunks[this.#used++] = NOTHING
      chunk = this.#chunks[this.#used]
    }
    if (this.#used > this.#chunks.length / 2) {
      this.#chunks.splice(0, this.#used)
      this.#used = 0
    }
  }
}
