import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { randomBytes } from '@noble/hashes/utils.js'
import { type Keyring, KeysError, type PublicKey, pae, Redacted, sealToAgreementKey } from '@vestibule/keys'
import { bytes, message, uint32, uint64 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'
import { NONCE_BYTES, TAG_BYTES } from './entry-cipher.ts'
import { epochFromWire, epochToWire, READ_KEY_BYTES, type ReadKey } from './read-key.ts'

const VERSION = 1
const VAULT_KEY_BYTES = 32

/** What the read keys of a space are stored under, sealed to the device. */
const VaultRecord = message('ReadKeyVault', { version: uint32(1), sealed: bytes(2, { max: 128 }) })

/** A read key, sealed under the vault's key. */
const ReadKeyRecord = message('StoredReadKey', {
  version: uint32(1),
  epoch: bytes(2, { max: 32 }),
  /** How many came before it. */
  order: uint64(3),
  nonce: bytes(4, { length: NONCE_BYTES }),
  sealed: bytes(5, { length: READ_KEY_BYTES + TAG_BYTES }),
})

/** Who opens what is sealed to this device. */
export interface DeviceHolder {
  readonly keyring: Pick<Keyring, 'openSealed'>
  readonly signingContext: { readonly agreementKey: Uint8Array }
}

/** Where the read keys of a space are in the storage: the vault, and the keys under it. */
const vaultKey = (space: PublicKey): string => `read-keys/${space.toHex()}`
export const readKeyRecordKey = (space: PublicKey, epoch: string): string =>
  `${vaultKey(space)}/${epoch === '' ? 'founding' : epoch}`

/** Makes a vault. @returns its key, and what has to be stored for it */
export async function createVault(
  space: PublicKey,
  agreementKey: Uint8Array,
): Promise<{ key: Redacted<Uint8Array>; write: StorageWrite }> {
  const key = randomBytes(VAULT_KEY_BYTES)
  const sealed = await sealToAgreementKey(agreementKey, key, { info: vaultPurpose(space) })
  return {
    key: new Redacted(key),
    write: { key: vaultKey(space), value: VaultRecord.encode({ version: VERSION, sealed }) },
  }
}

/** What has to be stored for a read key. @param order how many came before it */
export function readKeyWrite(
  vault: Redacted<Uint8Array>,
  space: PublicKey,
  { epoch, key }: ReadKey,
  order: number,
): StorageWrite {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = xchacha20poly1305(vault.unwrap(), nonce, place(space, epoch, order))
  const sealed = cipher.encrypt(key.unwrap())
  const value = ReadKeyRecord.encode({ version: VERSION, epoch: epochToWire(epoch), order, nonce, sealed })
  return { key: readKeyRecordKey(space, epoch), value }
}

/**
 * Opens what is stored, with one agreement for all of it.
 * @returns `undefined` when nothing is stored; the keys in the order in which they came
 * @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`; KeysError of the key store
 */
export async function readVault(
  storage: Storage,
  space: PublicKey,
  { keyring, signingContext }: DeviceHolder,
): Promise<{ key: Redacted<Uint8Array>; readKeys: ReadKey[] } | undefined> {
  const [vault, ...records] = await storage.list(vaultKey(space))
  if (vault === undefined) return undefined
  if (vault[0] !== vaultKey(space)) throw damaged('nothing opens them')
  const { sealed } = parseVersioned(VaultRecord, VERSION, vault[1], 'STORAGE_CORRUPT')
  const key = new Redacted(
    await keyring
      .openSealed(signingContext.agreementKey, sealed, { info: vaultPurpose(space) })
      .catch((cause: unknown) => {
        throw isBadSeal(cause) ? damaged('they are not sealed to this device', cause) : cause
      }),
  )
  if (key.unwrap().length !== VAULT_KEY_BYTES) throw damaged('what opens them is no key')
  const found = records.map(([name, record]) => readRecord(key, space, name, record))
  return { key, readKeys: found.sort((a, b) => a.order - b.order).map(({ readKey }) => readKey) }
}

function readRecord(vault: Redacted<Uint8Array>, space: PublicKey, name: string, record: Uint8Array) {
  const parsed = parseVersioned(ReadKeyRecord, VERSION, record, 'STORAGE_CORRUPT')
  const { order, nonce, sealed } = parsed
  const epoch = epochFromWire(parsed.epoch)
  if (epoch === undefined || readKeyRecordKey(space, epoch) !== name) throw damaged('one is not in its place')
  try {
    const key = xchacha20poly1305(vault.unwrap(), nonce, place(space, epoch, order)).decrypt(sealed)
    return { order, readKey: { epoch, key: new Redacted(key) } }
  } catch (cause) {
    throw damaged('one does not open', cause)
  }
}

/** Whether something can't be opened, ever, rather than not now. */
export const isBadSeal = (error: unknown): boolean =>
  error instanceof KeysError && ['SEAL_BROKEN', 'WRONG_RECIPIENT', 'UNSUPPORTED_VERSION'].includes(error.code)

const vaultPurpose = (space: PublicKey): Uint8Array => pae('vestibule stored read keys v1', space.toBytes())
const place = (space: PublicKey, epoch: string, order: number): Uint8Array =>
  pae('vestibule stored read key v1', space.toBytes(), epochToWire(epoch), order)
const damaged = (what: string, cause?: unknown): SpaceError =>
  new SpaceError('STORAGE_CORRUPT', `the stored read keys are damaged: ${what}`, { cause })
