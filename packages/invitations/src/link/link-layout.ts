import { multiaddr } from '@multiformats/multiaddr'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { PublicKey, Redacted } from '@vestibule/keys'
import { InvitationError } from '../errors.ts'
import { COMMITMENT_BYTES, LINK_SECRET_BYTES } from './link-keys.ts'

/**
 * The bytes of a link, version 1. Integers are big-endian.
 *
 * | offset | bytes | field |
 * | --- | --- | --- |
 * | 0 | 3 | `bd eb 2d`: "vest" in base64url, so that every link begins with that word |
 * | 3 | 1 | version: 1 |
 * | 4 | 1 | bit 0: kind (0 space, 1 device); bit 1: type (0 interactive, 1 delegated); bits 2–3: auth method (0 none, 1 shared secret, 2 known public key); bit 4: multi-use; bits 5–6: guest (0 none, 1 hash of an identity key, 2 seed); bit 7: 0 |
 * | 5 | 16 | `L`, the link secret |
 * | 21 | 32 | `HK`, the Ed25519 public key made for this invitation |
 * | 53 | 16 | commitment |
 * | 69 | 4 | expires, seconds since the epoch |
 * | 73 | 0 or 16 | guest 1: hash of the identity key |
 * | … | 1 | number of hints, at most 16 |
 * | … | each 2 + n | hint: 1 byte type (0 relay, 1 host; others are passed over), 1 byte length n, binary multiaddr |
 * | … | 2 + n | target: 2 bytes length n, at most 1,024, UTF-8 |
 * | … | 0 or 32 | guest 2: seed of a key pair made for this link |
 * | … | 4 | checksum: the first bytes of SHA-256 over everything before |
 *
 * Later versions keep the magic bytes, the place of the version and the checksum, so that an old reader can tell
 * a newer link from a damaged one.
 */
const MAGIC = Uint8Array.of(0xbd, 0xeb, 0x2d)
export const LINK_VERSION = 1
const CHECKSUM_BYTES = 4
const MAX_HINTS = 16
const MAX_HINT_BYTES = 255
export const MAX_TARGET_BYTES = 1024
/** Length of the seed of a key pair that a link carries. */
export const SEED_BYTES = 32
const HINT_RELAY = 0
const HINT_HOST = 1

const KINDS = ['SPACE', 'DEVICE'] as const
const TYPES = ['INTERACTIVE', 'DELEGATED'] as const
const METHODS = ['NONE', 'SHARED_SECRET', 'KNOWN_PUBLIC_KEY'] as const
export type InvitationKind = (typeof KINDS)[number]
/** `INTERACTIVE`: the host that made it serves it. `DELEGATED`: any member who may invite serves it. */
export type InvitationType = (typeof TYPES)[number]
export type AuthMethod = (typeof METHODS)[number]

/** Known public key only: the hash of the guest's identity key, or the seed of a key pair made for this link. */
export type LinkGuest =
  | { readonly type: 'KEY_HASH'; readonly hash: Uint8Array }
  | { readonly type: 'SEED'; readonly seed: Redacted<Uint8Array> }

/** What a link says. */
export interface LinkFields {
  readonly kind: InvitationKind
  readonly type: InvitationType
  readonly authMethod: AuthMethod
  readonly multiUse: boolean
  /** `L`: 16 random bytes. */
  readonly secret: Redacted<Uint8Array>
  /** `HK`: made for this one invitation. */
  readonly hostKey: PublicKey
  /** 16 bytes, see `commitment`. */
  readonly commitment: Uint8Array
  /** Present if and only if the auth method is a known public key. */
  readonly guest?: LinkGuest
  /** Milliseconds since the epoch; a link carries whole seconds, so this is rounded down. The host's clock decides. */
  readonly expiresAtMs: number
  /** Multiaddrs of relays on which the host registers. */
  readonly relays: readonly string[]
  /** Multiaddrs at which the host itself could be dialled when the link was made. */
  readonly hosts: readonly string[]
  /** What the application should open after joining; at most 1,024 bytes of UTF-8, opaque to this package. */
  readonly target?: string
}

/** @throws TypeError for a field that does not fit the layout */
export function encodeLink(fields: LinkFields): Uint8Array {
  const { guest, target = '' } = fields
  if ((fields.authMethod === 'KNOWN_PUBLIC_KEY') !== (guest !== undefined))
    throw new TypeError('a link names a guest if and only if its auth method is a known public key')
  const seconds = Math.floor(fields.expiresAtMs / 1000)
  if (!(seconds > 0 && seconds <= 0xffff_ffff)) throw new TypeError('expiresAtMs is out of range')
  const hints = [
    ...fields.relays.map((address) => encodeHint(HINT_RELAY, address)),
    ...fields.hosts.map((address) => encodeHint(HINT_HOST, address)),
  ]
  if (hints.length > MAX_HINTS) throw new TypeError(`a link carries at most ${MAX_HINTS} addresses`)
  const targetBytes = utf8ToBytes(target)
  if (targetBytes.length > MAX_TARGET_BYTES || new TextDecoder().decode(targetBytes) !== target)
    throw new TypeError(`a target is at most ${MAX_TARGET_BYTES} bytes of UTF-8`)
  const guestBits = guest === undefined ? 0 : guest.type === 'KEY_HASH' ? 1 : 2
  const traits =
    index(KINDS, fields.kind) |
    (index(TYPES, fields.type) << 1) |
    (index(METHODS, fields.authMethod) << 2) |
    (fields.multiUse ? 1 << 4 : 0) |
    (guestBits << 5)
  const body = concatBytes(
    MAGIC,
    Uint8Array.of(LINK_VERSION, traits),
    sized('secret', fields.secret.unwrap(), LINK_SECRET_BYTES),
    fields.hostKey.toBytes(),
    sized('commitment', fields.commitment, COMMITMENT_BYTES),
    Uint8Array.of(seconds >>> 24, seconds >>> 16, seconds >>> 8, seconds),
    guest?.type === 'KEY_HASH' ? sized('guest hash', guest.hash, COMMITMENT_BYTES) : new Uint8Array(0),
    Uint8Array.of(hints.length),
    ...hints,
    Uint8Array.of(targetBytes.length >>> 8, targetBytes.length),
    targetBytes,
    guest?.type === 'SEED' ? sized('guest seed', guest.seed.unwrap(), SEED_BYTES) : new Uint8Array(0),
  )
  return concatBytes(body, checksum(body))
}

/** @throws InvitationError: `LINK_FOREIGN`, `LINK_MALFORMED` or `LINK_VERSION` */
export function decodeLink(bytes: Uint8Array): LinkFields {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw new InvitationError('LINK_FOREIGN')
  const end = bytes.length - CHECKSUM_BYTES
  if (end < MAGIC.length + 1) throw new InvitationError('LINK_MALFORMED')
  const sum = checksum(bytes.subarray(0, end))
  // The checksum goes first: of a mistyped link the version can't be believed either.
  if (!sum.every((byte, i) => bytes[end + i] === byte)) throw new InvitationError('LINK_MALFORMED')
  const read = reader(bytes.subarray(MAGIC.length, end))
  if (read.uint8() !== LINK_VERSION) throw new InvitationError('LINK_VERSION')
  const traits = read.uint8()
  const kind = KINDS[traits & 1]
  const type = TYPES[(traits >> 1) & 1]
  const authMethod = METHODS[(traits >> 2) & 3]
  const guestBits = (traits >> 5) & 3
  const namesGuest = guestBits === 1 || guestBits === 2
  if (kind === undefined || type === undefined || authMethod === undefined || traits >> 7 !== 0)
    throw new InvitationError('LINK_MALFORMED')
  if (guestBits === 3 || namesGuest !== (authMethod === 'KNOWN_PUBLIC_KEY'))
    throw new InvitationError('LINK_MALFORMED')
  const secret = new Redacted(read.bytes(LINK_SECRET_BYTES))
  const hostKey = PublicKey.from(read.bytes(32))
  const commitment = read.bytes(COMMITMENT_BYTES)
  const expiresAtMs = (read.uint16() * 0x1_0000 + read.uint16()) * 1000
  if (expiresAtMs === 0) throw new InvitationError('LINK_MALFORMED')
  const hash = guestBits === 1 ? read.bytes(COMMITMENT_BYTES) : undefined
  const { relays, hosts } = readHints(read)
  const target = readTarget(read)
  const seed = guestBits === 2 ? read.bytes(SEED_BYTES) : undefined
  if (!read.done()) throw new InvitationError('LINK_MALFORMED')
  return {
    kind,
    type,
    authMethod,
    multiUse: (traits & (1 << 4)) !== 0,
    secret,
    hostKey,
    commitment,
    ...(hash && { guest: { type: 'KEY_HASH', hash } }),
    ...(seed && { guest: { type: 'SEED', seed: new Redacted(seed) } }),
    expiresAtMs,
    relays,
    hosts,
    ...(target !== '' && { target }),
  }
}

/** The part of a link that its hash covers: everything up to a carried seed, which is its bearer's secret. */
export function hashedPart(bytes: Uint8Array): Uint8Array {
  const carriesSeed = (((bytes[4] ?? 0) >> 5) & 3) === 2
  return bytes.slice(0, bytes.length - CHECKSUM_BYTES - (carriesSeed ? SEED_BYTES : 0))
}

function readHints(read: Reader): { relays: string[]; hosts: string[] } {
  const relays: string[] = []
  const hosts: string[] = []
  const count = read.uint8()
  if (count > MAX_HINTS) throw new InvitationError('LINK_MALFORMED')
  for (let i = 0; i < count; i++) {
    const type = read.uint8()
    const address = decodeAddress(read.bytes(read.uint8()))
    if (address === undefined) continue
    if (type === HINT_RELAY) relays.push(address)
    if (type === HINT_HOST) hosts.push(address)
  }
  return { relays, hosts }
}

function readTarget(read: Reader): string {
  const length = read.uint16()
  if (length > MAX_TARGET_BYTES) throw new InvitationError('LINK_MALFORMED')
  const bytes = read.bytes(length)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new InvitationError('LINK_MALFORMED')
  }
}

function encodeHint(type: number, address: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = multiaddr(address).bytes
  } catch (cause) {
    throw new TypeError('an address in a link has to be a multiaddr', { cause })
  }
  if (bytes.length === 0 || bytes.length > MAX_HINT_BYTES)
    throw new TypeError(`an address in a link is at most ${MAX_HINT_BYTES} bytes`)
  return concatBytes(Uint8Array.of(type, bytes.length), bytes)
}

/** An address of a protocol that this version does not know is of no use to it, and no reason to refuse the link. */
function decodeAddress(bytes: Uint8Array): string | undefined {
  try {
    return bytes.length === 0 ? undefined : multiaddr(bytes).toString()
  } catch {
    return undefined
  }
}

type Reader = ReturnType<typeof reader>

/** Reads forward through bytes of which every one has to be there. */
function reader(bytes: Uint8Array) {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new InvitationError('LINK_MALFORMED')
    at += length
    return bytes.slice(at - length, at)
  }
  const uint8 = (): number => take(1)[0] ?? 0
  return { bytes: take, uint8, uint16: () => uint8() * 256 + uint8(), done: () => at === bytes.length }
}

function index<T>(names: readonly T[], name: T): number {
  const at = names.indexOf(name)
  if (at < 0) throw new TypeError(`expected one of ${names.join(', ')}`)
  return at
}

function sized(name: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new TypeError(`${name}: expected ${length} bytes, got ${bytes.length}`)
  return bytes
}

function checksum(body: Uint8Array): Uint8Array {
  return sha256(body).slice(0, CHECKSUM_BYTES)
}
