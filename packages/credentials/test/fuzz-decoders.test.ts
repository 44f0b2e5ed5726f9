import { readFileSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import { PublicKey } from '@vestibule/keys'
import { decoderSuite } from '@vestibule/keys/fuzzing'
import { bytes, message, optional, WireError } from '@vestibule/keys/wire'
import { CLAIM_TYPES, encodeClaim, parseClaim } from '../src/claims/wire.ts'
import { Envelope, Payload } from '../src/envelope.ts'
import {
  type Claim,
  CredentialsError,
  channelBinding,
  verifyCredential,
  verifyPresentation,
} from '../src/index.ts'

const isRefusal = (error: unknown): boolean => error instanceof CredentialsError
const file = readFileSync(new URL('./vectors/credentials.json', import.meta.url), 'utf8')
const vectors = (JSON.parse(file) as { vectors: { type: string; encoded: string }[] }).vectors.map(
  ({ type, encoded }) => ({ type, encoded: hexToBytes(encoded) }),
)

decoderSuite('a credential', () => ({
  decode: (input) => verifyCredential(input),
  encode: ({ encoded }) => encoded,
  samples: vectors.map(({ encoded }) => encoded),
  isRefusal,
}))

decoderSuite('a presentation', () => {
  const encoded = vectors.find(({ type }) => type === 'Auth')?.encoded ?? new Uint8Array()
  return {
    decode: (input) =>
      verifyPresentation(input, {
        space: PublicKey.fromHex('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c'),
        nonce: new Uint8Array(32).fill(8),
        channelBinding: channelBinding({ prover: 'peer-a', verifier: 'peer-b' }),
      }),
    samples: [encoded],
    isRefusal,
  }
})

/** A claim of any type, the number of its field saying which: one suite for all, with nothing to sign. */
const AnyClaim = message(
  'AnyClaim',
  Object.fromEntries(CLAIM_TYPES.map((type, at) => [type, optional(bytes(at + 1))])),
)
decoderSuite('a claim', () => ({
  decode: (input) =>
    Object.entries(AnyClaim.parse(input)).map(([type, raw]) => parseClaim(type, raw as Uint8Array)),
  encode: (claims) =>
    AnyClaim.encode(Object.fromEntries(claims.map((claim) => [claim.type, encodeClaim(claim as Claim)]))),
  samples: vectors
    .filter(({ type }) => (CLAIM_TYPES as readonly string[]).includes(type))
    .map(({ type, encoded }) =>
      AnyClaim.encode({ [type]: Payload.parse(Envelope.parse(encoded).payload).claim }),
    ),
  isRefusal: (error) => error instanceof WireError,
}))
