import {
  bytes,
  type Message,
  message,
  nested,
  optional,
  repeated,
  string,
  uint32,
  uint64,
} from '@vestibule/keys/wire'

/** Protocol id of the libp2p rendezvous specification. */
export const RENDEZVOUS_PROTOCOL = '/rendezvous/1.0.0'
/** Protocol id of the extension that announces new registrations; see the package's README. */
export const RENDEZVOUS_WATCH_PROTOCOL = '/vestibule/rendezvous-watch/1'

export const DEFAULT_TTL_S = 2 * 60 * 60
export const MAX_TTL_S = 72 * 60 * 60
export const MAX_NAMESPACE_BYTES = 255
/** Longest signed peer record taken: about 30 addresses. */
export const MAX_RECORD_BYTES = 4_096
/** Most registrations in one answer; the rest follow with the cookie. */
export const MAX_PAGE = 200
/** Longest request a server reads. */
export const MAX_REQUEST_BYTES = 8_192
/** Longest answer a client reads. */
export const MAX_RESPONSE_BYTES = 1024 * 1024

/** The specification's `ResponseStatus`. */
export const RENDEZVOUS_STATUS = {
  OK: 0,
  INVALID_NAMESPACE: 100,
  INVALID_SIGNED_PEER_RECORD: 101,
  INVALID_TTL: 102,
  INVALID_COOKIE: 103,
  NOT_AUTHORIZED: 200,
  INTERNAL_ERROR: 300,
  UNAVAILABLE: 400,
} as const
export type RendezvousStatus = keyof typeof RENDEZVOUS_STATUS

/** The specification's `MessageType`. */
export const MESSAGE_TYPE = {
  REGISTER: 0,
  REGISTER_RESPONSE: 1,
  UNREGISTER: 2,
  DISCOVER: 3,
  DISCOVER_RESPONSE: 4,
} as const

// The format is proto2 there: a field that is set is written even with its default value, so every field is
// optional here. Limits are a little above the protocol's, so that going over gets an answer, not a reset.

export interface RegisterMessage {
  readonly ns?: string
  readonly signedPeerRecord?: Uint8Array
  /** Seconds. */
  readonly ttl?: number
}

const Register: Message<RegisterMessage> = message('Register', {
  ns: optional(string(1, { max: 1_024 })),
  signedPeerRecord: optional(bytes(2)),
  ttl: optional(uint64(3)),
})

const RegisterResponse = message('RegisterResponse', {
  status: optional(uint32(1)),
  statusText: optional(string(2)),
  ttl: optional(uint64(3)),
})

const Unregister = message('Unregister', { ns: optional(string(1, { max: 1_024 })) })

const Discover = message('Discover', {
  ns: optional(string(1, { max: 1_024 })),
  limit: optional(uint64(2)),
  cookie: optional(bytes(3, { max: 1_024 })),
})

const DiscoverResponse = message('DiscoverResponse', {
  registrations: repeated(nested(1, Register), { max: 10_000 }),
  cookie: optional(bytes(2, { max: 1_024 })),
  status: optional(uint32(3)),
  statusText: optional(string(4)),
})

/**
 * The one message of the protocol; `type` says which of the other fields counts.
 * @see libp2p specifications, rendezvous/README.md, "Protobuf"
 */
export interface RendezvousMessage {
  readonly type?: number
  readonly register?: RegisterMessage
  readonly registerResponse?: {
    readonly status?: number
    readonly statusText?: string
    readonly ttl?: number
  }
  readonly unregister?: { readonly ns?: string }
  readonly discover?: { readonly ns?: string; readonly limit?: number; readonly cookie?: Uint8Array }
  readonly discoverResponse?: {
    readonly registrations: readonly RegisterMessage[]
    readonly cookie?: Uint8Array
    readonly status?: number
    readonly statusText?: string
  }
}

/** Wire schema of {@link RendezvousMessage}. Read it with `parseLenient`: other versions may add fields. */
export const RendezvousMessage: Message<RendezvousMessage> = message('RendezvousMessage', {
  type: optional(uint32(1)),
  register: optional(nested(2, Register)),
  registerResponse: optional(nested(3, RegisterResponse)),
  unregister: optional(nested(4, Unregister)),
  discover: optional(nested(5, Discover)),
  discoverResponse: optional(nested(6, DiscoverResponse)),
})
