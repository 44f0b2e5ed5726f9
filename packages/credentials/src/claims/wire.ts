import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { PublicKey, SIGNATURE_BYTES } from '@vestibule/keys'
import {
  bool,
  bytes,
  enumeration,
  type Field,
  type Message,
  message,
  nested,
  optional,
  repeated,
  string,
  uint32,
  uint64,
  WireError,
} from '@vestibule/keys/wire'
import { FEED_PROOF_BYTES } from '../feed-proof.ts'
import { ROLES } from '../roles.ts'
import {
  type Claim,
  MAX_HEADS,
  MAX_NAME_BYTES,
  MAX_SEALED_KEY_BYTES,
  MAX_SEALED_KEYS,
  MAX_SEALED_SECRETS_BYTES,
  type UnknownClaim,
} from './claims.ts'
import { frozen } from './owned.ts'

/** A field whose 32 bytes are something else to us. */
function as32<T>(
  number: number,
  from: (raw: Uint8Array) => T,
  to: (value: T) => Uint8Array,
): Field<T, 'required'> {
  const raw = bytes(number, { length: 32, shared: true })
  return {
    ...raw,
    absent: undefined,
    read: (reader) => from(raw.read(reader)),
    write: (writer, value) => raw.write(writer, to(value)),
    isDefault: () => false,
  }
}
const key = (number: number) =>
  as32(
    number,
    (raw) => PublicKey.from(raw),
    (value) => value.toBytes(),
  )
const id = (number: number) =>
  as32(number, bytesToHex, (value) => {
    if (!/^[0-9a-f]{64}$/.test(value)) throw new TypeError('expected the id of a credential: 64 hex digits')
    return hexToBytes(value)
  })

/** One of several names, of which none is the default: absence is refused. */
function oneOf<const N extends string>(number: number, names: readonly N[]): Field<N, 'required'> {
  const field = enumeration<N | 'NONE'>(number, ['NONE', ...names])
  return {
    ...field,
    absent: undefined,
    read: (reader) => {
      const name = field.read(reader)
      if (name === 'NONE') throw new WireError('MALFORMED', `field ${number}: none of its values`)
      return name as N
    },
    write: (writer, value) => field.write(writer, value),
    isDefault: () => false,
  }
}
const role = (number: number) => oneOf(number, ROLES)

const ProfileWire = message('Profile', { displayName: string(1, { max: MAX_NAME_BYTES }) })
const FeedHeadWire = message('FeedHead', { feed: key(1), length: uint64(2), hash: bytes(3, { length: 32 }) })
const SealedKeyWire = message('SealedKey', {
  device: key(1),
  sealed: bytes(2, { max: MAX_SEALED_KEY_BYTES }),
})
const heads = (number: number) => repeated(nested(number, FeedHeadWire), { max: MAX_HEADS })

type Fields<T extends Claim['type']> = Omit<Extract<Claim, { type: T }>, 'type'>

const WIRE: { readonly [T in Claim['type']]: Message<Fields<T>> } = {
  SpaceGenesis: message('SpaceGenesis', {
    space: key(1),
    name: string(2, { max: MAX_NAME_BYTES }),
    identity: optional(key(3)),
  }),
  SpaceMember: message('SpaceMember', {
    space: key(1),
    member: key(2),
    role: role(3),
    profile: nested(4, ProfileWire),
    invitationId: optional(bytes(5, { length: 16 })),
    delegation: optional(id(6)),
    history: optional(oneOf(7, ['none'])),
  }),
  ChangedRole: message('ChangedRole', { space: key(1), member: key(2), role: role(3), heads: heads(4) }),
  RemovedMember: message('RemovedMember', { space: key(1), member: key(2), heads: heads(3) }),
  LeftSpace: message('LeftSpace', { space: key(1), heads: heads(2) }),
  AdmittedFeed: message('AdmittedFeed', {
    space: key(1),
    member: key(2),
    device: key(3),
    feed: key(4),
    purpose: oneOf(5, ['CONTROL', 'DATA']),
    proof: bytes(6, { length: FEED_PROOF_BYTES }),
  }),
  AuthorizedDevice: message('AuthorizedDevice', {
    identity: key(1),
    device: key(2),
    agreementKey: bytes(3, { length: 32 }),
  }),
  RevokedDevice: message('RevokedDevice', { identity: key(1), device: key(2) }),
  IdentityRecovery: message('IdentityRecovery', {
    identity: key(1),
    recoveryKey: key(2),
    agreementKey: bytes(3, { length: 32 }),
    proof: bytes(4, { length: SIGNATURE_BYTES }),
  }),
  IdentityProfile: message('IdentityProfile', { identity: key(1), profile: nested(2, ProfileWire) }),
  MemberProfile: message('MemberProfile', { space: key(1), member: key(2), profile: nested(3, ProfileWire) }),
  DeviceProfile: message('DeviceProfile', {
    identity: key(1),
    device: key(2),
    label: string(3, { max: MAX_NAME_BYTES }),
  }),
  DelegatedInvitation: message('DelegatedInvitation', {
    space: key(1),
    invitationId: bytes(2, { length: 16 }),
    role: role(3),
    multiUse: bool(4),
    maxAttempts: uint32(5),
    sealedSecrets: bytes(6, { max: MAX_SEALED_SECRETS_BYTES }),
    history: optional(oneOf(7, ['none'])),
    uses: optional(uint32(8)),
  }),
  CancelledInvitation: message('CancelledInvitation', { space: key(1), delegation: id(2) }),
  InvitationAttempts: message('InvitationAttempts', { space: key(1), delegation: id(2), failed: uint32(3) }),
  Epoch: message('Epoch', {
    space: key(1),
    number: uint64(2),
    previous: optional(id(3)),
    keys: repeated(nested(4, SealedKeyWire), { max: MAX_SEALED_KEYS }),
    heads: heads(5),
    commitment: bytes(6, { length: 32 }),
  }),
  Auth: message('Auth', {
    space: key(1),
    nonce: bytes(2, { length: 32 }),
    channel: bytes(3, { length: 32 }),
  }),
}

/** Every type of claim that this version knows. */
export const CLAIM_TYPES = Object.keys(WIRE) as readonly Claim['type'][]

const isKnown = (type: string): type is Claim['type'] => Object.hasOwn(WIRE, type)

/** The canonical bytes of a claim, without its type. Throws a WireError or TypeError when it does not fit. */
export function encodeClaim(claim: Claim): Uint8Array {
  if (!isKnown(claim.type)) throw new TypeError(`no such claim: ${String((claim as Claim).type)}`)
  return (WIRE[claim.type] as Message<Omit<Claim, 'type'>>).encode(claim)
}

/**
 * Reads the bytes of a claim by the schema that its type names; those of an unknown type are left alone. What it
 * gives can't be changed but for its byte strings: to be handed out, it has to be {@link owned}.
 */
export function parseClaim(type: string, encoded: Uint8Array): Claim | UnknownClaim {
  if (!isKnown(type)) return Object.freeze({ type: 'Unknown', typeName: type })
  return frozen({ type, ...WIRE[type].parse(encoded) }) as Claim
}
