import { ed25519 } from '@noble/curves/ed25519.js'
import { agreementPublicKey } from '../curve/native-keys.ts'
import { KeysError } from '../errors.ts'
import { equalBytes } from '../pae.ts'
import {
  encodeKeyRecord,
  isKeyRecordName,
  type KeyRecord,
  type KeyStore,
  keyRecordName,
  parseKeyRecord,
} from '../store/key-store.ts'
import { bytes, message, repeated, WireError } from '../wire.ts'
import { openWithPassphrase, type Passphrase, type SealingOptions, sealWithPassphrase } from './sealed-box.ts'

const PURPOSE = 'key backup v1'
const MAX_KEYS = 10_000

/** Key records in their stored form, in the order of their names. */
const KeyBackup = message('KeyBackup', { keys: repeated(bytes(1, { max: 256 }), { max: MAX_KEYS }) })

/** All key records of a store, sealed as one. Records of other names are left out. */
export async function sealKeyBackup(
  store: KeyStore,
  passphrase: Passphrase,
  options?: SealingOptions,
): Promise<Uint8Array> {
  const keys: Uint8Array[] = []
  for (const name of (await store.names()).filter(isKeyRecordName).sort()) {
    const stored = await store.read(name)
    if (stored === undefined) continue // deleted since it was listed
    const where = store.describe(name)
    if (keyRecordName(parseKeyRecord(stored, where)) !== name)
      throw new KeysError('CORRUPT_RECORD', `the key record ${where} belongs to another key`)
    keys.push(stored)
  }
  if (keys.length > MAX_KEYS)
    throw new TypeError(`a backup holds at most ${MAX_KEYS} keys, the keyring has ${keys.length}`)
  const content = KeyBackup.encode({ keys })
  for (const key of keys) key.fill(0)
  try {
    return await sealWithPassphrase(passphrase, content, PURPOSE, options)
  } finally {
    content.fill(0)
  }
}

/**
 * Adds what a backup holds and the store has not, all or nothing.
 * @returns the names of what was added, without the secrets
 */
export async function restoreKeyBackup(
  store: KeyStore,
  file: Uint8Array,
  passphrase: Passphrase,
): Promise<Omit<KeyRecord, 'secretKey'>[]> {
  const content = await openWithPassphrase(passphrase, file, PURPOSE, 'key backup')
  const records = parseBackupContent(content)
  content.fill(0)
  try {
    // Everything is checked before anything is written.
    const missing: KeyRecord[] = []
    for (const record of records) if (!(await isHeld(store, record))) missing.push(record)
    return await addAll(store, missing)
  } finally {
    for (const { secretKey } of records) secretKey.fill(0)
  }
}

/** The records in an opened backup, each a pair of keys. @throws KeysError CORRUPT_RECORD or UNSUPPORTED_VERSION */
export function parseBackupContent(content: Uint8Array): KeyRecord[] {
  try {
    return KeyBackup.parse(content).keys.map((stored) => {
      const record = parseKeyRecord(stored, 'of a backup')
      stored.fill(0)
      if (!isPair(record)) throw new KeysError('CORRUPT_RECORD', 'a key of the backup is none')
      return record
    })
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new KeysError('CORRUPT_RECORD', 'the key backup is damaged', { cause })
  }
}

/** Whether both halves belong together: what is filed under a public key has to sign for it. */
function isPair({ algorithm, publicKey, secretKey }: KeyRecord): boolean {
  switch (algorithm) {
    case 'ED25519':
      return equalBytes(ed25519.getPublicKey(secretKey), publicKey)
    case 'X25519':
      return equalBytes(agreementPublicKey(secretKey), publicKey)
    case 'NONE':
      return false
  }
}

/** @throws KeysError CORRUPT_RECORD when something else has its name, which is not overwritten */
async function isHeld(store: KeyStore, record: KeyRecord): Promise<boolean> {
  const name = keyRecordName(record)
  const stored = await store.read(name)
  if (stored === undefined) return false
  const where = store.describe(name)
  const held = parseKeyRecord(stored, where)
  stored.fill(0)
  if (keyRecordName(held) !== name)
    throw new KeysError('CORRUPT_RECORD', `the key record ${where} belongs to another key`)
  held.secretKey.fill(0)
  return true
}

async function addAll(
  store: KeyStore,
  records: readonly KeyRecord[],
): Promise<Omit<KeyRecord, 'secretKey'>[]> {
  const added: Omit<KeyRecord, 'secretKey'>[] = []
  try {
    for (const record of records) {
      const { algorithm, publicKey } = record
      if (await addUnlessHeld(store, record)) added.push({ algorithm, publicKey })
    }
    return added
  } catch (error) {
    await Promise.allSettled(added.map((record) => store.delete(keyRecordName(record))))
    throw error
  }
}

/** Whether it was added; a key that somebody else adds meanwhile is theirs. */
async function addUnlessHeld(store: KeyStore, record: KeyRecord): Promise<boolean> {
  const stored = encodeKeyRecord(record)
  try {
    await store.add(keyRecordName(record), stored)
    return true
  } catch (error) {
    if (error instanceof KeysError && error.code === 'KEY_EXISTS') return false
    throw error
  } finally {
    stored.fill(0)
  }
}
