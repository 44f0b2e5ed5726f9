import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { agreementPublicKey, equalBytes, pae, Redacted, sharedSecret } from '@vestibule/keys'
import {
  CPACE_RANDOM_BYTES,
  calculateGenerator,
  isValidShare,
  lvCat,
  sampleScalar,
  scalarMult,
  scalarMultVfy,
  sessionKeyIR,
} from './cpace.ts'
import { attemptId, transcript2 } from './transcript.ts'

/** Length of every MAC of the exchange: HMAC-SHA-512. */
export const TAG_BYTES = 64
/** Length of a share, of either kind of agreement. */
export const SHARE_BYTES = 32
/** Random bytes that {@link beginAgreement} takes. */
export const AGREEMENT_RANDOM_BYTES = CPACE_RANDOM_BYTES

/** The MAC of message 1, which shows that the guest has the link. 64 bytes. */
export function helloMac(
  macKey: Redacted<Uint8Array>,
  th0: Uint8Array,
  guestNonce: Uint8Array,
  resume: boolean,
): Uint8Array {
  return hmac(sha512, macKey.unwrap(), pae('inv/1 hello', th0, guestNonce, resume ? 1 : 0))
}

/** What the session key follows from: with a code CPace, without one X25519. Either way the link's `psk` is in it. */
export interface AgreementInput {
  /** Normalised; absent when the auth method has no code. */
  readonly code?: Redacted<string>
  readonly psk: Redacted<Uint8Array>
  readonly th0: Uint8Array
  readonly th1: Uint8Array
  /** 1, 2 or 3 within this session. */
  readonly attempt: number
  /** 64 random bytes, used for this attempt alone. */
  readonly random: Uint8Array
}

/** One end's half of an agreement, to be completed once. */
export interface Agreement {
  /** Goes to the other end: `Ya` or `Yb`. 32 bytes. */
  readonly share: Uint8Array
  readonly withCode: boolean
  readonly scalar: Redacted<Uint8Array>
  readonly input: AgreementInput
}

/** The four keys of a session, each for one use. */
export interface SessionKeys {
  /** 64 bytes; what the session's later statements are over. */
  readonly th2: Uint8Array
  /** `kcG`, `kcH`: confirm that both ends have the same keys. */
  readonly confirmGuest: Redacted<Uint8Array>
  readonly confirmHost: Redacted<Uint8Array>
  /** `ekG`, `ekH`: seal the request and the answer. */
  readonly sealGuest: Redacted<Uint8Array>
  readonly sealHost: Redacted<Uint8Array>
}

/** @throws TypeError unless 64 random bytes are given */
export function beginAgreement(input: AgreementInput): Agreement {
  if (input.random.length !== AGREEMENT_RANDOM_BYTES)
    throw new TypeError(`expected ${AGREEMENT_RANDOM_BYTES} random bytes, got ${input.random.length}`)
  if (input.code === undefined) {
    const secret = input.random.slice(0, 32)
    return { share: agreementPublicKey(secret), withCode: false, scalar: new Redacted(secret), input }
  }
  const prs = lvCat(utf8ToBytes(input.code.unwrap()), input.psk.unwrap())
  const generator = calculateGenerator(prs, input.th0, attemptId(input.th1, input.attempt))
  const scalar = sampleScalar(input.random)
  return { share: scalarMult(scalar, generator), withCode: true, scalar: new Redacted(scalar), input }
}

/** Whether the other end's share can be part of an agreement: canonical and not the identity, or not all zero. */
export function isAcceptableShare(share: Uint8Array, withCode: boolean): boolean {
  return share.length === SHARE_BYTES && (withCode ? isValidShare(share) : share.some((byte) => byte !== 0))
}

/**
 * The keys of the session, or `undefined` when the other end's share is not acceptable: then the session ends.
 * That the keys exist says nothing about the code; that is what the confirmation tags are for.
 * @param seat the end that `own` belongs to
 */
export function completeAgreement(
  own: Agreement,
  seat: 'guest' | 'host',
  theirShare: Uint8Array,
): SessionKeys | undefined {
  if (!isAcceptableShare(theirShare, own.withCode)) return undefined
  const { input } = own
  const [ya, yb] = seat === 'guest' ? [own.share, theirShare] : [theirShare, own.share]
  const sessionKey = own.withCode
    ? cpaceSessionKey(own, theirShare, ya, yb)
    : plainSessionKey(own, theirShare)
  if (sessionKey === undefined) return undefined
  return deriveSessionKeys(sessionKey, transcript2(input.th1, input.attempt, ya, yb))
}

function cpaceSessionKey(
  own: Agreement,
  theirShare: Uint8Array,
  ya: Uint8Array,
  yb: Uint8Array,
): Uint8Array | undefined {
  const k = scalarMultVfy(own.scalar.unwrap(), theirShare)
  if (k === undefined) return undefined
  const none = new Uint8Array(0)
  return sessionKeyIR({ sid: attemptId(own.input.th1, own.input.attempt), k, ya, ada: none, yb, adb: none })
}

function plainSessionKey(own: Agreement, theirShare: Uint8Array): Uint8Array | undefined {
  // A share of small order gives no secret (RFC 7748, section 6.1).
  const shared = sharedSecret(own.scalar.unwrap(), theirShare)
  if (shared === undefined) return undefined
  return hkdf(sha512, shared, own.input.psk.unwrap(), utf8ToBytes('inv/1 session'), 64)
}

/** HKDF-SHA-512 over the session key with `TH2` as salt, one label each. */
export function deriveSessionKeys(sessionKey: Uint8Array, th2: Uint8Array): SessionKeys {
  const derive = (label: string): Redacted<Uint8Array> =>
    new Redacted(hkdf(sha512, sessionKey, th2, utf8ToBytes(`inv/1 ${label}`), 32))
  return {
    th2,
    confirmGuest: derive('confirm guest'),
    confirmHost: derive('confirm host'),
    sealGuest: derive('seal guest'),
    sealHost: derive('seal host'),
  }
}

/** `Tg` or `Th`: `HMAC(kcG, TH2)` or `HMAC(kcH, TH2)`. 64 bytes. */
export function confirmationTag(keys: SessionKeys, seat: 'guest' | 'host'): Uint8Array {
  const key = seat === 'guest' ? keys.confirmGuest : keys.confirmHost
  return hmac(sha512, key.unwrap(), keys.th2)
}

/** Compares in constant time; this is the comparison that a charge pays for. */
export function tagMatches(keys: SessionKeys, seat: 'guest' | 'host', tag: Uint8Array): boolean {
  return equalBytes(confirmationTag(keys, seat), tag)
}

const MESSAGE_NUMBER = { guest: 5, host: 6 } as const

/**
 * Seals message 5 (`guest`) or 6 (`host`): ChaCha20-Poly1305. The nonce is zero because each key seals once;
 * calling this twice with the same keys and seat for different texts would give both away.
 */
export function seal(keys: SessionKeys, seat: 'guest' | 'host', plaintext: Uint8Array): Uint8Array {
  return cipher(keys, seat).encrypt(plaintext)
}

/** Opens what {@link seal} made, or gives `undefined`. */
export function open(keys: SessionKeys, seat: 'guest' | 'host', sealed: Uint8Array): Uint8Array | undefined {
  try {
    return cipher(keys, seat).decrypt(sealed)
  } catch {
    // Cut or forged: the library reports both by throwing.
    return undefined
  }
}

function cipher(keys: SessionKeys, seat: 'guest' | 'host') {
  const key = seat === 'guest' ? keys.sealGuest : keys.sealHost
  return chacha20poly1305(key.unwrap(), new Uint8Array(12), pae('inv/1', MESSAGE_NUMBER[seat], keys.th2))
}
