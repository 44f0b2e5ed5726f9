import type { Message, MessageContent } from '../message.ts'
import { storageKeys } from '../record.ts'
import type { StorageWrite } from '../storage/storage.ts'
import type { Actor } from './perform.ts'

/**
 * Writes again what this device wrote and nobody counts, as it was and in its order, each message with the note that it
 * was. Inside the store's serial.
 */
export async function rewrite(
  { store, signingContext: { identityKey, deviceKey } }: Actor,
  write: (content: MessageContent, alsoWrite: readonly StorageWrite[]) => Promise<Message[]>,
): Promise<Message[]> {
  const again: Message[] = []
  for (const { id, device, included, text, bytes, type, timestampMs } of store.messages(identityKey)) {
    const body = text ?? bytes
    if (included !== false || device !== deviceKey || body === undefined) continue
    const content = { body, timestampMs, ...(type !== undefined && { type }) }
    const key = storageKeys.rewritten(store.record.spaceKey, id)
    again.push(...(await write(content, [{ key, value: new Uint8Array(0) }])))
    store.rewritten.add(id)
  }
  return again
}
