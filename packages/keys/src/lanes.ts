/** Enough to keep every thread busy; more only fills queues. */
const AT_ONCE = 160

/**
 * Does something for each of many items, a few at a time, and gives the results in the order of the items. All
 * lanes draw from one iterator, so that a slow item holds up no other. What one throws stops them all.
 *
 * @param signal aborting stops what was not begun; the promise rejects with its reason
 */
export async function inLanes<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const results: R[] = new Array(items.length)
  const queue = items.entries()
  let failed = false
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return
      signal?.throwIfAborted()
      results[index] = await work(item)
    }
  }
  const stopOthers = (error: unknown): never => {
    failed = true
    throw error
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, () => lane().catch(stopOthers)))
  return results
}
