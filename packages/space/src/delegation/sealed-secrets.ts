import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { randomBytes } from '@noble/hashes/utils.js'
import { MAX_SEALED_SECRETS_BYTES } from '@vestibule/credentials'
import { KeysError, type PublicKey, pae, Redacted, sealToAgreementKey } from '@vestibule/keys'
import { bytes, message, repeated, uint32, WireError } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { NONCE_BYTES, TAG_BYTES } from '../read-keys/entry-cipher.ts'
import type { Device } from '../read-keys/open-epoch.ts'
import { isBadSeal } from '../read-keys/ring-records.ts'

/** Longest secrets of a delegated invitation, in bytes: there is room left to seal them to twenty devices. */
export const MAX_SERVING_SECRETS_BYTES = 1792

const VERSION = 1
const KEY_BYTES = 32
/** A key sealed to a device, with its tags. */
const SEALED_KEY_BYTES = 112
/** Version, nonce and the lengths around them. */
const ROOM = 48
const MAX_DEVICES = 64

/** The secrets under a key of their own, and that key sealed to each device. */
const SealedSecrets = message('SealedServingSecrets', {
  version: uint32(1),
  nonce: bytes(2, { length: NONCE_BYTES }),
  sealed: bytes(3, { max: MAX_SERVING_SECRETS_BYTES + TAG_BYTES }),
  keys: repeated(bytes(4, { max: 128 }), { max: MAX_DEVICES }),
})

/** What the secrets belong to. */
export interface SecretsPlace {
  readonly space: PublicKey
  /** 16 bytes. */
  readonly invitationId: Uint8Array
}

/**
 * Seals what is needed to serve an invitation to devices: to as many of the first as there is room for.
 * @throws SpaceError `TOO_LARGE`
 */
export async function sealSecrets(
  secrets: Redacted<Uint8Array>,
  agreementKeys: readonly Uint8Array[],
  place: SecretsPlace,
): Promise<Uint8Array> {
  const plain = secrets.unwrap()
  if (plain.length > MAX_SERVING_SECRETS_BYTES)
    throw new SpaceError('TOO_LARGE', `an invitation with ${plain.length} bytes of secrets`)
  const key = randomBytes(KEY_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const sealed = xchacha20poly1305(key, nonce, contentPurpose(place)).encrypt(plain)
  const room = Math.floor((MAX_SEALED_SECRETS_BYTES - ROOM - sealed.length) / SEALED_KEY_BYTES)
  const keys: Uint8Array[] = []
  for (const device of agreementKeys) {
    if (keys.length >= Math.min(room, MAX_DEVICES)) break
    try {
      keys.push(await sealToAgreementKey(device, key, { info: keyPurpose(place) }))
    } catch (error) {
      // A member who names a key that nothing can be sealed to harms only itself.
      if (!(error instanceof KeysError)) throw error
    }
  }
  key.fill(0)
  return SealedSecrets.encode({ version: VERSION, nonce, sealed, keys })
}

/**
 * Opens what {@link sealSecrets} sealed.
 * @returns `undefined` when it is not for this device, or nothing that can be opened: whoever wrote it harms only itself
 * @throws KeysError of the key store
 */
export async function openSecrets(
  sealedSecrets: Uint8Array,
  place: SecretsPlace,
  { keyring, signingContext }: Device,
): Promise<Redacted<Uint8Array> | undefined> {
  const read = readSecrets(sealedSecrets)
  for (const sealed of read?.keys ?? []) {
    const key = await keyring
      .openSealed(signingContext.agreementKey, sealed, { info: keyPurpose(place) })
      .catch((error: unknown) => {
        if (isBadSeal(error)) return undefined
        throw error
      })
    if (key === undefined || read === undefined) continue
    try {
      return new Redacted(xchacha20poly1305(key, read.nonce, contentPurpose(place)).decrypt(read.sealed))
    } catch {
      return undefined
    }
  }
  return undefined
}

function readSecrets(encoded: Uint8Array) {
  try {
    const read = SealedSecrets.parse(encoded)
    return read.version === VERSION ? read : undefined
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

const keyPurpose = ({ space, invitationId }: SecretsPlace): Uint8Array =>
  pae('vestibule sealed serving key v1', space.toBytes(), invitationId)
const contentPurpose = ({ space, invitationId }: SecretsPlace): Uint8Array =>
  pae('vestibule serving secrets v1', space.toBytes(), invitationId)
