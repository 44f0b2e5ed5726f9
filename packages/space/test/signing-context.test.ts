import { proveFeed, verifyCredential, verifyPresentation } from '@vestibule/credentials'
import { Keyring } from '@vestibule/keys'
import { expect, test } from 'vitest'
import { MemoryStorage, SigningContext, SpaceManager } from '../src/index.ts'
import { Person, stillClock, World } from './world.ts'

const fresh = () => ({ keyring: new Keyring(), storage: new MemoryStorage(), clock: stillClock })

test('an identity is made once for a storage, and is the same when opened again', async () => {
  const parts = fresh()
  await expect(SigningContext.open(parts)).rejects.toMatchObject({ code: 'NO_IDENTITY' })
  const made = await SigningContext.create({ ...parts, displayName: 'Ada' })
  const again = await SigningContext.open(parts)
  expect(again.identityKey).toBe(made.identityKey)
  expect(again.deviceKey).toBe(made.deviceKey)
  expect([again.profile, again.agreementKey]).toEqual([{ displayName: 'Ada' }, made.agreementKey])
  const create = SigningContext.create({ ...parts, displayName: 'Bob' })
  await expect(create).rejects.toMatchObject({ code: 'IDENTITY_EXISTS' })
})

test('an identity without the key of its device, or in a damaged record, is refused', async () => {
  const parts = fresh()
  await SigningContext.create({ ...parts, displayName: 'Ada' })
  const elsewhere = { ...parts, keyring: new Keyring() }
  await expect(SigningContext.open(elsewhere)).rejects.toMatchObject({ code: 'NO_IDENTITY' })
  const record = (await parts.storage.get('identity')) as Uint8Array
  await parts.storage.transact([{ key: 'identity', value: record.subarray(0, 40) }])
  await expect(SigningContext.open(parts)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await parts.storage.transact([{ key: 'identity', value: Uint8Array.of(8, 2) }])
  await expect(SigningContext.open(parts)).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' })
})

test('a display name that does not fit is a TypeError', async () => {
  const create = SigningContext.create({ ...fresh(), displayName: 'ü'.repeat(33) })
  await expect(create).rejects.toThrow(TypeError)
})

test('what it issues is signed by the device in the identity’s name', async () => {
  const parts = fresh()
  const context = await SigningContext.create({ ...parts, displayName: 'Ada' })
  const { identityKey, deviceKey } = context
  const space = identityKey
  const feed = await parts.keyring.createKey()
  const binding = { member: identityKey, device: deviceKey, feed, purpose: 'DATA' } as const
  const proof = await proveFeed({ signer: parts.keyring, ...binding })
  const claim = { type: 'AdmittedFeed', space, ...binding, proof } as const
  const parents = ['00'.repeat(32)]
  const credential = await verifyCredential((await context.issue(claim, { parents })).encoded)
  expect([credential.issuer, credential.signer]).toEqual([identityKey, deviceKey])
  expect([credential.parents, credential.issuedAtMs]).toEqual([parents, stillClock.now()])
  const challenge = { space, nonce: new Uint8Array(32), channelBinding: Uint8Array.of(1) }
  const presented = await verifyPresentation(await context.present(challenge), challenge)
  expect([presented.identity, presented.device]).toEqual([identityKey, deviceKey])
})

test('a manager opens and closes once, however often it is asked to', async () => {
  const { keyring, storage, signingContext } = await Person.join(new World(), 'ada')
  const networkManager = new World().networkManager('ada')
  const manager = new SpaceManager({ keyring, storage, signingContext, networkManager, clock: stillClock })
  await expect(manager.createSpace({ name: 'early' })).rejects.toMatchObject({ code: 'CLOSED' })
  await Promise.all([manager.open(), manager.open()])
  const space = await manager.createSpace({ name: 'Kitchen' })
  expect(manager.list()).toEqual([space])
  await Promise.all([manager.close(), manager.close()])
  await expect(manager.open()).rejects.toMatchObject({ code: 'CLOSED' })
})
