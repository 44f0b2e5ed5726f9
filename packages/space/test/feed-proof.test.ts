import { type Credential, proveFeed } from '@vestibule/credentials'
import { equalBytes, type PublicKey, pae } from '@vestibule/keys'
import { bytes, message, repeated, string } from '@vestibule/keys/wire'
import { describe, expect, test } from 'vitest'
import { encodeAdmission, parseAdmission } from '../src/index.ts'
import { Person, publish, until, World } from './world.ts'

/** A space of ada's, with bob, who is to be admitted, and eve. */
async function setup() {
  const world = new World()
  const [ada, bob, eve] = [
    await Person.join(world, 'ada'),
    await Person.join(world, 'bob'),
    await Person.join(world, 'eve'),
  ]
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const close = () => Promise.all([ada, bob, eve].map(({ manager }) => manager.close()))
  return { ada, bob, eve, space, close }
}

const Envelope = message('Envelope', {
  type: string(1, { max: 64 }),
  signer: bytes(2, { length: 32 }),
  payload: bytes(3),
  signature: bytes(4, { length: 64 }),
  chain: repeated(bytes(5), { max: 8 }),
})

/** The same credential about another feed, signed again, as no implementation that verifies what it issues would. */
async function aboutFeed(feed: PublicKey, { keyring }: Person, { claim, signer, encoded }: Credential) {
  if (claim.type !== 'AdmittedFeed') throw new Error('not an admitted feed')
  const { type, signer: by, payload, chain } = Envelope.parse(encoded)
  const at = payload.findIndex((_, i) => equalBytes(payload.slice(i, i + 32), claim.feed.toBytes()))
  const forged = Uint8Array.of(...payload.slice(0, at), ...feed.toBytes(), ...payload.slice(at + 32))
  const signature = await keyring.sign(signer, pae('vestibule credential v1', type, by, forged))
  return Envelope.encode({ type, signer: by, payload: forged, signature, chain })
}

describe('a feed', () => {
  test('stays its author’s, though a member who came earlier backdates an admission of it to itself', async () => {
    const { bob, eve, space, close } = await setup()
    const hers = await eve.candidate()
    const eves = await space.admit(hers, { role: 'EDITOR' })
    const grant = eves.path.at(-1)?.id ?? ''
    const candidate = await bob.candidate()
    const his = await bob.manager.acceptSpace(await space.admit(candidate, { role: 'EDITOR' }), candidate)

    const { identityKey, deviceKey } = eve.signingContext
    const spare = await eve.keyring.createKey()
    const own = { member: identityKey, device: deviceKey, feed: spare, purpose: 'DATA' } as const
    const proof = await proveFeed({ signer: eve.keyring, ...own })
    const genuine = await eve.signingContext.issue(
      { type: 'AdmittedFeed', space: space.key, ...own, proof },
      { parents: [grant] },
    )
    const forged = await aboutFeed(candidate.dataFeedKey, eve, genuine)
    await publish(space, eve, hers.controlFeedKey, [forged, genuine.encoded])

    await his.write('by Bob')
    await until(space, () => space.messages().length === 1)
    expect(space.messages()[0]?.author).toBe(bob.signingContext.identityKey)
    await close()
  })

  test('of another member is not admitted, by its member’s admitter neither, with a made-up proof', async () => {
    const { ada, bob, space, close } = await setup()
    const candidate = await bob.candidate()
    await space.admit(candidate, { role: 'EDITOR' })
    const { identityKey: member, deviceKey: device } = ada.signingContext
    const feed = candidate.dataFeedKey
    for (const proof of [new Uint8Array(128), candidate.dataFeedProof]) {
      const claim = { type: 'AdmittedFeed', space: space.key, member, device, feed, purpose: 'DATA' } as const
      await expect(ada.signingContext.issue({ ...claim, proof })).rejects.toMatchObject({
        code: 'BAD_FEED_PROOF',
      })
    }
    await close()
  })

  test('of the host’s own making is not admitted as the guest’s: the guest’s device did not agree', async () => {
    const { ada, bob, space, close } = await setup()
    const candidate = await bob.candidate()
    const { identityKey: member, deviceKey: device } = bob.signingContext
    const feed = await ada.keyring.createKey()
    const binding = { member, device, feed, purpose: 'DATA' } as const
    const signer = {
      sign: (key: PublicKey, statement: Uint8Array) =>
        ada.keyring.sign(key === feed ? feed : ada.signingContext.deviceKey, statement),
    }
    const proof = await proveFeed({ signer, ...binding })
    await expect(
      space.admit({ ...candidate, dataFeedKey: feed, dataFeedProof: proof }, { role: 'EDITOR' }),
    ).rejects.toMatchObject({ code: 'BAD_CANDIDATE' })
    await expect(
      ada.signingContext.issue({ type: 'AdmittedFeed', space: space.key, ...binding, proof }),
    ).rejects.toMatchObject({ code: 'BAD_FEED_PROOF' })
    await close()
  })

  test('that the guest proved in an earlier attempt makes it refuse the admission', async () => {
    const { bob, space, close } = await setup()
    const { dataFeedKey, dataFeedProof } = await bob.candidate()
    const candidate = await bob.candidate()
    const before = await bob.storage.list('')
    const admission = await space.admit({ ...candidate, dataFeedKey, dataFeedProof }, { role: 'EDITOR' })
    const received = await parseAdmission(encodeAdmission(admission))
    await expect(bob.manager.acceptSpace(received, candidate)).rejects.toMatchObject({
      code: 'BAD_ADMISSION',
    })
    expect(await bob.storage.list('')).toEqual(before)
    await close()
  })
})
