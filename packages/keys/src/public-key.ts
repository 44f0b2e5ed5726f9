import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { base58 } from '@scure/base'

/** Length of an Ed25519 public key in bytes (RFC 8032, section 5.1.5). */
export const PUBLIC_KEY_BYTES = 32

const DID_KEY_PREFIX = 'did:key:z'
/** The multicodec `ed25519-pub` as an unsigned varint (did:key method, section 3.1.3). */
const ED25519_MULTICODEC = new Uint8Array([0xed, 0x01])
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/**
 * An Ed25519 public key: 32 bytes, in the encoding of RFC 8032.
 *
 * Equal keys are the same object, so `===`, `Map` and `Set` do what one expects. Two copies of this package
 * in one process have keys of their own; `equals` compares across them.
 *
 * Being 32 bytes long is all that is checked here: whether they are a point that signatures may be
 * checked against is part of `verifySignature`.
 *
 * @example
 * const key = PublicKey.from('did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw')
 * key === PublicKey.from(key.toHex()) // true
 */
export class PublicKey {
  static readonly #interned = new Map<string, WeakRef<PublicKey>>()
  static readonly #collected = new FinalizationRegistry<string>((text) => {
    if (PublicKey.#interned.get(text)?.deref() === undefined) PublicKey.#interned.delete(text)
  })

  readonly #bytes: Uint8Array
  /** Made when it is first asked for. */
  #hex: string | undefined

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /**
   * A key from its 32 bytes (copied), or from text: 64 hex digits, base58 (Bitcoin's alphabet) or `did:key`.
   * @throws TypeError that says what it got, when the length or the encoding is wrong
   */
  static from(value: Uint8Array | string | PublicKey): PublicKey {
    if (value instanceof PublicKey) return value
    if (typeof value === 'string') {
      if (value.startsWith('did:')) return PublicKey.fromDid(value)
      return value.length === PUBLIC_KEY_BYTES * 2 ? PublicKey.fromHex(value) : PublicKey.fromBase58(value)
    }
    if (!(value instanceof Uint8Array))
      throw new TypeError(
        `expected a public key as bytes or text, got ${value === null ? 'null' : typeof value}`,
      )
    if (value.length !== PUBLIC_KEY_BYTES)
      throw new TypeError(`expected a public key of ${PUBLIC_KEY_BYTES} bytes, got ${value.length}`)
    return PublicKey.#intern(value)
  }

  /** @throws TypeError when it is not 64 hex digits */
  static fromHex(hex: string): PublicKey {
    if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw wrongText('64 hex digits', hex)
    return PublicKey.#intern(hexToBytes(hex))
  }

  static #intern(bytes: Uint8Array): PublicKey {
    const text = textOf(bytes)
    const known = PublicKey.#interned.get(text)?.deref()
    if (known !== undefined) return known
    const key = new PublicKey(new Uint8Array(bytes))
    PublicKey.#interned.set(text, new WeakRef(key))
    PublicKey.#collected.register(key, text)
    return key
  }

  /** @throws TypeError when it is not the base58 text of 32 bytes */
  static fromBase58(text: string): PublicKey {
    return PublicKey.from(decodeBase58(text, text))
  }

  /**
   * @throws TypeError when it is not the `did:key` of an Ed25519 key
   * @see W3C CCG, "The did:key Method"
   */
  static fromDid(did: string): PublicKey {
    if (!did.startsWith(DID_KEY_PREFIX)) throw wrongText(`a did:key (${DID_KEY_PREFIX}…)`, did)
    const raw = decodeBase58(did.slice(DID_KEY_PREFIX.length), did)
    if (raw[0] !== ED25519_MULTICODEC[0] || raw[1] !== ED25519_MULTICODEC[1])
      throw wrongText('the did:key of an Ed25519 key', did)
    return PublicKey.from(raw.subarray(2))
  }

  static isPublicKey(value: unknown): value is PublicKey {
    return value instanceof PublicKey
  }

  /** The 32 bytes, as a copy that belongs to the caller. */
  toBytes(): Uint8Array {
    return this.#bytes.slice()
  }

  toHex(): string {
    this.#hex ??= bytesToHex(this.#bytes)
    return this.#hex
  }

  toBase58(): string {
    return base58.encode(this.#bytes)
  }

  toDid(): string {
    return DID_KEY_PREFIX + base58.encode(concatBytes(ED25519_MULTICODEC, this.#bytes))
  }

  toString(): string {
    return this.toDid()
  }

  toJSON(): string {
    return this.toDid()
  }

  equals(other: PublicKey): boolean {
    return this === other || this.toHex() === other.toHex()
  }

  [INSPECT](): string {
    return `PublicKey(${this.toHex()})`
  }
}

/** Two bytes a character: the cheapest text that tells keys apart. */
function textOf(bytes: Uint8Array): string {
  const two = (at: number): number => (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
  // biome-ignore format: sixteen of the same need no line each
  return String.fromCharCode(
    two(0), two(2), two(4), two(6), two(8), two(10), two(12), two(14),
    two(16), two(18), two(20), two(22), two(24), two(26), two(28), two(30),
  )
}

function decodeBase58(text: string, whole: string): Uint8Array {
  // Base58 takes quadratic time; no encoding of a key is longer than this.
  if (text.length > 64) throw wrongText('a base58 public key', whole)
  try {
    return base58.decode(text)
  } catch {
    throw wrongText('a public key in hex, base58 or did:key', whole)
  }
}

/**
 * A public key is no secret, but what stands in its place by mistake may be one: a few characters are shown, and
 * none of a text with spaces, of which four letters tell a word of a recovery phrase.
 */
function wrongText(expected: string, got: string): TypeError {
  const shown = /\s/.test(got)
    ? 'text with spaces'
    : JSON.stringify(got.length > 4 ? `${got.slice(0, 4)}…` : got)
  return new TypeError(`expected ${expected}, got ${shown} (${got.length} characters)`)
}
