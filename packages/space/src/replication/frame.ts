import { concatBytes } from '@noble/hashes/utils.js'
import { MAX_CHAIN_LENGTH, MAX_CREDENTIAL_BYTES } from '@vestibule/credentials'
import { PUBLIC_KEY_BYTES, type PublicKey } from '@vestibule/keys'
import {
  bytes,
  enumeration,
  type MessageOf,
  message,
  nested,
  optional,
  repeated,
  uint32,
  uint64,
} from '@vestibule/keys/wire'
import { HeadMessage } from '../admission/admission.ts'
import { FeedBatchMessage, MAX_BATCH_BYTES } from '../feed/entry.ts'
import { ReceivedBatchMessage, varint } from '../feed/feed-records.ts'
import { ForkMessage } from '../feed/fork.ts'
import { MAX_KEYS_PER_FRAME } from '../read-keys/read-key.ts'

/** Most bytes of a frame. Two batches of the largest size, which prove a fork, fit with their tags. */
export const MAX_FRAME_BYTES = 416 * 1024
/** Most bytes of a frame before both ends have shown that they are members. */
export const MAX_HANDSHAKE_FRAME_BYTES = 64 * 1024
/** Most credentials, and bytes of them, by which somebody shows how it was admitted. */
export const MAX_PATH_LENGTH = 16
export const MAX_PATH_BYTES = 40 * 1024
/** Most credentials by which a device introduces itself: its chain, its control feed and its data feed. */
export const MAX_INTRODUCTION_LENGTH = MAX_CHAIN_LENGTH + 2
/** Most feeds that one frame announces or asks for. */
export const MAX_FEEDS_PER_FRAME = 1024
/** Version of this protocol. Both ends say theirs first. */
export const PROTOCOL_VERSION = 1

if (2 * (MAX_BATCH_BYTES + 16 * 1024) > MAX_FRAME_BYTES) throw new TypeError('a fork does not fit a frame')

/** An answer to the other end's presentation. All but the first two are the last word. */
export const VERDICTS = [
  'NONE',
  'ACCEPTED',
  // Not heard of: the other end may show how it was admitted, when it knows this one to be a member.
  'UNKNOWN',
  'NOT_A_MEMBER',
  'BAD_PRESENTATION',
  'UNSUPPORTED_VERSION',
] as const
export type Verdict = (typeof VERDICTS)[number]

const ForkedAt = message('ForkedAt', { feed: bytes(1, { length: 32 }), at: uint64(2) })
const Want = message('Want', { feed: bytes(1, { length: 32 }), from: uint64(2) })

/**
 * What two members say to each other; exactly one field is set, but for `path` beside `verdict`, and in the last frame
 * to one who is no longer a member. A frame with none that is known comes from a later version and is passed over.
 */
export const SpaceFrame = message('SpaceFrame', {
  /** First in both directions: a challenge for the other end. */
  hello: optional(nested(1, message('Hello', { version: uint32(1), nonce: bytes(2, { length: 32 }) }))),
  /** Second: who this end is, bound to both challenges, both peers and the space. */
  presentation: optional(bytes(2, { max: 16 * 1024 })),
  /** Third: whether the other end is a member. Nothing of the space flows before both said `ACCEPTED`. */
  verdict: optional(enumeration(3, VERDICTS)),
  /** With an acceptance: the own line of admissions from the genesis, for a member who has not heard of it yet. */
  path: optional(nested(7, message('Path', { credentials: repeated(bytes(1), { max: MAX_PATH_LENGTH }) }))),
  /** Feeds that this end has stored up to there: an announcement, and an acknowledgement. */
  heads: optional(
    nested(4, message('Heads', { heads: repeated(nested(1, HeadMessage), { max: MAX_FEEDS_PER_FRAME }) })),
  ),
  /** Feeds that this end asks for from an entry on, now and as they grow. */
  wants: optional(
    nested(5, message('Wants', { wants: repeated(nested(1, Want), { max: MAX_FEEDS_PER_FRAME }) })),
  ),
  /** Entries of a feed that was asked for, in their order. */
  entries: optional(
    nested(6, message('Entries', { feed: bytes(1, { length: 32 }), batch: nested(2, ReceivedBatchMessage) })),
  ),
  /** Everything that was asked for by the first so many wants has been sent, as far as this end had it. */
  settled: optional(uint32(8)),
  /** Before anything else, and when it has changed: what admits the feeds of this device, for whoever has not heard of it. */
  introduction: optional(
    nested(9, message('Introduction', { credentials: repeated(bytes(1), { max: MAX_INTRODUCTION_LENGTH }) })),
  ),
  /** With a refusal: the credential by which the other end is no longer a member. */
  removal: optional(bytes(10, { max: MAX_CREDENTIAL_BYTES })),
  /** Feeds that forked after so many entries, as this end can prove. */
  forks: optional(
    nested(11, message('Forks', { forks: repeated(nested(1, ForkedAt), { max: MAX_FEEDS_PER_FRAME }) })),
  ),
  /** Feeds whose forks the other end is asked to prove. */
  proofsWanted: optional(
    nested(12, message('Feeds', { feeds: repeated(bytes(1, { length: 32 }), { max: MAX_FEEDS_PER_FRAME }) })),
  ),
  /** A proof that was asked for. */
  fork: optional(nested(13, ForkMessage)),
  /** Asks how the other end's history of a feed goes on from an entry, to find where it parts from the own one. */
  probe: optional(nested(14, Want)),
  /** The answer: a batch that begins with that entry, or none. */
  branch: optional(
    nested(
      15,
      message('Branch', { feed: bytes(1, { length: 32 }), batch: optional(nested(2, FeedBatchMessage)) }),
    ),
  ),
  /** Epochs whose read keys this end lacks, by their ids; empty for the one that the space was founded with. */
  lacking: optional(
    nested(16, message('Lacking', { epochs: repeated(bytes(1, { max: 32 }), { max: MAX_KEYS_PER_FRAME }) })),
  ),
  /** Read keys that the other end lacks, sealed to its device. */
  readKeys: optional(bytes(17, { max: MAX_KEYS_PER_FRAME * 80 + 256 })),
})
export type SpaceFrame = MessageOf<typeof SpaceFrame>

/** Tags of `entries` and of what is in it, which are delimited. */
const TAG = { entries: 0x32, feed: 0x0a, batch: 0x12 }

/** A frame with `entries`, of a batch that is encoded already, so that it is copied once; tests hold it to the schema. */
export function entriesFrame(feed: PublicKey, batch: readonly Uint8Array[]): Uint8Array {
  const bytes = batch.reduce((sum, { length }) => sum + length, 0)
  const entries = concatBytes(
    Uint8Array.of(TAG.feed, PUBLIC_KEY_BYTES),
    feed.toBytes(),
    Uint8Array.of(TAG.batch, ...varint(bytes)),
  )
  return concatBytes(Uint8Array.of(TAG.entries, ...varint(entries.length + bytes)), entries, ...batch)
}
