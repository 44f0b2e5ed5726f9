import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { type PublicKey, pae, Redacted } from '@vestibule/keys'
import { bytes, message } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'

/** Length of a read key. */
export const READ_KEY_BYTES = 32
/** The name of the read key that a space is founded with: no credential brings it in. */
export const FOUNDING_EPOCH = ''
/** Most epochs that are asked for, and handed over, at a time. */
export const MAX_KEYS_PER_FRAME = 256
/** Length of the id of a credential. */
const ID_BYTES = 32

/** What the members read with from an epoch on, and from which the swarm's topic comes. */
export interface ReadKey {
  /** The id of the `Epoch` credential that brought it in, in hex; empty for the one that the space was founded with. */
  readonly epoch: string
  /** 32 bytes. */
  readonly key: Redacted<Uint8Array>
}

export const ReadKeyMessage = message('ReadKey', {
  epoch: bytes(1, { max: ID_BYTES }),
  key: bytes(2, { length: READ_KEY_BYTES }),
})

export const epochToWire = (epoch: string): Uint8Array => hexToBytes(epoch)

/** The epoch that bytes name; `undefined` when they can't name one. */
export const epochFromWire = (id: Uint8Array): string | undefined =>
  id.length === 0 || id.length === ID_BYTES ? bytesToHex(id) : undefined

export const readKeyToWire = ({ epoch, key }: ReadKey) => ({ epoch: epochToWire(epoch), key: key.unwrap() })

/** @param code what a key without a proper name is @throws SpaceError `code` */
export function readKeyFromWire(
  { epoch: id, key }: { readonly epoch: Uint8Array; readonly key: Uint8Array },
  code: 'MALFORMED' | 'STORAGE_CORRUPT',
): ReadKey {
  const epoch = epochFromWire(id)
  if (epoch === undefined) throw new SpaceError(code, 'a read key that names no epoch')
  return { epoch, key: new Redacted(key) }
}

/** What an `Epoch` says of its read key: 32 bytes that no other gives. */
export const commitmentOf = (space: PublicKey, key: Redacted<Uint8Array>): Uint8Array =>
  sha256(pae('vestibule read key commitment v1', space.toBytes(), key.unwrap()))
