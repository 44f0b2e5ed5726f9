import { randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { KeysError } from '../errors.ts'
import { equalBytes, pae } from '../pae.ts'
import { Redacted } from '../redacted.ts'
import { encodeChecked, parseChecked } from '../store/checked-record.ts'
import { bytes, type MessageOf, message, uint32 } from '../wire.ts'
import { argon2id, costProblem, DEFAULT_SEALING_COST, type SealingCost } from './argon2id.ts'
import { type MessageCipher, xchacha20poly1305 } from './xchacha.ts'

export interface SealingOptions {
  /** What a guess at the passphrase costs; {@link DEFAULT_SEALING_COST} unless given. */
  readonly cost?: SealingCost
}

/** A passphrase as typed. It is normalised to NFC, so that it means the same on every keyboard (RFC 8265, section 4.2.2). */
export type Passphrase = string | Redacted<string>

const VERSION = 1
const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 24
const MAX_SEALED_BYTES = 4 * 1024 * 1024

const SealedBox = message('SealedBox', {
  version: uint32(1),
  memoryKib: uint32(2),
  passes: uint32(3),
  lanes: uint32(4),
  salt: bytes(5, { length: SALT_BYTES }),
  commitment: bytes(6, { length: KEY_BYTES }),
  nonce: bytes(7, { length: NONCE_BYTES }),
  sealed: bytes(8, { max: MAX_SEALED_BYTES }),
})
type SealedBox = MessageOf<typeof SealedBox>

/**
 * Seals bytes under a passphrase: XChaCha20-Poly1305 under a key from Argon2id.
 *
 * Argon2id gives 64 bytes: the key, and a commitment that is stored. The commitment tells a wrong passphrase
 * from damage, and keeps anyone from making a box that opens under two passphrases, which the cipher by itself
 * would allow. Everything that is not sealed, and the purpose, is authenticated with what is.
 *
 * @param purpose what the box is for; it opens for nothing else
 * @throws TypeError for an empty passphrase or a cost that is out of bounds
 */
export async function sealWithPassphrase(
  passphrase: Passphrase,
  plaintext: Uint8Array,
  purpose: string,
  { cost = DEFAULT_SEALING_COST }: SealingOptions = {},
): Promise<Uint8Array> {
  const problem = costProblem(cost)
  if (problem !== undefined) throw new TypeError(problem)
  const { memoryKib, passes, lanes } = cost
  const salt = randomBytes(SALT_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const derived = await derive(passphrase, salt, cost)
  const commitment = derived.slice(KEY_BYTES)
  const header = { version: VERSION, memoryKib, passes, lanes, salt, commitment, nonce }
  const sealed = cipher(derived, header, purpose).encrypt(plaintext)
  derived.fill(0)
  return encodeChecked(SealedBox, { ...header, sealed })
}

/**
 * Opens what {@link sealWithPassphrase} made.
 * @param what what a person would call it, and where it is
 * @throws KeysError WRONG_PASSPHRASE, CORRUPT_RECORD, UNSUPPORTED_VERSION or UNACCEPTABLE_COST
 */
export async function openWithPassphrase(
  passphrase: Passphrase,
  stored: Uint8Array,
  purpose: string,
  what: string,
): Promise<Uint8Array> {
  const { sealed, ...header } = parseChecked(SealedBox, VERSION, stored, what)
  const problem = costProblem(header)
  if (problem !== undefined)
    throw new KeysError('UNACCEPTABLE_COST', `the ${what} won't be opened: ${problem}`)
  const derived = await derive(passphrase, header.salt, header)
  try {
    if (!equalBytes(derived.subarray(KEY_BYTES), header.commitment))
      throw new KeysError('WRONG_PASSPHRASE', `the passphrase does not open the ${what}`)
    return decrypt(cipher(derived, header, purpose), sealed, what)
  } finally {
    derived.fill(0)
  }
}

/** Opens a ciphertext under a key that is known to be right. @throws KeysError CORRUPT_RECORD */
export function decrypt({ decrypt }: MessageCipher, sealed: Uint8Array, what: string): Uint8Array {
  try {
    return decrypt(sealed)
  } catch (cause) {
    throw new KeysError('CORRUPT_RECORD', `the ${what} is damaged`, { cause })
  }
}

function cipher(derived: Uint8Array, header: Omit<SealedBox, 'sealed'>, purpose: string) {
  const encoded = SealedBox.encode({ ...header, sealed: new Uint8Array(0) })
  return xchacha20poly1305(
    derived.subarray(0, KEY_BYTES),
    header.nonce,
    pae('vestibule sealed box v1', purpose, encoded),
  )
}

async function derive(passphrase: Passphrase, salt: Uint8Array, cost: SealingCost): Promise<Uint8Array> {
  const text = passphrase instanceof Redacted ? passphrase.unwrap() : passphrase
  if (typeof text !== 'string' || text === '') throw new TypeError('expected a passphrase that is not empty')
  const password = utf8ToBytes(text.normalize('NFC'))
  try {
    return await argon2id(password, salt, cost, 2 * KEY_BYTES)
  } finally {
    password.fill(0)
  }
}
