import { inLanes } from '../lanes.ts'
import type { PublicKey } from '../public-key.ts'
import { fastestBackend, threadedBackend } from './backends.ts'
import { verifySignature } from './signature.ts'

/** One signature to check; `message` and `signature` are only read, and stay the caller's. */
export interface SignedMessage {
  readonly key: PublicKey
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** Below this many the way to other threads and back costs more than they save. */
const WORTHWHILE = 16

/**
 * Checks many signatures, each by the rule of {@link verifySignature}; one that is wrong spoils no other.
 *
 * Many at once are shared between the caller's thread and others, with cores to spare about twice as fast as one after
 * the other; the caller's thread is let go about every millisecond. In a browser WebCrypto's threads do it all.
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
  const count = list.length
  const backend = await (count < WORTHWHILE ? fastestBackend(count) : threadedBackend(count))
  return inLanes(
    list,
    ({ key, message, signature }) => verifySignature(key, message, signature, backend),
    signal,
  )
}
