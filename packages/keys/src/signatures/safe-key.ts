import { ed25519 } from '@noble/curves/ed25519.js'
import { hasPrimeOrder } from '../curve/prime-order.ts'
import { isInPrimeSubgroup } from '../curve/subgroup.ts'
import type { PublicKey } from '../public-key.ts'
import { loadedSodium } from './sodium.ts'

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
  const native = loadedSodium()?.crypto_core_ed25519_is_valid_point(encoded) ?? hasPrimeOrder(encoded)
  if (native !== undefined) return native
  const point = decode(encoded)
  return point !== undefined && !point.is0() && isInPrimeSubgroup(point.toAffine())
}

/** Whether bytes are the canonical encoding of a point without a component of small order; the identity is one. */
export function pointIsTorsionFree(encoded: Uint8Array): boolean {
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
