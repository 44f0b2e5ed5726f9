import { verifyAdmission, verifyCredential, verifyPresentation } from '@vestibule/credentials'
import { Keyring, KeysError, sealToAgreementKey } from '@vestibule/keys'
import { expect, test } from 'vitest'
import { MemoryStorage, openBackup, SigningContext, SpaceManager } from '../src/index.ts'
import { storageKeys } from '../src/record.ts'
import { bring, Person, paper, stillClock, textsOf, until, World } from './world.ts'

const fresh = () => ({ keyring: new Keyring(), storage: new MemoryStorage(), clock: stillClock })

/** Ada, whose phrase is known, with a space that Bob is in. */
async function adaAndBob() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  return { world, ada, bob, hers, his, phrase: await paper() }
}

/** Whether a person holds an entry that carries these bytes. */
async function holds({ storage }: Person, bytes: Uint8Array): Promise<boolean> {
  const hex = Buffer.from(bytes).toString('hex')
  return (await storage.list('feeds/')).some(([, value]) => Buffer.from(value).toString('hex').includes(hex))
}

test('an identity made with a recovery key names it, signed by its own key, and has it after a restart', async () => {
  const parts = fresh()
  const phrase = await paper()
  const made = await SigningContext.create({ ...parts, displayName: 'Ada', recovery: phrase })
  expect(made.recovery?.claim).toMatchObject({
    type: 'IdentityRecovery',
    identity: made.identityKey,
    ...phrase.keys,
  })
  expect(made.recovery?.signer).toBe(made.identityKey)
  const again = await SigningContext.open(parts)
  expect(again.recovery).toEqual(made.recovery)
})

test('the recovery key makes a new device of the identity, on a bare machine, and is not kept there', async () => {
  const phrase = await paper()
  const { keyring: recoveryKeyring, keys } = phrase
  const old = await SigningContext.create({ ...fresh(), displayName: 'Ada', recovery: phrase })
  const recovery = await verifyCredential(old.recovery?.encoded ?? new Uint8Array())
  const parts = fresh()
  const made = await SigningContext.recover({ ...parts, displayName: 'Ada', recovery, recoveryKeyring })
  expect(made.identityKey).toBe(old.identityKey)
  expect([made.deviceKey, made.agreementKey]).not.toEqual([old.deviceKey, old.agreementKey])
  expect(made.chain.map(({ type, signer }) => [type, signer])).toEqual([
    ['AuthorizedDevice', keys.recoveryKey],
    ['IdentityRecovery', old.identityKey],
  ])
  expect(await parts.keyring.list()).toEqual([made.deviceKey])

  const again = await SigningContext.open(parts)
  const challenge = { space: old.identityKey, nonce: new Uint8Array(32), channelBinding: Uint8Array.of(1) }
  const presented = await verifyPresentation(await again.present(challenge), challenge)
  expect([presented.identity, presented.device]).toEqual([old.identityKey, made.deviceKey])
  await expect(again.addRecovery(phrase)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
  const twice = SigningContext.recover({ ...parts, displayName: 'Ada', recovery, recoveryKeyring })
  await expect(twice).rejects.toMatchObject({ code: 'IDENTITY_EXISTS' })
})

test('another phrase makes no device, and nothing is written', async () => {
  const phrase = await paper()
  const { recovery } = await SigningContext.create({ ...fresh(), displayName: 'Ada', recovery: phrase })
  if (recovery === undefined) throw new Error('no recovery key')
  const parts = fresh()
  const { keyring: recoveryKeyring } = await paper()
  const made = SigningContext.recover({ ...parts, displayName: 'Ada', recovery, recoveryKeyring })
  await expect(made).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
  expect(await parts.storage.list('')).toEqual([])
})

test('the members of every space learn of a recovery key, of those joined later too, once', async () => {
  const { world, ada, bob, hers, his, phrase } = await adaAndBob()
  const recovery = await ada.manager.addRecovery(phrase)
  expect(ada.signingContext.recovery).toBe(recovery)
  await hers.write('after')
  await until(his, () => his.messages().length === 1)
  expect(await holds(bob, recovery.encoded)).toBe(true)

  const later = await bob.manager.createSpace({ name: 'Cellar' })
  await bring(later, ada, 'READER')
  await until(later, () => later.members().length === 2)
  const feeds = async () => (await ada.storage.list(`feeds/${later.key.toHex()}/`)).length
  const before = await feeds()
  await ada.manager.close()
  const back = await ada.restart(world, ada.storage)
  expect(await holds(back, recovery.encoded)).toBe(true)
  expect(await feeds()).toBe(before)
})

test('a space is told at the next opening when it could not be told at once', async () => {
  const { world, ada, hers, phrase } = await adaAndBob()
  const { record } = storageKeys
  await ada.manager.close()
  const recovery = await ada.signingContext.addRecovery(phrase)
  expect(await holds(ada, recovery.encoded)).toBe(false)
  await ada.restart(world, ada.storage)
  expect(await holds(ada, recovery.encoded)).toBe(true)
  expect(await ada.storage.get(record(hers.key))).toBeDefined()
})

test('a backup brings back the identity and what leads to its spaces, and only the phrase opens it', async () => {
  const { ada, hers, phrase } = await adaAndBob()
  await expect(ada.manager.exportBackup()).rejects.toMatchObject({ code: 'NO_RECOVERY' })
  const recovery = await ada.manager.addRecovery(phrase)
  const file = await ada.manager.exportBackup()
  const backup = await openBackup(file, phrase)
  expect([backup.recovery.id, backup.profile.displayName]).toEqual([recovery.id, 'ada'])
  // The own space of the identity goes first.
  const [own, space] = backup.spaces
  if (space === undefined) throw new Error('no space')
  expect(own?.path[0]?.claim).toMatchObject({ identity: ada.signingContext.identityKey })
  expect([backup.spaces.length, space.spaceKey, space.readKeys.length]).toEqual([2, hers.key, 1])
  const { identityKey: member } = ada.signingContext
  verifyAdmission(space.path, { space: hers.key, genesisId: hers.genesisId, member, role: 'OWNER' })
  expect(space.controlFeeds.length).toBeGreaterThan(0)

  await expect(openBackup(file, await paper())).rejects.toMatchObject({ code: 'WRONG_RECIPIENT' })
  await expect(openBackup(new Uint8Array(20 << 20), phrase)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  for (let at = 1; at < file.length; at += 97) {
    const spoilt = openBackup(file.with(at, (file[at] ?? 0) ^ 1), phrase)
    await expect(spoilt, `byte ${at}`).rejects.toBeInstanceOf(KeysError)
  }
})

test('a recovered device writes the next backup, without the phrase', async () => {
  const { ada, phrase } = await adaAndBob()
  const recovery = await ada.manager.addRecovery(phrase)
  const parts = fresh()
  const recovered = await SigningContext.recover({
    ...parts,
    displayName: 'ada',
    recovery,
    recoveryKeyring: phrase.keyring,
  })
  const networkManager = new World().networkManager('ada again')
  const manager = new SpaceManager({ ...parts, signingContext: recovered, networkManager })
  await manager.open()
  const backup = await openBackup(await manager.exportBackup(), phrase)
  expect([backup.recovery.id, backup.spaces]).toEqual([recovery.id, []])
})

test('a backup that somebody else made for this phrase is refused', async () => {
  const { ada, bob, phrase } = await adaAndBob()
  const recovery = await ada.manager.addRecovery(phrase)
  // Bob knows the public keys from the space, so that he can seal; but he is no device of Ada's.
  const forged = await SigningContext.open({ keyring: bob.keyring, storage: bob.storage, clock: stillClock })
  Object.defineProperty(forged, 'recovery', { value: recovery })
  const networkManager = new World().networkManager('bob again')
  const parts = { keyring: bob.keyring, storage: new MemoryStorage(), clock: stillClock }
  const manager = new SpaceManager({ ...parts, signingContext: forged, networkManager })
  await manager.open()
  await expect(openBackup(await manager.exportBackup(), phrase)).rejects.toMatchObject({ code: 'BAD_BACKUP' })
  const nonsense = await sealToAgreementKey(phrase.keys.agreementKey, new Uint8Array(9), {
    info: new Uint8Array(),
  })
  await expect(openBackup(nonsense, phrase)).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
})

test('a phrase and a backup are enough to take part again, after the only device is gone', async () => {
  const { world, ada, hers, his, phrase } = await adaAndBob()
  await ada.manager.addRecovery(phrase)
  await hers.write('before')
  await until(his, () => textsOf(his).length === 1)
  const file = await ada.manager.exportBackup()
  await ada.manager.close()
  const again = await Person.recover(world, 'again', await openBackup(file, phrase), phrase)
  const [space] = again.manager.list()
  if (space === undefined) throw new Error('no space')
  await until(space, () => textsOf(space).length === 1)
  await space.write('after')
  await until(his, () => textsOf(his).length === 2)
  expect(his.messages().map(({ author }) => author)).toEqual(
    [ada, again].map((one) => one.signingContext.identityKey),
  )
  expect(his.members()).toHaveLength(2)
  await again.manager.close()
})
