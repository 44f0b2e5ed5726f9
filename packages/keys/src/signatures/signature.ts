import { ed25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { base64Url } from '../curve/native-keys.ts'
import { hasPrimeOrder } from '../curve/prime-order.ts'
import { isInPrimeSubgroup } from '../curve/subgroup.ts'
import { PublicKey } from '../public-key.ts'

/** Length of an Ed25519 signature in bytes (RFC 8032, section 5.1.6). */
export const SIGNATURE_BYTES = 64

/** Checks the cofactorless Ed25519 equation; one implementation of the last step of {@link verifySignature}. */
export interface SignatureBackend {
  readonly name: 'noble' | 'node' | 'webcrypto'
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** The group's order L = 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 8032, section 5.1). */
const ORDER = ed25519.Point.Fn.ORDER
const safeKeys = new WeakMap<PublicKey, boolean>()

/**
 * Whether signatures may be checked against a key at all: a canonical encoding of a point in the
 * prime-order subgroup that is not the identity. Computed once for each key, then remembered.
 */
export function isSafeKey(key: PublicKey): boolean {
  let safe = safeKeys.get(key)
  if (safe === undefined) {
    safe = pointIsSafe(key.toBytes())
    safeKeys.set(key, safe)
  }
  return safe
}

/** For keys that were made here, of a scalar times the base point: they are in the subgroup by construction. */
export function rememberSafeKey(key: PublicKey): void {
  safeKeys.set(key, true)
}

function pointIsSafe(encoded: Uint8Array): boolean {
  const native = hasPrimeOrder(encoded)
  if (native !== undefined) return native
  const point = decode(encoded)
  return point !== undefined && !point.is0() && isInPrimeSubgroup(point.toAffine())
}

function pointIsTorsionFree(encoded: Uint8Array): boolean {
  const point = decode(encoded)
  return point !== undefined && isInPrimeSubgroup(point.toAffine())
}

/** A point from its canonical encoding, `undefined` for anything else. */
function decode(encoded: Uint8Array): InstanceType<typeof ed25519.Point> | undefined {
  try {
    return ed25519.Point.fromBytes(encoded, false)
  } catch {
    // noble throws for what is no point, or another encoding of one.
    return undefined
  }
}

/** noble: the reference, and the fallback where the runtime has no Ed25519. */
export const nobleBackend: SignatureBackend = {
  name: 'noble',
  // noble multiplies by the cofactor. With A torsion-free, its verdict differs from the cofactorless
  // equation's just where R has a torsion component, so such an R is refused.
  verify: (key, message, signature) =>
    pointIsTorsionFree(signature.subarray(0, 32)) &&
    ed25519.verify(signature, message, key.toBytes(), { zip215: false }),
}

/** `node:crypto` (OpenSSL), or `undefined` where it is not there. */
export function nodeBackend(): SignatureBackend | undefined {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto')
  if (crypto === undefined) return undefined
  const imported = new WeakMap<PublicKey, ReturnType<typeof crypto.createPublicKey>>()
  return {
    name: 'node',
    verify: (key, message, signature) => {
      let native = imported.get(key)
      if (native === undefined) {
        const x = base64Url(key.toBytes())
        native = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
        imported.set(key, native)
      }
      return crypto.verify(null, message, native, signature)
    },
  }
}

/** WebCrypto, or `undefined` where there is no `crypto.subtle` (an insecure page). */
export function webCryptoBackend(): SignatureBackend | undefined {
  const subtle = globalThis.crypto?.subtle
  if (subtle === undefined) return undefined
  const imported = new WeakMap<PublicKey, Promise<CryptoKey>>()
  return {
    name: 'webcrypto',
    verify: async (key, message, signature) => {
      // Copied before anything is waited for: what was checked is what is verified.
      const [signed, data] = [own(signature), own(message)]
      let native = imported.get(key)
      if (native === undefined) {
        native = subtle.importKey('raw', own(key.toBytes()), 'Ed25519', false, ['verify'])
        imported.set(key, native)
      }
      return subtle.verify('Ed25519', await native, signed, data)
    },
  }
}

/** WebCrypto's types ask for bytes that are not shared between threads. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

/** A signature that every implementation takes (RFC 8032, section 7.1, TEST 2). */
const PROBE = {
  key: PublicKey.fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
  message: Uint8Array.of(0x72),
  signature: hexToBytes(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ),
}

let working: Promise<SignatureBackend | undefined> | undefined

/** WebCrypto, where it is there and knows Ed25519; tried once. */
export function workingWebCrypto(): Promise<SignatureBackend | undefined> {
  working ??= (async () => {
    const web = webCryptoBackend()
    if (web === undefined) return undefined
    const works = await Promise.resolve(web.verify(PROBE.key, PROBE.message, PROBE.signature)).catch(
      () => false,
    )
    return works ? web : undefined
  })()
  return working
}

let chosen: Promise<SignatureBackend> | undefined

/** The fastest backend of this runtime that verifies at all. Browsers without Ed25519 in WebCrypto get noble. */
export function fastestBackend(): Promise<SignatureBackend> {
  chosen ??= (async () => nodeBackend() ?? (await workingWebCrypto()) ?? nobleBackend)()
  return chosen
}

/**
 * The backend for many signatures at once: WebCrypto where it works, which checks them on threads of its own, or
 * else the one that {@link verifySignature} takes by itself.
 */
export async function threadedBackend(): Promise<SignatureBackend> {
  return (await workingWebCrypto()) ?? fastestBackend()
}

/**
 * Whether `signature` (64 bytes) over `message` was made by `key`: Ed25519 with one accept-set on every
 * runtime, so that all members of a space agree. Canonical `A` and `R`, neither of them the identity, `S < L`, `A`
 * in the prime-order subgroup, and the equation without the cofactor, `[S]B = R + [k]A`.
 *
 * Anything else is `false`, whatever its length; nothing is thrown for odd input.
 *
 * @param backend which implementation checks the equation; the fastest of this runtime unless given
 * @see RFC 8032, section 5.1.7; Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (ePrint 2020/1244)
 */
export async function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
  backend?: SignatureBackend,
): Promise<boolean> {
  const equation = backend ?? (await fastestBackend())
  if (signature.length !== SIGNATURE_BYTES || !isAcceptable(signature) || !isSafeKey(key)) return false
  return equation.verify(key, message, signature)
}

/**
 * `S < L`, R's y-coordinate below the field's prime, and R not the identity, checked here because backends differ:
 * Node 24 refuses the identity, Chromium and noble take it. No honest signer makes it: S = k a would tell its key.
 */
function isAcceptable(signature: Uint8Array): boolean {
  const [topOfS, topOfR] = [signature[63] ?? 0, (signature[31] ?? 0) & 0x7f]
  // Far from every bound: S < 2^252 < L, and R's y is above 1 and below p - 1. So are nearly all.
  if (topOfS < 0x10 && topOfR > 0 && topOfR < 0x7f) return true
  const s = littleEndian(signature.subarray(32))
  if (s >= ORDER) return false
  const r = signature.slice(0, 32)
  const signOfX = (r[31] ?? 0) >>> 7
  r[31] = (r[31] ?? 0) & 0x7f
  const y = littleEndian(r)
  if (y >= ed25519.Point.Fp.ORDER) return false
  // y = 1 and y = -1 are the points with x = 0. One is the identity; of the other the sign bit may not be set.
  return y !== 1n && !(signOfX === 1 && y === ed25519.Point.Fp.ORDER - 1n)
}

function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  return (
    view.getBigUint64(0, true) |
    (view.getBigUint64(8, true) << 64n) |
    (view.getBigUint64(16, true) << 128n) |
    (view.getBigUint64(24, true) << 192n)
  )
}
