import { nodeCrypto } from '../curve/native-keys.ts'
import { BASE_POINT, GENUINE, MIXED_POINT, MIXED_R } from './probes.ts'

/** The part of the optional package `sodium-native` that is used. */
export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** Whether it is the canonical encoding of a point of prime order. */
  crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean
}

/** Loading it takes as long as it saves on some hundred signatures; who checks a few does without. */
const WORTH_LOADING = 500

let asked = 0
let loading: Promise<Sodium | undefined> | undefined
let loaded: Sodium | undefined

/**
 * libsodium, where its package is installed, once there was so much to check that loading it pays. Only who has as many
 * to check at once waits for it.
 * @param count how many signatures are to be checked now
 */
export async function sodiumFor(count: number): Promise<Sodium | undefined> {
  asked += count
  if (asked < WORTH_LOADING) return undefined
  const sodium = loadSodium()
  return count < WORTH_LOADING ? loaded : sodium
}

/** libsodium, where its package is installed. */
export function loadSodium(): Promise<Sodium | undefined> {
  loading ??= (async () => {
    // A browser is not asked for it.
    if (nodeCrypto() === undefined) return undefined
    try {
      const { default: sodium } = await importByName('sodium-native')
      if (hasOurAcceptSet(sodium)) loaded = sodium
    } catch {
      // It is not installed, or another version of it, with other functions.
    }
    return loaded
  })()
  return loading
}

/** libsodium, when it has been loaded. */
export const loadedSodium = (): Sodium | undefined => loaded

/** The file that libsodium was loaded from, for another thread to load. */
export function fileOf(sodium: Sodium): string | undefined {
  const loadedModules = globalThis.process?.getBuiltinModule?.('node:module')?.createRequire('/').cache ?? {}
  return Object.values(loadedModules).find((one) => one?.exports === sodium)?.filename
}

/** Bundlers follow names that they can read, and fail where an optional package is not there. */
const importByName = (name: string): Promise<{ readonly default: Sodium }> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ name)

/**
 * libsodium's releases compare R with their own as bytes, which is the equation without the cofactor; its development
 * branch has the one with it, which takes more. A space whose members differ has forked, so each copy is tried first.
 * The point is one that was taken for one of prime order (CVE-2025-69277).
 */
export function hasOurAcceptSet(sodium: Sodium): boolean {
  const takes = ({ key, message, signature }: typeof GENUINE) =>
    sodium.crypto_sign_verify_detached(signature, message, key)
  return (
    takes(GENUINE) &&
    !takes(MIXED_R) &&
    sodium.crypto_core_ed25519_is_valid_point(BASE_POINT) &&
    !sodium.crypto_core_ed25519_is_valid_point(MIXED_POINT)
  )
}
