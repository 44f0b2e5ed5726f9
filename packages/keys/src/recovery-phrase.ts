import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeed } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { KeysError } from './errors.ts'
import { Redacted } from './redacted.ts'

/** Words of a recovery phrase: 256 bits of entropy and 8 of checksum, 11 to a word. */
export const RECOVERY_PHRASE_WORDS = 24
const ENTROPY_BYTES = 32
const KEY_BYTES = 32
const KEY_LABEL = 'vestibule recovery key v1'
const AGREEMENT_LABEL = 'vestibule recovery agreement key v1'
/** Far more than 24 words take, and little enough to normalise. */
const MAX_CHARACTERS = 2000
const KNOWN_WORDS: ReadonlySet<string> = new Set(wordlist)

/**
 * Makes a phrase of 24 English words that a person writes down, from fresh randomness.
 *
 * @example
 * const phrase = createRecoveryPhrase()
 * const seed = await recoveryKeyFromPhrase(phrase)
 * const recoveryKey = await new Keyring().importKey(seed.unwrap())
 * @see BIP-39
 */
export function createRecoveryPhrase(): Redacted<string> {
  const entropy = randomBytes(ENTROPY_BYTES)
  const phrase = entropyToRecoveryPhrase(entropy)
  entropy.fill(0)
  return phrase
}

/**
 * The phrase for 32 bytes of entropy, which stay the caller's.
 * @throws TypeError for another length
 */
export function entropyToRecoveryPhrase(entropy: Uint8Array): Redacted<string> {
  if (!(entropy instanceof Uint8Array) || entropy.length !== ENTROPY_BYTES)
    throw new TypeError(`expected ${ENTROPY_BYTES} bytes of entropy`)
  return new Redacted(entropyToMnemonic(entropy, wordlist))
}

/**
 * Checks a phrase and gives the 32 bytes of entropy in it, which are the caller's to wipe. Case, spaces and
 * Unicode form don't matter (NFKD).
 * @throws KeysError WRONG_PHRASE_LENGTH, UNKNOWN_PHRASE_WORD (it says which word by its number) or
 * WRONG_PHRASE_CHECKSUM; no word of the phrase is in the message
 */
export function parseRecoveryPhrase(phrase: string | Redacted<string>): Redacted<Uint8Array> {
  return new Redacted(check(phrase).entropy)
}

/**
 * The Ed25519 seed of the recovery key that a phrase stands for, 32 bytes, the caller's to wipe:
 * HKDF-SHA-256 over the BIP-39 seed (without a passphrase of its own), with no salt and the label
 * `vestibule recovery key v1`.
 * @throws KeysError as {@link parseRecoveryPhrase}
 * @see BIP-39, "From mnemonic to seed"; RFC 5869
 */
export function recoveryKeyFromPhrase(phrase: string | Redacted<string>): Promise<Redacted<Uint8Array>> {
  return derive(phrase, KEY_LABEL)
}

/**
 * The X25519 secret of the recovery agreement key that a phrase stands for, 32 bytes, the caller's to wipe: as
 * {@link recoveryKeyFromPhrase}, under the label `vestibule recovery agreement key v1`. Backups are sealed to it.
 * @throws KeysError as {@link parseRecoveryPhrase}
 */
export function recoveryAgreementKeyFromPhrase(
  phrase: string | Redacted<string>,
): Promise<Redacted<Uint8Array>> {
  return derive(phrase, AGREEMENT_LABEL)
}

async function derive(phrase: string | Redacted<string>, label: string): Promise<Redacted<Uint8Array>> {
  const { normalized, entropy } = check(phrase)
  entropy.fill(0)
  const seed = await mnemonicToSeed(normalized)
  const key = hkdf(sha256, seed, undefined, utf8ToBytes(label), KEY_BYTES)
  seed.fill(0)
  return new Redacted(key)
}

function check(phrase: string | Redacted<string>): { normalized: string; entropy: Uint8Array } {
  const text = phrase instanceof Redacted ? phrase.unwrap() : phrase
  if (typeof text !== 'string') throw new TypeError(`expected a recovery phrase, got ${typeof text}`)
  const words =
    text.length > MAX_CHARACTERS ? [] : text.normalize('NFKD').toLowerCase().split(/\s+/u).filter(Boolean)
  if (words.length !== RECOVERY_PHRASE_WORDS)
    throw new KeysError('WRONG_PHRASE_LENGTH', `a recovery phrase has ${RECOVERY_PHRASE_WORDS} words`)
  const unknown = words.findIndex((word) => !KNOWN_WORDS.has(word))
  if (unknown >= 0)
    throw new KeysError(
      'UNKNOWN_PHRASE_WORD',
      `word ${unknown + 1} of the recovery phrase is not in the list`,
    )
  const normalized = words.join(' ')
  try {
    return { normalized, entropy: mnemonicToEntropy(normalized, wordlist) }
  } catch {
    // No cause: the library's errors are not ours to vouch for, and may quote what they got.
    throw new KeysError(
      'WRONG_PHRASE_CHECKSUM',
      'the words of the recovery phrase do not fit together: one is wrong, or two are exchanged',
    )
  }
}
