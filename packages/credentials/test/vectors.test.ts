import { readFileSync } from 'node:fs'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { Keyring, PublicKey } from '@vestibule/keys'
import { describe, expect, it } from 'vitest'
import { CLAIM_TYPES } from '../src/claims/wire.ts'
import { Envelope, signedBytes } from '../src/envelope.ts'
import {
  type Claim,
  channelBinding,
  issueCredential,
  proveFeed,
  verifyCredential,
  verifyPresentation,
} from '../src/index.ts'
import { byteMap, SPACE_MEMBER } from './byte-map.ts'
import { expectDocumented } from './documented.ts'

interface Vector {
  readonly name: string
  readonly claim: Record<string, unknown>
  readonly type: string
  readonly issuer: string
  readonly signer: string
  readonly parents: readonly string[]
  readonly issuedAtMs: number
  readonly expiresAtMs?: number
  readonly chain: readonly string[]
  readonly signed: string
  readonly id: string
  readonly encoded: string
}
const file = readFileSync(new URL('./vectors/credentials.json', import.meta.url), 'utf8')
const { seeds, vectors } = JSON.parse(file) as { seeds: Record<string, string>; vectors: Vector[] }

/** Keys and byte strings as hex, as the file has them. */
const plain = (claim: object): object =>
  Object.fromEntries(Object.entries(claim).map(([name, value]: [string, unknown]) => [name, printed(value)]))
const printed = (value: unknown): unknown => {
  if (value instanceof PublicKey) return value.toHex()
  if (value instanceof Uint8Array) return bytesToHex(value)
  if (Array.isArray(value)) return value.map(printed)
  return typeof value === 'object' && value !== null ? plain(value) : value
}

describe('the golden bytes', () => {
  for (const { name, claim, signed, encoded, ...rest } of vectors)
    it(`of ${name} are verified, and made again`, async () => {
      const one = await verifyCredential(hexToBytes(encoded))
      expect(plain(one.claim)).toEqual(claim)
      expect(bytesToHex(signedBytes(Envelope.parse(one.encoded)))).toBe(signed)
      expect(bytesToHex(one.encoded)).toBe(encoded)
      const { id, type, parents, issuedAtMs, expiresAtMs } = one
      expect({
        id,
        type,
        parents,
        issuedAtMs,
        ...(expiresAtMs !== undefined && { expiresAtMs }),
        issuer: one.issuer.toHex(),
        signer: one.signer.toHex(),
        chain: one.chain.map((link) => link.id),
      }).toEqual(rest)

      if (one.claim.type === 'Unknown') return
      const keyring = new Keyring()
      for (const seed of Object.values(seeds)) await keyring.importKey(hexToBytes(seed))
      const again = await issueCredential({
        signer: keyring,
        issuer: one.issuer,
        signingKey: one.signer,
        chain: one.chain,
        claim: one.claim as Claim,
        parents: [...parents].reverse(),
        issuedAtMs,
        ...(expiresAtMs !== undefined && { expiresAtMs }),
      })
      expect(bytesToHex(again.encoded)).toBe(encoded)
    })

  it('of a feed’s proof are made again by its key and its device', async () => {
    const admitted = vectors.find(({ type }) => type === 'AdmittedFeed')
    if (admitted === undefined) throw new Error('no such vector')
    const { claim } = await verifyCredential(hexToBytes(admitted.encoded))
    if (claim.type !== 'AdmittedFeed') throw new Error('not an admitted feed')
    const signer = new Keyring()
    for (const name of ['feed', 'second']) await signer.importKey(hexToBytes(seeds[name] ?? ''))
    expect(bytesToHex(await proveFeed({ signer, ...claim }))).toBe(admitted.claim['proof'])
  })

  it('of the presentation are accepted by its verifier', async () => {
    const auth = vectors.find(({ type }) => type === 'Auth')
    if (auth === undefined) throw new Error('no such vector')
    const { encoded, issuer, signer, claim } = auth
    const presented = await verifyPresentation(hexToBytes(encoded), {
      space: PublicKey.from(String(claim['space'])),
      nonce: hexToBytes(String(claim['nonce'])),
      channelBinding: channelBinding({ prover: 'peer-a', verifier: 'peer-b' }),
    })
    expect([presented.identity.toHex(), presented.device.toHex()]).toEqual([issuer, signer])
  })

  it('are the ones that were released', () => {
    const hash = '572d10d6c3b77fa2e59cd9f17c9453551043f0b5a21d1e4bbd40d81e557e91d7'
    expect(bytesToHex(sha256(utf8ToBytes(file)))).toBe(hash)
  })

  it('are there for every claim', () => {
    const types = new Set(vectors.map(({ claim }) => claim['type']))
    expect(types).toEqual(new Set([...CLAIM_TYPES, 'Unknown']))
  })
})

it('a credential is explained to the byte in the documentation; UPDATE_DOCS=1 writes it anew', () => {
  const example = vectors.find(({ name }) => name.startsWith('a reader without a name'))
  expectDocumented('bytes', byteMap(hexToBytes(example?.encoded ?? ''), SPACE_MEMBER))
})
