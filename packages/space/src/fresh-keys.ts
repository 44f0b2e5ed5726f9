import type { Keyring, PublicKey } from '@vestibule/keys'

/**
 * Runs a task that makes keys; when it fails those that it made are deleted again.
 * @param task makes each of its keys by calling its argument
 */
export async function withFreshKeys<T>(
  keyring: Keyring,
  task: (createKey: () => Promise<PublicKey>) => Promise<T>,
): Promise<T> {
  const made: PublicKey[] = []
  try {
    return await task(async () => {
      const key = await keyring.createKey()
      made.push(key)
      return key
    })
  } catch (error) {
    for (const key of made) await keyring.deleteKey(key)
    throw error
  }
}
