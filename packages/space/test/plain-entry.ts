import { bytes, message, optional, string, uint32, uint64 } from '@vestibule/keys/wire'

const PlainEntry = message('DataEntry', {
  version: uint32(1),
  lamport: uint64(2),
  timestampMs: uint64(3),
  text: optional(string(4)),
  bytes: optional(bytes(5)),
})

/** A data entry as it was written before entries were sealed. */
export function plainEntry(body: string | Uint8Array, lamport = 1, timestampMs = 0): Uint8Array {
  const content = typeof body === 'string' ? { text: body } : { bytes: body }
  return PlainEntry.encode({ version: 1, lamport, timestampMs, ...content })
}
