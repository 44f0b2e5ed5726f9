import { afterEach, describe, expect, it, vi } from 'vitest'
import { Envelope } from '../src/envelope.ts'
import { type Credential, CredentialsError, verifyCredential, verifyCredentials } from '../src/index.ts'
import { admission, createPerson, createSpace, FEEDS, feedClaim, keyOf, NOON } from './cast.ts'

afterEach(() => vi.unstubAllGlobals())

const codes = (verdicts: readonly (Credential | CredentialsError)[]) =>
  verdicts.map((one) => (one instanceof CredentialsError ? one.code : 'ok'))
const flipped = (credential: Credential): Uint8Array => {
  const envelope = Envelope.parse(credential.encoded)
  const signature = envelope.signature.map((byte, i) => (i === 3 ? byte ^ 1 : byte))
  return Envelope.encode({ ...envelope, signature })
}

/** Genuine ones of several kinds, with chains and proofs, and among them some that are not. */
async function mixed() {
  const { space } = await createSpace()
  const person = await createPerson()
  const genuine: Credential[] = []
  for (let i = 0; i < 10; i++) genuine.push(await person.say(admission(space, keyOf(i), 'READER')))
  for (const feed of FEEDS) genuine.push(await person.say(feedClaim(space, person, feed, 'DATA')))
  const stranger = await createPerson()
  const foreign = await stranger.say(admission(space, keyOf(1), 'READER'))
  const [first] = genuine
  if (first === undefined) throw new TypeError('nothing was made')
  const { chain: _, ...unchained } = Envelope.parse(first.encoded)
  return {
    person,
    encoded: [
      ...genuine.map((one) => one.encoded),
      flipped(first),
      new Uint8Array([1, 2, 3]),
      new Uint8Array(17 * 1024),
      Envelope.encode({ ...unchained, chain: [] }),
      foreign.encoded,
      first.encoded,
    ],
  }
}

describe('many credentials at once', () => {
  it('get the verdicts that they get one by one, each in its place, and none spoils another', async () => {
    const { person, encoded } = await mixed()
    const options = { issuer: person.identity, nowMs: NOON }
    const alone = encoded.map((one) => verifyCredential(one, options).catch((error: unknown) => error))
    const together = await verifyCredentials(encoded, options)
    const refused = ['BAD_SIGNATURE', 'MALFORMED', 'TOO_LARGE', 'MISSING_CHAIN', 'WRONG_ISSUER']
    expect(codes(together)).toEqual([...new Array<string>(13).fill('ok'), ...refused, 'ok'])
    expect(together).toEqual(await Promise.all(alone))
  })

  it('get the same where the runtime has no threads for signatures', async () => {
    const { encoded } = await mixed()
    const verdicts = await verifyCredentials(encoded)
    vi.stubGlobal('crypto', undefined)
    expect(codes(await verifyCredentials(encoded))).toEqual(codes(verdicts))
  })

  it('none, and few, are fine too', async () => {
    const { encoded } = await mixed()
    expect(await verifyCredentials([])).toEqual([])
    expect(codes(await verifyCredentials(encoded.slice(0, 2)))).toEqual(['ok', 'ok'])
  })

  it('stop when they are called off, with the reason that was given', async () => {
    const { encoded } = await mixed()
    const calledOff = new AbortController()
    const work = verifyCredentials(encoded, { signal: calledOff.signal })
    calledOff.abort(new RangeError('enough'))
    await expect(work).rejects.toThrow('enough')
    await expect(verifyCredentials(encoded, { signal: calledOff.signal })).rejects.toThrow(RangeError)
  })

  it('that are no bytes at all are a mistake of the caller', async () => {
    await expect(verifyCredentials(['text' as unknown as Uint8Array])).rejects.toThrow(TypeError)
  })
})
