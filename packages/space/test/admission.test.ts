import { type Clock, systemClock } from '@vestibule/network'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeAdmission, genesisIdOf, MAX_ADMISSION_BYTES, parseAdmission } from '../src/index.ts'
import { bring, namesOf, Person, textsOf, until, World } from './world.ts'

const guests = async (world: World, ...names: string[]): Promise<Person[]> =>
  Promise.all(names.map((name) => Person.join(world, name)))

async function admitted(clock?: Clock) {
  const world = new World(clock)
  const [ada, bob, eve] = (await guests(world, 'ada', 'bob', 'eve')) as [Person, Person, Person]
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const candidate = await bob.candidate()
  const admission = await space.admit(candidate, { role: 'EDITOR' })
  const close = () => Promise.all([ada, bob, eve].map(({ manager }) => manager.close()))
  return { world, ada, bob, eve, space, candidate, admission, close }
}

describe('admitting', () => {
  test('writes the record of the invitation in the same transaction', async () => {
    const { ada, eve, space, close } = await admitted()
    const candidate = await eve.candidate()
    const record = { key: 'invitations/1', value: Uint8Array.of(1) }
    const invitationId = new Uint8Array(16).fill(7)
    await space.admit(candidate, { role: 'READER', invitationId, alsoWrite: [record] })
    expect(await ada.storage.get(record.key)).toEqual(record.value)
    expect(space.members().at(-1)).toMatchObject({ role: 'READER', profile: { displayName: 'eve' } })
    await close()
  })

  test('again gives the same admission, and writes only what else was asked for', async () => {
    const { ada, space, candidate, admission, close } = await admitted()
    const record = { key: 'invitations/2', value: Uint8Array.of(2) }
    const again = await space.admit(candidate, { role: 'OWNER', alsoWrite: [record] })
    expect(again.path.map(({ id }) => id)).toEqual(admission.path.map(({ id }) => id))
    expect(again.heads).toEqual(admission.heads)
    expect(await ada.storage.get(record.key)).toEqual(record.value)
    await close()
  })

  test('lets in again, with other feeds, a member that it admitted and that has lost what it had', async () => {
    const { bob, space, close } = await admitted()
    const his = await bring(space, bob)
    expect([namesOf(space), namesOf(his)]).toEqual([
      ['ada', 'bob'],
      ['ada', 'bob'],
    ])
    await his.write('back again')
    await until(space, () => textsOf(space).includes('back again'))
    await close()
  })

  test('with other feeds refuses another role, another admin, and one who comes back for ever', async () => {
    const { eve, bob, space, close } = await admitted()
    const hers = await bring(space, eve, 'ADMIN')
    await until(hers, () => namesOf(hers).length === 3)
    const refused = { code: 'ALREADY_MEMBER' }
    await expect(space.admit(await bob.candidate(), { role: 'READER' })).rejects.toMatchObject(refused)
    await expect(hers.admit(await bob.candidate(), { role: 'EDITOR' })).rejects.toMatchObject(refused)
    for (let i = 0; i < 7; i++) await space.admit(await bob.candidate(), { role: 'EDITOR' })
    await expect(space.admit(await bob.candidate(), { role: 'EDITOR' })).rejects.toMatchObject(refused)
    await close()
  })

  test('many at once admits each of them once', async () => {
    const { world, space, close } = await admitted()
    const people = await guests(world, ...Array.from({ length: 8 }, (_, i) => `guest ${i}`))
    const spaces = await Promise.all(people.map((person) => bring(space, person)))
    expect(namesOf(space)).toHaveLength(10)
    for (const one of spaces) await until(one, () => namesOf(one).length === 10)
    await Promise.all(people.map(({ manager }) => manager.close()))
    await close()
  })

  test('refuses keys in two places, foreign feeds, unproven ones, and devices that do not speak for the identity', async () => {
    const { ada, eve, space, candidate: bobs, close } = await admitted()
    const good = await eve.candidate()
    const bad = [
      { ...good, dataFeedKey: good.controlFeedKey },
      { ...good, controlFeedKey: good.deviceKey },
      { ...good, controlFeedKey: bobs.controlFeedKey },
      { ...good, deviceKey: bobs.deviceKey },
      { ...good, chain: bobs.chain },
      { ...good, chain: [] },
      { ...good, agreementKey: new Uint8Array(32) },
      { ...good, identityKey: (await ada.candidate()).controlFeedKey },
      { ...good, controlFeedProof: new Uint8Array(128) },
      { ...good, dataFeedProof: new Uint8Array(128) },
      { ...good, controlFeedProof: good.dataFeedProof, dataFeedProof: good.controlFeedProof },
      { ...bobs, ...ada.signingContext },
    ]
    for (const candidate of bad)
      await expect(space.admit(candidate, { role: 'EDITOR' })).rejects.toMatchObject({
        code: 'BAD_CANDIDATE',
      })
    expect(namesOf(space)).toEqual(['ada', 'bob'])
    await close()
  })
})

describe('accepting', () => {
  test('twice gives the same space', async () => {
    const { bob, candidate, admission, close } = await admitted()
    const one = await bob.manager.acceptSpace(admission, candidate)
    expect(await bob.manager.acceptSpace(admission, candidate)).toBe(one)
    expect(bob.manager.list()).toEqual([one])
    await close()
  })

  test('refuses an admission that is not one’s own, or not as promised, and writes nothing', async () => {
    const { bob, eve, ada, space, candidate, admission, close } = await admitted()
    const eves = await eve.candidate()
    const other = await ada.manager.createSpace({ name: 'Cellar' })
    const elsewhere = await other.admit(candidate, { role: 'EDITOR' })
    const reader = await other.admit(eves, { role: 'READER' })
    const before = await bob.storage.list('')
    const accept = (change: object, options: object = {}) =>
      bob.manager.acceptSpace({ ...admission, ...change }, { ...candidate, ...options })
    const bad = [
      () => eve.manager.acceptSpace(admission, eves),
      () => bob.manager.acceptSpace(reader, candidate),
      () => accept({}, { role: 'ADMIN' }),
      () => accept({}, { genesisId: other.genesisId }),
      () => accept({}, { controlFeedKey: eves.controlFeedKey }),
      () => accept({}, { controlFeedKey: candidate.dataFeedKey, dataFeedKey: candidate.controlFeedKey }),
      () => accept({ path: elsewhere.path }),
      () => accept({ spaceKey: other.key }),
      () => accept({ path: admission.path.slice(1) }),
      () => accept({ path: admission.path.slice(0, -1) }),
      () => accept({ path: [...admission.path].reverse() }),
      () => accept({ path: [] }),
      () => accept({ credentials: [] }),
      () => accept({ credentials: elsewhere.credentials }),
      () => accept({ hostIdentity: eve.signingContext.identityKey }),
      () => accept({ readKeys: [] }),
    ]
    for (const [i, attempt] of bad.entries())
      await expect(attempt(), `case ${i}`).rejects.toMatchObject({ code: 'BAD_ADMISSION' })
    // Heads name their space, so the feeds of one are not genuine in another.
    await expect(accept({ controlFeeds: elsewhere.controlFeeds })).rejects.toMatchObject({
      code: 'BAD_SIGNATURE',
    })
    expect(await bob.storage.list('')).toEqual(before)
    expect(bob.manager.list()).toEqual([])
    const his = await bob.manager.acceptSpace(admission, {
      ...candidate,
      role: 'EDITOR',
      genesisId: space.genesisId,
    })
    expect(namesOf(his)).toEqual(['ada', 'bob'])
    await close()
  })

  test('refuses a feed in the admission that was tampered with', async () => {
    const { bob, candidate, admission, close } = await admitted()
    const [content] = admission.controlFeeds
    const [batch] = content?.batches ?? []
    if (content === undefined || batch === undefined) throw new Error('no control feed')
    const forged = { ...batch, signature: batch.signature.map((byte) => byte ^ 1) }
    const cut = {
      ...admission,
      controlFeeds: [{ ...content, batches: [{ ...batch, from: 1, payloads: batch.payloads.slice(1) }] }],
    }
    const swapped = { ...admission, controlFeeds: [{ ...content, batches: [forged] }] }
    await expect(bob.manager.acceptSpace(cut, candidate)).rejects.toMatchObject({ code: 'GAP' })
    await expect(bob.manager.acceptSpace(swapped, candidate)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
    await close()
  })
})

describe('the wire form of an admission', () => {
  test('comes back as it was, and starts from the genesis', async () => {
    const { space, admission, close } = await admitted()
    const encoded = encodeAdmission(admission)
    const parsed = await parseAdmission(encoded)
    expect(encodeAdmission(parsed)).toEqual(encoded)
    expect(genesisIdOf(parsed)).toBe(space.genesisId)
    expect(JSON.stringify(parsed.readKeys)).toContain('<redacted>')
    await close()
  })

  test('is refused with a SpaceError whatever was changed in it', async () => {
    const { admission, close } = await admitted()
    const encoded = encodeAdmission(admission)
    await fc.assert(
      fc.asyncProperty(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = encoded.map((byte, i) => (i === at ? byte ^ by : byte))
        // Some changes make another admission; none may end in anything but a SpaceError.
        await parseAdmission(changed).catch((error: Error) => expect(error.name).toBe('SpaceError'))
      }),
      { numRuns: 100 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await expect(parseAdmission(bytes)).rejects.toMatchObject({ name: 'SpaceError' })
      }),
    )
    const large = new Uint8Array(MAX_ADMISSION_BYTES + 1)
    await expect(parseAdmission(large)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await close()
  })

  test('leaves the history to replication when it is too long, and the guest is a member all the same', {
    timeout: 30_000,
  }, async () => {
    const { world, space, ada, eve, close } = await admitted(systemClock)
    const away = new World()
    for (let i = 0; i < 190; i++) {
      const person = await Person.join(away, `guest ${i}`)
      await space.admit(await person.candidate(), { role: 'EDITOR' })
    }
    const candidate = await eve.candidate()
    const admission = await space.admit(candidate, { role: 'EDITOR' })
    expect(admission.controlFeeds).toEqual([])
    world.setOnline('ada', false)
    const hers = await eve.manager.acceptSpace(await parseAdmission(encodeAdmission(admission)), candidate)
    expect([hers.name, namesOf(hers)]).toEqual(['Kitchen', ['ada', 'eve']])
    await hers.write('hello')
    await eve.manager.close()
    const again = await eve.restart(world, eve.storage)
    const reopened = again.manager.get(space.key)
    if (reopened === undefined) throw new Error('the space is gone')
    expect([namesOf(reopened), textsOf(reopened)]).toEqual([['ada', 'eve'], ['hello']])
    world.setOnline('ada', true)
    await until(reopened, () => namesOf(reopened).length === 193)
    await until(space, () => textsOf(space).includes('hello'))
    expect(namesOf(reopened)).toEqual(namesOf(space))
    expect(ada.manager.list()).toHaveLength(1)
    await again.manager.close()
    await close()
  })
})
