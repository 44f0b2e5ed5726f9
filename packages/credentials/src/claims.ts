import { PublicKey, SIGNATURE_BYTES } from '@vestibule/keys'
import { bytes, enumeration, message, nested, optional, string } from '@vestibule/keys/wire'
import { ownBytes } from './bytes.ts'
import { CredentialsError } from './errors.ts'
import type { Role } from './roles.ts'

/** Longest name of a space and longest display name, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 64

/** How a member wants to be shown. */
export interface Profile {
  /** At most {@link MAX_NAME_BYTES} bytes of UTF-8. May be empty. */
  readonly displayName: string
}

/** What a feed is for: acts on the space itself, or what people write in it. */
export type FeedPurpose = 'CONTROL' | 'DATA'

/** The root of a space, signed by the space key. */
export interface SpaceGenesis {
  readonly type: 'SpaceGenesis'
  readonly space: PublicKey
  /** At most {@link MAX_NAME_BYTES} bytes of UTF-8. */
  readonly name: string
}

/** The issuer admits `member`. The first one, for the founder, is signed by the space key. */
export interface SpaceMember {
  readonly type: 'SpaceMember'
  readonly space: PublicKey
  readonly member: PublicKey
  readonly role: Role
  readonly profile: Profile
  /** 16 bytes: the invitation by which the member came. A copy at every access. */
  readonly invitationId?: Uint8Array
}

/** The feed with the key `feed` is written by `device` of `member`, and that key agrees. */
export interface AdmittedFeed {
  readonly type: 'AdmittedFeed'
  readonly space: PublicKey
  readonly member: PublicKey
  readonly device: PublicKey
  readonly feed: PublicKey
  readonly purpose: FeedPurpose
  /** 64 bytes: a signature by the key of the feed; see `proveFeed`. A copy at every access. */
  readonly proof: Uint8Array
}

/** `device` may sign for `identity`, and things for it are sealed to its agreement key. */
export interface AuthorizedDevice {
  readonly type: 'AuthorizedDevice'
  readonly identity: PublicKey
  readonly device: PublicKey
  /** X25519 public key, 32 bytes. A copy at every access. */
  readonly agreementKey: Uint8Array
}

/** The answer to a verifier's challenge; see `issuePresentation`. */
export interface Auth {
  readonly type: 'Auth'
  readonly space: PublicKey
  /** 32 bytes, the verifier's. A copy at every access. */
  readonly nonce: Uint8Array
  /** 32 bytes: a hash of the channel binding. A copy at every access. */
  readonly channel: Uint8Array
}

/** A claim of a type that this version doesn't know. It is kept and passed on as it came, and grants nothing. */
export interface UnknownClaim {
  readonly type: 'Unknown'
  readonly typeName: string
}

/** What a credential says. The name of its type is part of what is signed. */
export type Claim = SpaceGenesis | SpaceMember | AdmittedFeed | AuthorizedDevice | Auth

const key = (number: number) => bytes(number, { length: 32 })

const SpaceGenesisWire = message('SpaceGenesis', { space: key(1), name: string(2, { max: MAX_NAME_BYTES }) })
const ProfileWire = message('Profile', { displayName: string(1, { max: MAX_NAME_BYTES }) })
const SpaceMemberWire = message('SpaceMember', {
  space: key(1),
  member: key(2),
  role: enumeration(3, ['NONE', 'READER', 'EDITOR', 'ADMIN', 'OWNER']),
  profile: nested(4, ProfileWire),
  invitationId: optional(bytes(5, { length: 16 })),
})
const AdmittedFeedWire = message('AdmittedFeed', {
  space: key(1),
  member: key(2),
  device: key(3),
  feed: key(4),
  purpose: enumeration(5, ['NONE', 'CONTROL', 'DATA']),
  proof: bytes(6, { length: SIGNATURE_BYTES }),
})
const AuthorizedDeviceWire = message('AuthorizedDevice', {
  identity: key(1),
  device: key(2),
  agreementKey: bytes(3, { length: 32 }),
})
const AuthWire = message('Auth', {
  space: key(1),
  nonce: bytes(2, { length: 32 }),
  channel: bytes(3, { length: 32 }),
})

/** The canonical bytes of a claim, without its type. Throws a WireError or TypeError when it does not fit. */
export function encodeClaim(claim: Claim): Uint8Array {
  switch (claim.type) {
    case 'SpaceGenesis':
      return SpaceGenesisWire.encode({ name: claim.name, space: claim.space.toBytes() })
    case 'SpaceMember':
      return SpaceMemberWire.encode({
        space: claim.space.toBytes(),
        member: claim.member.toBytes(),
        role: claim.role,
        profile: claim.profile,
        ...(claim.invitationId && { invitationId: claim.invitationId }),
      })
    case 'AdmittedFeed':
      return AdmittedFeedWire.encode({
        space: claim.space.toBytes(),
        member: claim.member.toBytes(),
        device: claim.device.toBytes(),
        feed: claim.feed.toBytes(),
        purpose: claim.purpose,
        proof: claim.proof,
      })
    case 'AuthorizedDevice':
      return AuthorizedDeviceWire.encode({
        identity: claim.identity.toBytes(),
        device: claim.device.toBytes(),
        agreementKey: claim.agreementKey,
      })
    case 'Auth':
      return AuthWire.encode({ space: claim.space.toBytes(), nonce: claim.nonce, channel: claim.channel })
    default:
      throw new TypeError(`no such claim: ${String((claim satisfies never as Claim).type)}`)
  }
}

/** Reads the bytes of a claim by the schema that its type names; those of an unknown type are left alone. */
export function parseClaim(type: string, encoded: Uint8Array): Claim | UnknownClaim {
  switch (type) {
    case 'SpaceGenesis': {
      const { space, name } = SpaceGenesisWire.parse(encoded)
      return Object.freeze({ type, space: PublicKey.from(space), name })
    }
    case 'SpaceMember': {
      const { space, member, role, profile, invitationId } = SpaceMemberWire.parse(encoded)
      if (role === 'NONE') throw new CredentialsError('MALFORMED', 'SpaceMember: no role')
      const claim = {
        type,
        space: PublicKey.from(space),
        member: PublicKey.from(member),
        role,
        profile: Object.freeze({ ...profile }),
      } as const
      return invitationId === undefined ? Object.freeze(claim) : ownBytes(claim, { invitationId })
    }
    case 'AdmittedFeed': {
      const { space, member, device, feed, purpose, proof } = AdmittedFeedWire.parse(encoded)
      if (purpose === 'NONE') throw new CredentialsError('MALFORMED', 'AdmittedFeed: no purpose')
      const claim = {
        type,
        space: PublicKey.from(space),
        member: PublicKey.from(member),
        device: PublicKey.from(device),
        feed: PublicKey.from(feed),
        purpose,
      } as const
      return ownBytes(claim, { proof })
    }
    case 'AuthorizedDevice': {
      const { identity, device, agreementKey } = AuthorizedDeviceWire.parse(encoded)
      return ownBytes(
        { type, identity: PublicKey.from(identity), device: PublicKey.from(device) },
        { agreementKey },
      )
    }
    case 'Auth': {
      const { space, nonce, channel } = AuthWire.parse(encoded)
      return ownBytes({ type, space: PublicKey.from(space) }, { nonce, channel })
    }
    default:
      return Object.freeze({ type: 'Unknown', typeName: type })
  }
}
