import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { PublicKey } from '@vestibule/keys'
import type { ReadKey } from './read-key.ts'

/** The topic under which the members of a space find each other: 32 bytes that only holders of the read key know. */
export function topicOf({ key }: ReadKey, space: PublicKey): Uint8Array {
  return hkdf(sha256, key.unwrap(), space.toBytes(), utf8ToBytes('vestibule space topic v1'), 32)
}
