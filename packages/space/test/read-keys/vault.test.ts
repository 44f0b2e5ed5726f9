import { Keyring, pae, Redacted, sealToAgreementKey } from '@vestibule/keys'
import { bytes, message, uint32 } from '@vestibule/keys/wire'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/index.ts'
import { ReadKeyRing } from '../../src/read-keys/ring.ts'

const Vault = message('ReadKeyVault', { version: uint32(1), sealed: bytes(2, { max: 128 }) })

test('what opens the stored read keys has the length of a key, or is damaged', async () => {
  const [keyring, storage] = [new Keyring(), new MemoryStorage()]
  const [space, agreementKey] = [await keyring.createKey(), await keyring.createAgreementKey()]
  const device = { keyring, signingContext: { agreementKey } }
  const info = pae('vestibule stored read keys v1', space.toBytes())
  const put = async (length: number): Promise<void> => {
    const sealed = await sealToAgreementKey(agreementKey, new Uint8Array(length), { info })
    const value = Vault.encode({ version: 1, sealed })
    await storage.transact([{ key: `read-keys/${space.toHex()}`, value }])
  }
  await put(31)
  await expect(ReadKeyRing.open(storage, space, device)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await put(32)
  const ring = await ReadKeyRing.open(storage, space, device)
  expect(ring.writes([{ epoch: '', key: new Redacted(new Uint8Array(32)) }])).toHaveLength(1)
})
