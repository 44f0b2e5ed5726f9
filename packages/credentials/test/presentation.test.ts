import { describe, expect, it } from 'vitest'
import {
  channelBinding,
  issueCredential,
  issuePresentation,
  type PresentationContext,
  verifyPresentation,
} from '../src/index.ts'
import { createPerson, keyOf, NOON, type Person, refusal } from './cast.ts'

const context: PresentationContext = {
  space: keyOf(1),
  nonce: new Uint8Array(32).fill(1),
  channelBinding: channelBinding({ prover: 'peer-a', verifier: 'peer-b' }),
}

const present = ({ keyring, identity, device, chain }: Person, to = context): Promise<Uint8Array> =>
  issuePresentation({ signer: keyring, identity, deviceKey: device, chain, ...to })

describe('a presentation', () => {
  it('proves which identity and device are at the other end of a channel', async () => {
    const ada = await createPerson()
    const presented = await verifyPresentation(await present(ada), context)
    expect(presented).toEqual({ identity: ada.identity, device: ada.device, chain: ada.chain })
  })

  it('is verified without a chain when the identity key itself signs', async () => {
    const { keyring, identity } = await createPerson()
    const encoded = await issuePresentation({
      signer: keyring,
      identity,
      deviceKey: identity,
      chain: [],
      ...context,
    })
    expect(await verifyPresentation(encoded, context)).toEqual({ identity, device: identity, chain: [] })
  })

  it('is refused with the wrong nonce', async () => {
    const encoded = await present(await createPerson())
    const nonce = new Uint8Array(32).fill(2)
    expect(await refusal(verifyPresentation(encoded, { ...context, nonce }))).toBe('WRONG_NONCE')
  })

  it('is refused with no nonce, in it or at the verifier', async () => {
    const ada = await createPerson()
    const empty = { ...context, nonce: new Uint8Array(0) }
    await expect(present(ada, empty)).rejects.toThrow(TypeError)
    await expect(verifyPresentation(await present(ada), empty)).rejects.toThrow(TypeError)
    const { nonce, ...none } = context
    expect(nonce).toHaveLength(32)
    await expect(verifyPresentation(await present(ada), none as PresentationContext)).rejects.toThrow(
      TypeError,
    )
  })

  it('is refused on another channel', async () => {
    const encoded = await present(await createPerson())
    const other = channelBinding({ prover: 'peer-a', verifier: 'peer-c' })
    expect(await refusal(verifyPresentation(encoded, { ...context, channelBinding: other }))).toBe(
      'WRONG_CHANNEL',
    )
  })

  it('is refused when it is sent back to whoever made it', async () => {
    const ada = await createPerson()
    // The verifier repeats the prover's own nonce, so only the direction of the channel is left.
    const back = channelBinding({ prover: 'peer-b', verifier: 'peer-a' })
    const reflected = verifyPresentation(await present(ada), { ...context, channelBinding: back })
    expect(await refusal(reflected)).toBe('WRONG_CHANNEL')
  })

  it('is refused for a foreign space', async () => {
    const encoded = await present(await createPerson())
    expect(await refusal(verifyPresentation(encoded, { ...context, space: keyOf(2) }))).toBe('WRONG_SPACE')
  })

  it('is refused when it is another kind of credential, however genuine', async () => {
    const { chain } = await createPerson()
    const encoded = chain[0]?.encoded ?? new Uint8Array()
    expect(await refusal(verifyPresentation(encoded, context))).toBe('WRONG_TYPE')
  })

  it('is refused when its device is not the identity’s', async () => {
    const [ada, eve] = [await createPerson(), await createPerson()]
    const { keyring, device } = eve
    const claim = { type: 'Auth', ...context, channel: new Uint8Array(32) } as const
    const stolen = issueCredential({
      signer: keyring,
      issuer: ada.identity,
      signingKey: device,
      chain: ada.chain,
      claim,
      issuedAtMs: 0,
    })
    expect(await refusal(stolen)).toBe('BAD_CHAIN')
  })

  it('is refused when its device has expired, where a time is given', async () => {
    const { keyring, identity, device } = await createPerson()
    const chain = [
      await issueCredential({
        signer: keyring,
        issuer: identity,
        claim: { type: 'AuthorizedDevice', identity, device, agreementKey: new Uint8Array(32) },
        issuedAtMs: NOON,
        expiresAtMs: NOON + 1,
      }),
    ]
    const encoded = await issuePresentation({
      signer: keyring,
      identity,
      deviceKey: device,
      chain,
      ...context,
    })
    expect((await verifyPresentation(encoded, context)).device).toBe(device)
    expect(await refusal(verifyPresentation(encoded, { ...context, nowMs: NOON + 1 }))).toBe('EXPIRED')
  })
})
