import { ed25519, ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/**
 * CPace (draft-irtf-cfrg-cpace-21) with the group ristretto255 and SHA-512, initiator-responder.
 * Functions are named as in the draft. Nothing here draws randomness: scalars come from bytes handed in.
 */

/** Length of an encoded group element and of a scalar (draft, section "CPace group objects"). */
export const CPACE_ELEMENT_BYTES = 32
/** Random bytes that {@link sampleScalar} reduces to a scalar; twice its length, so that none is favoured. */
export const CPACE_RANDOM_BYTES = 64
/** Length of the session key `ISK`. */
export const CPACE_ISK_BYTES = 64

const DSI = utf8ToBytes('CPaceRistretto255')
const DSI_ISK = utf8ToBytes('CPaceRistretto255_ISK')
/** Input block size of SHA-512, `H.s_in_bytes`. */
const S_IN_BYTES = 128
const ORDER = ed25519.Point.Fn.ORDER

/** `prepend_len`: the data behind its length as unsigned LEB128. */
export function prependLen(data: Uint8Array): Uint8Array {
  const length: number[] = []
  let rest = data.length
  do {
    length.push(rest < 128 ? rest : (rest & 0x7f) | 0x80)
    rest >>>= 7
  } while (rest > 0)
  return concatBytes(Uint8Array.from(length), data)
}

/** `lv_cat`: every part behind its length. */
export function lvCat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...parts.map(prependLen))
}

/** `generator_string`: domain, password-related string and padding fill the first block of the hash. */
export function generatorString(prs: Uint8Array, ci: Uint8Array, sid: Uint8Array): Uint8Array {
  const padding = Math.max(0, S_IN_BYTES - 1 - prependLen(prs).length - prependLen(DSI).length)
  return lvCat(DSI, prs, new Uint8Array(padding), ci, sid)
}

/** `calculate_generator`: the secret generator, encoded. */
export function calculateGenerator(prs: Uint8Array, ci: Uint8Array, sid: Uint8Array): Uint8Array {
  const uniform = sha512(generatorString(prs, ci, sid))
  return (ristretto255_hasher.deriveToCurve as (bytes: Uint8Array) => { toBytes(): Uint8Array })(
    uniform,
  ).toBytes()
}

/**
 * `sample_scalar`: a scalar, 32 bytes little-endian, from 64 uniform bytes.
 * @throws TypeError for another number of bytes
 */
export function sampleScalar(random: Uint8Array): Uint8Array {
  if (random.length !== CPACE_RANDOM_BYTES)
    throw new TypeError(`expected ${CPACE_RANDOM_BYTES} random bytes, got ${random.length}`)
  // From 1 to the order less one: zero would make every share the identity.
  return encodeScalar((decodeLittleEndian(random) % (ORDER - 1n)) + 1n)
}

/** `scalar_mult(y, g)`: the share to send. `g` comes from {@link calculateGenerator}, so it always decodes. */
export function scalarMult(y: Uint8Array, g: Uint8Array): Uint8Array {
  return ristretto255.Point.fromBytes(g).multiply(decodeScalar(y)).toBytes()
}

/**
 * `scalar_mult_vfy(y, X)`: the shared element, or `undefined` when `X` is no canonical encoding of a group
 * element, or is the identity: the exchange has to be aborted then.
 */
export function scalarMultVfy(y: Uint8Array, x: Uint8Array): Uint8Array | undefined {
  const element = decodeElement(x)
  return element?.multiply(decodeScalar(y)).toBytes()
}

/** Whether this is the canonical encoding of an element other than the identity. */
export function isValidShare(share: Uint8Array): boolean {
  return decodeElement(share) !== undefined
}

/** The session key of an exchange in which `a` began: `H(lv_cat(DSI_ISK, sid, K) ‖ lv_cat(Ya, ADa) ‖ lv_cat(Yb, ADb))`. */
export function sessionKeyIR(parts: {
  readonly sid: Uint8Array
  readonly k: Uint8Array
  readonly ya: Uint8Array
  readonly ada: Uint8Array
  readonly yb: Uint8Array
  readonly adb: Uint8Array
}): Uint8Array {
  const { sid, k, ya, ada, yb, adb } = parts
  return sha512(concatBytes(lvCat(DSI_ISK, sid, k), lvCat(ya, ada), lvCat(yb, adb)))
}

type Element = InstanceType<typeof ristretto255.Point>

function decodeElement(bytes: Uint8Array): Element | undefined {
  try {
    const element = ristretto255.Point.fromBytes(bytes)
    return element.is0() ? undefined : element
  } catch {
    // The library reports an encoding that it refuses by throwing; which rule it broke is no one's business.
    return undefined
  }
}

function decodeScalar(bytes: Uint8Array): bigint {
  const scalar = decodeLittleEndian(bytes)
  if (bytes.length !== CPACE_ELEMENT_BYTES || scalar === 0n || scalar >= ORDER)
    throw new TypeError('expected a scalar from sampleScalar')
  return scalar
}

function decodeLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value
}

function encodeScalar(value: bigint): Uint8Array {
  const out = new Uint8Array(CPACE_ELEMENT_BYTES)
  let rest = value
  for (let i = 0; i < out.length; i++, rest >>= 8n) out[i] = Number(rest & 0xffn)
  return out
}
