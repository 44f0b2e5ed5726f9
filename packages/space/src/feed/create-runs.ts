import type { Signer } from '@vestibule/keys'
import { createBatch, type FeedHead, type FeedRun, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './entry.ts'

/**
 * Continues a feed by payloads under as few signatures as they need; nothing is stored.
 * @throws SpaceError `TOO_LARGE`; KeysError when the feed's key is not held
 */
export async function createRuns(
  signer: Signer,
  head: FeedHead,
  payloads: readonly Uint8Array[],
): Promise<FeedRun[]> {
  const runs: FeedRun[] = []
  for (let at = 0; at < payloads.length; ) {
    const end = endOfBatch(payloads, at)
    runs.push(await createBatch(signer, runs.at(-1)?.head ?? head, payloads.slice(at, end)))
    at = end
  }
  return runs
}

/** How far a batch goes that begins at a payload: at least behind that one. */
function endOfBatch(payloads: readonly Uint8Array[], from: number): number {
  let bytes = payloads[from]?.length ?? 0
  let end = from + 1
  while (end < payloads.length && end - from < MAX_BATCH_ENTRIES) {
    bytes += payloads[end]?.length ?? 0
    if (bytes > MAX_BATCH_BYTES) break
    end++
  }
  return end
}
