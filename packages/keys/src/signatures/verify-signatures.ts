import { inLanes } from '../lanes.ts'
import type { PublicKey } from '../public-key.ts'
import { fastestBackend, type SignatureBackend, verifySignature, workingWebCrypto } from './signature.ts'

/** One signature to check; `message` and `signature` are only read, and stay the caller's. */
export interface SignedMessage {
  readonly key: PublicKey
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** Below this many the way to WebCrypto's threads and back costs more than they save. */
const WORTHWHILE = 16

/**
 * Checks many signatures, each by the rule of {@link verifySignature}; one that is wrong spoils no other.
 *
 * Many at once are given to WebCrypto, which checks them on threads of its own: with cores to spare about twice
 * as fast as one after the other, and the caller's thread stays free. Without it, or for a few, the backend of
 * `verifySignature` does.
 *
 * @param signal aborting stops what was not begun; the promise rejects with its reason
 * @returns the verdicts, in the order of the items
 *
 * @example
 * const valid = await verifySignatures([{ key, message, signature }])
 */
export async function verifySignatures(
  items: Iterable<SignedMessage>,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<boolean[]> {
  signal?.throwIfAborted()
  const list = [...items]
  const web = list.length < WORTHWHILE ? undefined : await workingWebCrypto()
  if (web === undefined) return oneByOne(list, await fastestBackend(), signal)
  return inLanes(list, ({ key, message, signature }) => verifySignature(key, message, signature, web), signal)
}

async function oneByOne(
  list: readonly SignedMessage[],
  backend: SignatureBackend,
  signal: AbortSignal | undefined,
): Promise<boolean[]> {
  const verdicts: boolean[] = []
  for (const { key, message, signature } of list) {
    // These backends never leave the thread by themselves: let others have it now and then.
    if (verdicts.length % WORTHWHILE === WORTHWHILE - 1) await new Promise((resolve) => setTimeout(resolve))
    signal?.throwIfAborted()
    verdicts.push(await verifySignature(key, message, signature, backend))
  }
  return verdicts
}
