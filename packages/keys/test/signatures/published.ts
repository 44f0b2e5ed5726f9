import { sha512 } from '@noble/hashes/sha2.js'
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import cctv from '../vectors/cctv-ed25519.json' with { type: 'json' }
import speccheck from '../vectors/speccheck-ed25519.json' with { type: 'json' }
import wycheproof from '../vectors/wycheproof-ed25519.json' with { type: 'json' }

/** A signature, and whether this package takes it. All of them together are the accept-set by example. */
export interface Verdict {
  readonly what: string
  readonly key: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly valid: boolean
}

/** RFC 8032, section 7.1. Its TEST 1024 is among Wycheproof's (tcId 83). */
const RFC_8032: readonly Verdict[] = [
  [
    'TEST 1',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    new Uint8Array(0),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    Uint8Array.of(0x72),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    Uint8Array.of(0xaf, 0x82),
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST SHA(abc)',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    sha512(utf8ToBytes('abc')),
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
].map(([what, key, message, signature]) => ({
  what: `RFC 8032, ${what}`,
  key: hexToBytes(key as string),
  message: message as Uint8Array,
  signature: hexToBytes(signature as string),
  valid: true,
}))

const WYCHEPROOF: readonly Verdict[] = wycheproof.testGroups.flatMap(({ publicKey, tests }) =>
  tests.map(({ tcId, comment, msg, sig, result }) => ({
    what: `tcId ${tcId} (${comment})`,
    key: hexToBytes(publicKey.pk),
    message: hexToBytes(msg),
    signature: hexToBytes(sig),
    valid: result === 'valid',
  })),
)

/**
 * C2SP/CCTV has every meeting of edge cases of A and R, and flags that say which. Just the one without flags is taken.
 * R = identity (number 304, `low_order_R` alone) satisfies every equation, and yet verifiers differ on it.
 */
const CCTV: readonly Verdict[] = cctv.map(({ number, key, msg, sig, flags }) => ({
  what: `number ${number} (${flags?.join(', ') ?? 'no flags'})`,
  key: hexToBytes(key),
  message: utf8ToBytes(msg),
  signature: hexToBytes(sig),
  valid: flags === null || flags.length === 0,
}))

/**
 * The twelve of "Taming the many EdDSAs" (ePrint 2020/1244), on which libraries differ. None is taken: A is small (0, 1)
 * or mixed (2 to 5, 8, 9), S is L or more (6, 7), or A is not canonical (10, 11).
 */
const SPECCHECK: readonly Verdict[] = speccheck.map(({ message, pub_key, signature }, number) => ({
  what: `case ${number}`,
  key: hexToBytes(pub_key),
  message: hexToBytes(message),
  signature: hexToBytes(signature),
  valid: false,
}))

/** All published vectors, by where they are from. */
export const PUBLISHED = {
  'RFC 8032': RFC_8032,
  Wycheproof: WYCHEPROOF,
  CCTV,
  'Taming the many EdDSAs': SPECCHECK,
}
