import { FEED_PROOF_BYTES } from '@vestibule/credentials'
import { SIGNATURE_BYTES } from '@vestibule/keys'
import {
  bool,
  bytes,
  enumeration,
  type Message,
  type MessageOf,
  message,
  nested,
  optional,
  repeated,
  string,
  uint32,
  WireError,
} from '@vestibule/keys/wire'
import { InvitationError } from '../errors.ts'
import { INVITATION_ID_BYTES } from '../link/link-keys.ts'
import { SHARE_BYTES, TAG_BYTES } from './key-schedule.ts'
import { NONCE_BYTES } from './transcript.ts'

/** Longest frame up to message 4. */
export const MAX_SMALL_FRAME_BYTES = 1024
/** Longest frame from message 5 on. */
export const MAX_LARGE_FRAME_BYTES = 256 * 1024
/** Longest preview. */
export const MAX_PREVIEW_BYTES = 256

const MAX_SEALED_BYTES = MAX_LARGE_FRAME_BYTES - 256
const MAX_CHAIN = 8
const MAX_CREDENTIAL_BYTES = 16 * 1024

/**
 * Why a host turns a guest away. Up to the proof of the link's MAC there is only `REFUSED`, so that who does
 * not have the link learns nothing, not even that the invitation exists.
 */
export const REFUSAL_CODES = [
  'REFUSED',
  /** The invitation has ended, or its codes are used up. */
  'EXPIRED',
  'CANCELLED',
  'REDEEMED',
  'LOCKED',
  /** `attemptsLeft` says how many more are compared before the invitation is locked. */
  'WRONG_CODE',
  /** All slots are taken; `retryAfterMs` says when to try again. */
  'BUSY',
  /** A key's possession was not proven, or two keys were the same. */
  'PROOF_INVALID',
  /** A message that was not due, or a share that no honest guest sends. */
  'PROTOCOL_VIOLATION',
  /** A newer session of the same peer took this one's place. */
  'SUPERSEDED',
  /** The host could not store it; nothing was admitted and nothing was charged. */
  'HOST_FAILED',
  /** The guest was silent for too long. */
  'TIMED_OUT',
  /** The host may not admit this identity (any more). */
  'NOT_ALLOWED',
  /** A person at the host said no. */
  'DECLINED',
  /** The invitation is for another identity. */
  'WRONG_GUEST',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** What a guest is told when it is turned away. */
export interface Refusal {
  readonly code: RefusalCode
  readonly attemptsLeft?: number
  readonly retryAfterMs?: number
}

const Hello = message('Hello', {
  version: uint32(1),
  invitationId: bytes(2, { length: INVITATION_ID_BYTES }),
  nonce: bytes(3, { length: NONCE_BYTES }),
  resume: bool(4),
  mac: bytes(5, { length: TAG_BYTES }),
})
const Offer = message('Offer', {
  nonce: bytes(1, { length: NONCE_BYTES }),
  preview: bytes(2, { max: MAX_PREVIEW_BYTES }),
  signature: bytes(3, { length: SIGNATURE_BYTES }),
})
const GuestShare = message('GuestShare', { attempt: uint32(1), share: bytes(2, { length: SHARE_BYTES }) })
const HostShare = message('HostShare', { share: bytes(1, { length: SHARE_BYTES }) })
const Proof = message('Proof', {
  tag: bytes(1, { length: TAG_BYTES }),
  sealed: bytes(2, { max: MAX_SEALED_BYTES }),
})
const Waiting = message('Waiting', {})
const Admitted = message('Admitted', {
  tag: bytes(1, { length: TAG_BYTES }),
  signature: bytes(2, { length: SIGNATURE_BYTES }),
  sealed: bytes(3, { max: MAX_SEALED_BYTES }),
})
const Refused = message('Refused', {
  code: enumeration(1, REFUSAL_CODES),
  attemptsLeft: optional(uint32(2)),
  retryAfterMs: optional(uint32(3)),
  signature: optional(bytes(4, { length: SIGNATURE_BYTES })),
})

const GuestFrame = message('GuestFrame', {
  hello: optional(nested(1, Hello)),
  share: optional(nested(3, GuestShare)),
  proof: optional(nested(5, Proof)),
})
const HostFrame = message('HostFrame', {
  offer: optional(nested(2, Offer)),
  share: optional(nested(4, HostShare)),
  admitted: optional(nested(6, Admitted)),
  waiting: optional(nested(7, Waiting)),
  refused: optional(nested(15, Refused)),
})

type Tagged<T extends string, M> = { readonly type: T } & MessageOf<M>
/** Messages 1, 3 and 5. */
export type GuestMessage =
  | Tagged<'hello', typeof Hello>
  | Tagged<'share', typeof GuestShare>
  | Tagged<'proof', typeof Proof>
/** Messages 2, 4, 5a, 6, and refusals. */
export type HostMessage =
  | Tagged<'offer', typeof Offer>
  | Tagged<'share', typeof HostShare>
  | Tagged<'waiting', typeof Waiting>
  | Tagged<'admitted', typeof Admitted>
  | Tagged<'refused', typeof Refused>

/** The frame of a message. The field of each message has its number in protocol.md (5a: 7, refusals: 15). */
export function encodeGuestMessage({ type, ...body }: GuestMessage): Uint8Array {
  return GuestFrame.encode({ [type]: body })
}

/** The frame of a message. */
export function encodeHostMessage({ type, ...body }: HostMessage): Uint8Array {
  return HostFrame.encode({ [type]: body })
}

/**
 * The message in a frame from a guest.
 * @throws InvitationError `PROTOCOL_VIOLATION` for anything that is not exactly one message within its bounds
 */
export function parseGuestMessage(frame: Uint8Array): GuestMessage {
  return parseOne<GuestMessage>(GuestFrame, frame, ['proof'])
}

/** The message in a frame from a host. @throws InvitationError `PROTOCOL_VIOLATION` */
export function parseHostMessage(frame: Uint8Array): HostMessage {
  return parseOne<HostMessage>(HostFrame, frame, ['admitted'])
}

function parseOne<T extends { readonly type: string }>(
  schema: Message<Partial<Record<string, object>>>,
  frame: Uint8Array,
  large: readonly string[],
): T {
  const entries = Object.entries(wellFormed(() => schema.parseLenient(frame)))
  const [first, second] = entries
  if (first === undefined || second !== undefined) throw new InvitationError('PROTOCOL_VIOLATION')
  const [type, body] = first
  const limit = large.includes(type) ? MAX_LARGE_FRAME_BYTES : MAX_SMALL_FRAME_BYTES
  if (frame.length > limit) throw new InvitationError('PROTOCOL_VIOLATION')
  return { type, ...body } as unknown as T
}

const PreviewMessage = message('Preview', {
  spaceName: string(1, { max: 64 }),
  inviterName: string(2, { max: 64 }),
  role: enumeration(3, ['NONE', 'READER', 'EDITOR', 'ADMIN', 'OWNER']),
})
/** What a guest sees before it is asked for the code. */
export type Preview = MessageOf<typeof PreviewMessage>

const Request = message('Request', {
  identity: bytes(1, { length: 32 }),
  chain: repeated(bytes(2, { max: MAX_CREDENTIAL_BYTES }), { max: MAX_CHAIN }),
  device: bytes(3, { length: 32 }),
  agreementKey: bytes(4, { length: 32 }),
  controlFeed: bytes(5, { length: 32 }),
  dataFeed: bytes(6, { length: 32 }),
  displayName: string(7, { max: 64 }),
  /** Each feed key's and the device's word on whose feed it is: in the credential every member verifies it. */
  controlFeedProof: bytes(8, { length: FEED_PROOF_BYTES }),
  dataFeedProof: bytes(9, { length: FEED_PROOF_BYTES }),
})
/** What a guest of a space asks for: who it is, and the keys that it will act with. */
export type JoinRequest = MessageOf<typeof Request>

const SealedRequest = message('SealedRequest', {
  /** The exact bytes that the proofs are over. */
  request: bytes(1, { max: MAX_SEALED_BYTES }),
  device: bytes(2, { length: SIGNATURE_BYTES }),
  controlFeed: bytes(3, { length: SIGNATURE_BYTES }),
  dataFeed: bytes(4, { length: SIGNATURE_BYTES }),
  /** Absent when the identity's own key is not on this device: then its chain has to lead from device to identity. */
  identity: optional(bytes(5, { length: SIGNATURE_BYTES })),
  knownKey: optional(bytes(6, { length: SIGNATURE_BYTES })),
})
/** The plaintext of message 5: a request with the proofs over it. */
export type ProvenRequest = MessageOf<typeof SealedRequest>

const DeviceRequest = message('DeviceRequest', {
  device: bytes(1, { length: 32 }),
  agreementKey: bytes(2, { length: 32 }),
  label: string(3, { max: 64 }),
})
/** What a device asks for that is to be one of an identity: its keys, and what it is to be called. */
export type DeviceJoinRequest = MessageOf<typeof DeviceRequest>

const SealedDeviceRequest = message('SealedDeviceRequest', {
  /** The exact bytes that the proof is over. */
  request: bytes(1, { max: MAX_SEALED_BYTES }),
  device: bytes(2, { length: SIGNATURE_BYTES }),
})
/** The plaintext of message 5, device kind. */
export type ProvenDeviceRequest = MessageOf<typeof SealedDeviceRequest>

const Answer = message('Answer', {
  /** Opaque here: the encoding of a `SpaceAdmission`, or of a `DeviceAdmission`. */
  admission: bytes(1, { max: MAX_SEALED_BYTES }),
})
/** The plaintext of message 6. */
export type JoinAnswer = MessageOf<typeof Answer>

interface Codec<T> {
  encode(value: T): Uint8Array
  /** @throws InvitationError `PROTOCOL_VIOLATION` */
  parse(bytes: Uint8Array): T
}
const codec = <T>(schema: Message<T>): Codec<T> => ({
  encode: (value) => schema.encode(value),
  parse: (encoded) => wellFormed(() => schema.parseLenient(encoded)),
})

/** Bytes of a {@link Preview}; at most 256. */
export const previewCodec: Codec<Preview> = codec(PreviewMessage)
/** Bytes of a {@link JoinRequest}, over which its proofs are made. */
export const requestCodec: Codec<JoinRequest> = codec(Request)
/** Bytes of a {@link ProvenRequest}, to be sealed as message 5. */
export const provenRequestCodec: Codec<ProvenRequest> = codec(SealedRequest)
/** Bytes of a {@link DeviceJoinRequest}, over which its proof is made. */
export const deviceRequestCodec: Codec<DeviceJoinRequest> = codec(DeviceRequest)
/** Bytes of a {@link ProvenDeviceRequest}, to be sealed as message 5. */
export const provenDeviceRequestCodec: Codec<ProvenDeviceRequest> = codec(SealedDeviceRequest)
/** Bytes of a {@link JoinAnswer}, to be signed by `HK` and sealed as message 6. */
export const answerCodec: Codec<JoinAnswer> = codec(Answer)

function wellFormed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof WireError) throw new InvitationError('PROTOCOL_VIOLATION', { cause })
    throw cause
  }
}
