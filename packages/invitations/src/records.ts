import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { MAX_PARENTS, type Role } from '@vestibule/credentials'
import { PublicKey, Redacted } from '@vestibule/keys'
import {
  bool,
  bytes,
  enumeration,
  message,
  nested,
  optional,
  repeated,
  string,
  uint32,
  uint64,
  WireError,
} from '@vestibule/keys/wire'
import type { StorageWrite } from '@vestibule/space'
import { InvitationError } from './errors.ts'
import { InvitationLink } from './link/link.ts'
import { deriveLinkKeys } from './link/link-keys.ts'
import type { HostRecord } from './machine/host-state.ts'

/** How long an invitation that has ended is kept, so that a guest whose answer was lost can have it again: 48 h. */
export const RESUME_MS = 48 * 60 * 60 * 1000

const RECORD_VERSION = 1
const ROLES = ['NONE', 'READER', 'EDITOR', 'ADMIN', 'OWNER'] as const

/** Where an invitation of the space kind leads. */
export interface SpaceTarget {
  readonly spaceKey: PublicKey
  readonly role: Role
  /** What of the history its guests read: see `AdmitOptions`. */
  readonly history: 'all' | 'none'
  /** What was known of the space when it was made: see `Space.heads`. It admits nobody who was removed after that. */
  readonly madeAfter: readonly string[]
  /** The id of its credential in the space, when it is delegated. */
  readonly delegation?: string
}

/** An invitation as its host keeps it. It holds the link and the code: as secret as both. */
export interface StoredInvitation {
  readonly link: InvitationLink
  readonly code?: Redacted<string>
  /** Absent in the device kind, which leads to the own identity. */
  readonly target?: SpaceTarget
  readonly createdAtMs: number
  readonly timeoutMs: number
  /** Whether a person is asked about each guest. */
  readonly approve: boolean
  /** Whether it goes on after a restart. */
  readonly persistent: boolean
  /** With the method of a known public key: that key. */
  readonly guestKey?: PublicKey
  /** How many guests a multi-use invitation admits, where that was said. */
  readonly uses?: number
  readonly progress: HostRecord
}

/** An acceptance of the device kind, kept like {@link StoredAcceptance}. */
export interface StoredDeviceAcceptance {
  readonly link: InvitationLink
  readonly deviceKey: PublicKey
  /** X25519 public key, 32 bytes. */
  readonly agreementKey: Uint8Array
}

/** An acceptance as its guest keeps it, from before message 5 until it is a member: the keys to try again with. */
export interface StoredAcceptance {
  readonly link: InvitationLink
  readonly controlFeedKey: PublicKey
  readonly dataFeedKey: PublicKey
}

const Progress = message('InvitationProgress', {
  life: enumeration(1, ['OPEN', 'LOCKED', 'REDEEMED', 'EXPIRED', 'CANCELLED']),
  charged: uint32(2),
  allowed: uint32(3),
  admissions: uint32(4),
})

const InvitationRecord = message('InvitationRecord', {
  version: uint32(1),
  link: bytes(2),
  code: optional(string(3, { max: 256 })),
  space: optional(bytes(4, { length: 32 })),
  role: enumeration(5, ROLES),
  createdAtMs: uint64(6),
  timeoutMs: uint32(7),
  progress: nested(8, Progress),
  madeAfter: repeated(bytes(9, { length: 32 }), { max: MAX_PARENTS }),
  approve: bool(11),
  history: enumeration(12, ['all', 'none']),
  uses: optional(uint32(13)),
  guestKey: optional(bytes(14, { length: 32 })),
  persistent: bool(15),
  delegation: optional(bytes(20, { length: 32 })),
})

const AcceptanceRecord = message('AcceptanceRecord', {
  version: uint32(1),
  link: bytes(2),
  controlFeed: bytes(3, { length: 32 }),
  dataFeed: bytes(4, { length: 32 }),
})

const DeviceAcceptanceRecord = message('DeviceAcceptanceRecord', {
  version: uint32(1),
  link: bytes(2),
  device: bytes(3, { length: 32 }),
  agreementKey: bytes(4, { length: 32 }),
})

/** Where records are in the storage; `id` is the invitation's. */
export const recordKeys = {
  invitations: 'invitations/host/',
  invitation: (id: Uint8Array): string => `invitations/host/${bytesToHex(id)}`,
  admittedBy: (id: Uint8Array): string => `invitations/admitted/${bytesToHex(id)}/`,
  acceptances: 'invitations/guest/',
  acceptance: (id: Uint8Array): string => `invitations/guest/${bytesToHex(id)}`,
}

export function encodeStoredInvitation(stored: StoredInvitation): Uint8Array {
  const { target } = stored
  return InvitationRecord.encode({
    version: RECORD_VERSION,
    link: stored.link.toBytes(),
    ...(stored.code && { code: stored.code.unwrap() }),
    ...(target && { space: target.spaceKey.toBytes() }),
    role: target?.role ?? 'NONE',
    createdAtMs: stored.createdAtMs,
    timeoutMs: stored.timeoutMs,
    progress: stored.progress,
    madeAfter: (target?.madeAfter ?? []).map((id) => hexToBytes(id)),
    approve: stored.approve,
    persistent: stored.persistent,
    history: target?.history ?? 'all',
    ...(stored.uses !== undefined && { uses: stored.uses }),
    ...(stored.guestKey && { guestKey: stored.guestKey.toBytes() }),
    ...(target?.delegation !== undefined && { delegation: hexToBytes(target.delegation) }),
  })
}

/** What has to be stored for an invitation. */
export const invitationWrite = (stored: StoredInvitation): StorageWrite => ({
  key: recordKeys.invitation(deriveLinkKeys(stored.link.secret).invitationId),
  value: encodeStoredInvitation(stored),
})

/** @throws InvitationError `STORAGE_FAILED` for a record that is damaged or of a newer version; it is left as it is */
export function parseStoredInvitation(encoded: Uint8Array): StoredInvitation {
  return reading(() => {
    const read = InvitationRecord.parse(encoded)
    const { version, link, code, space, role, history, progress, createdAtMs, timeoutMs, approve } = read
    const madeAfter = read.madeAfter.map((id) => bytesToHex(id))
    if (version !== RECORD_VERSION) throw new InvitationError('STORAGE_FAILED')
    const parsed = InvitationLink.fromBytes(link)
    if (parsed.kind === 'SPACE' ? space === undefined || role === 'NONE' : role !== 'NONE')
      throw new InvitationError('STORAGE_FAILED')
    const guestKey = read.guestKey && PublicKey.from(read.guestKey)
    if ((guestKey === undefined) !== (parsed.guest === undefined)) throw new InvitationError('STORAGE_FAILED')
    return {
      link: parsed,
      ...(code !== undefined && { code: new Redacted(code) }),
      ...(space !== undefined &&
        role !== 'NONE' && {
          target: {
            ...{ spaceKey: PublicKey.from(space), role, history, madeAfter },
            ...(read.delegation && { delegation: bytesToHex(read.delegation) }),
          },
        }),
      createdAtMs,
      timeoutMs,
      approve,
      persistent: read.persistent,
      ...(read.uses !== undefined && { uses: read.uses }),
      ...(guestKey !== undefined && { guestKey }),
      progress,
    }
  })
}

export function encodeStoredAcceptance(stored: StoredAcceptance): Uint8Array {
  return AcceptanceRecord.encode({
    version: RECORD_VERSION,
    link: stored.link.toBytes(),
    controlFeed: stored.controlFeedKey.toBytes(),
    dataFeed: stored.dataFeedKey.toBytes(),
  })
}

/** @throws InvitationError `STORAGE_FAILED` */
export function parseStoredAcceptance(encoded: Uint8Array): StoredAcceptance {
  return reading(() => {
    const { version, link, controlFeed, dataFeed } = AcceptanceRecord.parse(encoded)
    if (version !== RECORD_VERSION) throw new InvitationError('STORAGE_FAILED')
    return {
      link: InvitationLink.fromBytes(link),
      controlFeedKey: PublicKey.from(controlFeed),
      dataFeedKey: PublicKey.from(dataFeed),
    }
  })
}

export function encodeStoredDeviceAcceptance(stored: StoredDeviceAcceptance): Uint8Array {
  return DeviceAcceptanceRecord.encode({
    version: RECORD_VERSION,
    link: stored.link.toBytes(),
    device: stored.deviceKey.toBytes(),
    agreementKey: stored.agreementKey,
  })
}

/** @throws InvitationError `STORAGE_FAILED` */
export function parseStoredDeviceAcceptance(encoded: Uint8Array): StoredDeviceAcceptance {
  return reading(() => {
    const { version, link, device, agreementKey } = DeviceAcceptanceRecord.parse(encoded)
    if (version !== RECORD_VERSION) throw new InvitationError('STORAGE_FAILED')
    return { link: InvitationLink.fromBytes(link), deviceKey: PublicKey.from(device), agreementKey }
  })
}

function reading<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof WireError || cause instanceof InvitationError)
      throw new InvitationError('STORAGE_FAILED', { cause })
    throw cause
  }
}
