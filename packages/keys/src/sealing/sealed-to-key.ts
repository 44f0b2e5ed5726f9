import { sha256 } from '@noble/hashes/sha2.js'
import type { KeyPairBytes } from '../curve/native-keys.ts'
import { KeysError } from '../errors.ts'
import { equalBytes, pae } from '../pae.ts'
import { bytes, message, uint32, WireError } from '../wire.ts'
import { AGREEMENT_KEY_BYTES, type HpkeContext, hpkeOpen, hpkeSeal } from './hpke.ts'

const VERSION = 1
const RECIPIENT_BYTES = 8

/** What something is sealed for. It opens only where the same is said. */
export interface SealContext {
  /** The purpose and what it belongs to, so that nothing sealed for one place opens in another: a `pae`, usually. */
  readonly info: Uint8Array
  /** What else has to be as it was, and travels beside it; nothing unless given. */
  readonly aad?: Uint8Array
}

const Versioned = message('Versioned', { version: uint32(1) })
const SealedToKey = message('SealedToKey', {
  version: uint32(1),
  recipient: bytes(2, { length: RECIPIENT_BYTES }),
  enc: bytes(3, { length: 32 }),
  ciphertext: bytes(4),
})

/**
 * Seals bytes to the holder of an agreement key: HPKE (RFC 9180) in base mode. It says nothing of who sealed it.
 *
 * @param recipient X25519 public key, 32 bytes
 * @returns 64 bytes and the length of the plaintext, plus a few for tags and lengths; the caller's
 * @throws KeysError WEAK_AGREEMENT for a key of small order; TypeError for another length
 * @see RFC 9180, section 6.1; README, "Sealed to a device"
 * @example
 * const info = pae('example v1', space.toBytes())
 * const sealed = await sealToAgreementKey(device, readKey, { info })
 * const opened = await keyring.openSealed(device, sealed, { info })
 */
export async function sealToAgreementKey(
  recipient: Uint8Array,
  plaintext: Uint8Array,
  context: SealContext,
): Promise<Uint8Array> {
  if (!(recipient instanceof Uint8Array) || recipient.length !== AGREEMENT_KEY_BYTES)
    throw new TypeError(`expected an agreement key of ${AGREEMENT_KEY_BYTES} bytes`)
  const sealed = await hpkeSeal(recipient, plaintext, toHpke(context)).catch((cause: unknown) => {
    throw new KeysError('WEAK_AGREEMENT', 'nothing can be sealed to this key', { cause })
  })
  return SealedToKey.encode({ version: VERSION, recipient: recipientTag(recipient), ...sealed })
}

/**
 * Opens what {@link sealToAgreementKey} made.
 * @throws KeysError UNSUPPORTED_VERSION, WRONG_RECIPIENT, SEAL_BROKEN
 */
export async function openWithAgreementKey(
  own: KeyPairBytes,
  sealed: Uint8Array,
  context: SealContext,
): Promise<Uint8Array> {
  const { recipient, ...parts } = parse(sealed)
  if (!equalBytes(recipient, recipientTag(own.publicKey)))
    throw new KeysError('WRONG_RECIPIENT', 'this is sealed to another key')
  return hpkeOpen(own, parts, toHpke(context)).catch(() => {
    throw broken()
  })
}

function parse(sealed: Uint8Array) {
  try {
    const { version } = Versioned.parseLenient(sealed)
    if (version !== VERSION) throw new KeysError('UNSUPPORTED_VERSION', 'this was sealed by another version')
    return SealedToKey.parse(sealed)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw broken(cause)
  }
}

const toHpke = ({ info, aad = new Uint8Array() }: SealContext): HpkeContext => ({
  info: pae('vestibule sealed to a key v1', info),
  aad,
})

/** Tells a wrong recipient from damage. Whoever sees the seal and knows the key learns that they belong together. */
const recipientTag = (key: Uint8Array): Uint8Array =>
  sha256(pae('vestibule recipient v1', key)).slice(0, RECIPIENT_BYTES)

const broken = (cause?: unknown): KeysError =>
  new KeysError('SEAL_BROKEN', 'what was sealed is damaged, or was sealed for something else', { cause })
