import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import { pae, sealToAgreementKey } from '@vestibule/keys'
import { bytes, message, nested, optional, repeated, uint32, uint64, WireError } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'

const Identity = message('IdentityRecord', { agreementKey: bytes(4, { length: 32 }) })

const ReadKey = message('ReadKey', { epoch: bytes(1, { max: 32 }), key: bytes(2, { length: 32 }) })

const fields = {
  version: uint32(1),
  space: bytes(2, { length: 32 }),
  genesisId: bytes(3, { length: 32 }),
  controlFeed: bytes(4, { length: 32 }),
  dataFeed: optional(bytes(5, { length: 32 })),
}
const SpaceWithKeys = message('SpaceRecord', {
  ...fields,
  readKeys: repeated(nested(6, ReadKey), { max: 1024 }),
})
const Space = message('SpaceRecord', fields)

const Vault = message('ReadKeyVault', { version: uint32(1), sealed: bytes(2) })

const StoredReadKey = message('StoredReadKey', {
  version: uint32(1),
  epoch: bytes(2, { max: 32 }),
  order: uint64(3),
  nonce: bytes(4, { length: 24 }),
  sealed: bytes(5),
})

/** From read keys as they are, in the record of the space, to such as only the device's key store opens. */
export async function sealReadKeys(storage: Storage): Promise<StorageWrite[]> {
  const spaces = await storage.list('spaces/')
  if (spaces.length === 0) return []
  const agreementKey = agreementKeyIn(await storage.get('identity'))
  const writes: StorageWrite[] = []
  for (const [key, record] of spaces) {
    const { readKeys, ...rest } = parseVersioned(SpaceWithKeys, 1, record, 'STORAGE_CORRUPT')
    writes.push({ key, value: Space.encode({ ...rest, version: 2 }) })
    writes.push(...(await sealed(agreementKey, rest.space, readKeys)))
  }
  return writes
}

async function sealed(
  agreementKey: Uint8Array,
  space: Uint8Array,
  readKeys: readonly { readonly epoch: Uint8Array; readonly key: Uint8Array }[],
): Promise<StorageWrite[]> {
  const vaultKey = randomBytes(32)
  const info = pae('vestibule stored read keys v1', space)
  const vault = await sealToAgreementKey(agreementKey, vaultKey, { info })
  const name = `read-keys/${bytesToHex(space)}`
  const keys = readKeys.map(({ epoch, key }, order) => {
    const nonce = randomBytes(24)
    const place = pae('vestibule stored read key v1', space, epoch, order)
    const stored = xchacha20poly1305(vaultKey, nonce, place).encrypt(key)
    return {
      key: `${name}/${epoch.length === 0 ? 'founding' : bytesToHex(epoch)}`,
      value: StoredReadKey.encode({ version: 1, epoch, order, nonce, sealed: stored }),
    }
  })
  return [{ key: name, value: Vault.encode({ version: 1, sealed: vault }) }, ...keys]
}

function agreementKeyIn(identity: Uint8Array | undefined): Uint8Array {
  try {
    return Identity.parseLenient(identity ?? new Uint8Array()).agreementKey
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new SpaceError('STORAGE_CORRUPT', 'spaces without an identity that is in them', { cause })
  }
}
