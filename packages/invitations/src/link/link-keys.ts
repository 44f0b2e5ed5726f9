import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { pae, Redacted } from '@vestibule/keys'

/** Length of the link secret `L`. */
export const LINK_SECRET_BYTES = 16
/** Length of the commitment to a space (or identity) in a link. */
export const COMMITMENT_BYTES = 16
/** Length of an invitation's id. */
export const INVITATION_ID_BYTES = 16
/** Length of the id that a commitment is made to: of a genesis credential, or an identity key. */
export const COMMITTED_ID_BYTES = 32

/** What follows from the link secret `L` alone; nothing here depends on the short code. */
export interface LinkKeys {
  /** 16 bytes; names the invitation to both ends. */
  readonly invitationId: Uint8Array
  /** 32 bytes; the secret topic of the swarm on which host and guest meet. */
  readonly topic: Uint8Array
  /** 32 bytes; proves knowledge of the link in message 1. */
  readonly macKey: Redacted<Uint8Array>
  /** 32 bytes; makes the commitment in the link opaque to who lacks `L`. */
  readonly commitmentKey: Redacted<Uint8Array>
  /** 32 bytes; salt of the key agreement, so that an overheard code alone is worth nothing. */
  readonly psk: Redacted<Uint8Array>
}

/**
 * HKDF-SHA-256 over the link secret, no salt, one label each (protocol.md, "The link").
 * @param secret `L`, 16 bytes
 * @throws TypeError for another length
 */
export function deriveLinkKeys(secret: Redacted<Uint8Array>): LinkKeys {
  const known = derived.get(secret)
  if (known !== undefined) return known
  const keys = derive(secret.unwrap())
  derived.set(secret, keys)
  return keys
}

/** Whoever serves or accepts an invitation asks for them again and again. */
const derived = new WeakMap<Redacted<Uint8Array>, LinkKeys>()

function derive(l: Uint8Array): LinkKeys {
  if (l.length !== LINK_SECRET_BYTES)
    throw new TypeError(`expected a link secret of ${LINK_SECRET_BYTES} bytes, got ${l.length}`)
  const labelled = (label: string, bytes: number): Uint8Array =>
    hkdf(sha256, l, undefined, utf8ToBytes(`inv/1 ${label}`), bytes)
  return {
    invitationId: labelled('invitation id', INVITATION_ID_BYTES),
    topic: labelled('topic', 32),
    macKey: new Redacted(labelled('link mac', 32)),
    commitmentKey: new Redacted(labelled('commitment', 32)),
    psk: new Redacted(labelled('psk', 32)),
  }
}

/**
 * What a link says about the space it leads to: 16 bytes of an HMAC-SHA-512 over the id of the space's genesis
 * (for a device link: over the identity key). Only who has `L` can tell which space it is.
 * @param id 32 bytes
 * @throws TypeError for an id of another length
 */
export function commitment(keys: LinkKeys, kind: 'SPACE' | 'DEVICE', id: Uint8Array): Uint8Array {
  if (id.length !== COMMITTED_ID_BYTES)
    throw new TypeError(`expected an id of ${COMMITTED_ID_BYTES} bytes, got ${id.length}`)
  const tag = hmac(sha512, keys.commitmentKey.unwrap(), pae('inv/1 commitment', kind, id))
  return tag.slice(0, COMMITMENT_BYTES)
}

/** How a link names the one identity that may answer it (known public key): 16 bytes of a hash of its key. */
export function guestKeyHash(identityKey: Uint8Array): Uint8Array {
  return sha512(pae('inv/1 guest', identityKey)).slice(0, COMMITMENT_BYTES)
}
