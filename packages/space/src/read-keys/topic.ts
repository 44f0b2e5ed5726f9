import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { SpaceStore } from '../space-store.ts'
import { heldInOrder } from './current.ts'
import { FOUNDING_EPOCH } from './read-key.ts'

/** The topic under which the members of a space find each other: 32 bytes that only holders of the read key know. */
export function topicOf(store: SpaceStore): Uint8Array {
  const first = store.readKeys.get(FOUNDING_EPOCH) ?? heldInOrder(store)[0]
  if (first === undefined) throw new TypeError('a space has at least one read key')
  const space = store.record.spaceKey.toBytes()
  return hkdf(sha256, first.key.unwrap(), space, utf8ToBytes('vestibule space topic v1'), 32)
}
