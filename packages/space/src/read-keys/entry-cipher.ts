import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type PublicKey, pae, Redacted, xchacha20poly1305 } from '@vestibule/keys'
import { epochToWire, type ReadKey } from './read-key.ts'

/** Length of the nonce of a sealed entry (XChaCha20). Drawn at random, it never comes twice. */
export const NONCE_BYTES = 24
/** By how much sealing makes it longer: the tag of Poly1305. */
export const TAG_BYTES = 16

/** The place of a sealed entry, and what is said in the clear there: none of it can be changed, or moved. */
export interface EntryPlace {
  readonly space: PublicKey
  readonly feed: PublicKey
  readonly sequence: number
  readonly lamport: number
  /** The epoch whose read key seals it. */
  readonly epoch: string
}

/** What entries are sealed with: never the read key itself, which other things follow from, too. */
export function entryKeyOf({ key }: ReadKey, space: PublicKey): Redacted<Uint8Array> {
  const info = utf8ToBytes('vestibule data entry key v1')
  return new Redacted(hkdf(sha256, key.unwrap(), space.toBytes(), info, 32))
}

/** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). */
export function sealEntry(
  key: Redacted<Uint8Array>,
  nonce: Uint8Array,
  place: EntryPlace,
  body: Uint8Array,
): Uint8Array {
  return xchacha20poly1305(key.unwrap(), nonce, associatedData(place)).encrypt(body)
}

/** Undoes {@link sealEntry}; `undefined` for what was sealed otherwise, or for another place. */
export function openEntry(
  key: Redacted<Uint8Array>,
  nonce: Uint8Array,
  place: EntryPlace,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const cipher = xchacha20poly1305(key.unwrap(), nonce, associatedData(place))
  try {
    return cipher.decrypt(sealed)
  } catch {
    return undefined
  }
}

const associatedData = ({ space, feed, sequence, lamport, epoch }: EntryPlace): Uint8Array =>
  pae('vestibule data entry v2', space.toBytes(), feed.toBytes(), sequence, lamport, epochToWire(epoch))
