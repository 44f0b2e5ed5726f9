import { type Credential, CredentialsError, verifyCredential } from '@vestibule/credentials'
import { PublicKey, SIGNATURE_BYTES } from '@vestibule/keys'
import { bytes, message, nested, repeated, uint32, uint64 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { type FeedBatch, FeedBatchMessage, type SignedHead } from '../feed/entry.ts'
import { HASH_BYTES } from '../feed/entry-hash.ts'
import { type ReadKey, ReadKeyMessage, readKeyFromWire, readKeyToWire } from '../read-keys/read-key.ts'
import { parseVersioned } from '../versioned.ts'

/** Most bytes of an encoded admission; it has to fit into one frame, sealed and with what stands around it. */
export const MAX_ADMISSION_BYTES = 240 * 1024

const ADMISSION_VERSION = 1
/** Control feeds that an admission can name: the heads of more would not fit anyway. */
const MAX_FEEDS = 2048
const MAX_CREDENTIALS = 1024
/** The newest ones are given. */
export const MAX_READ_KEYS = 1024

/** A control feed from its first entry on, in batches that follow one another. */
export interface FeedContent {
  readonly feed: PublicKey
  readonly batches: readonly FeedBatch[]
}

/**
 * All that a new member needs to be one: what the host sends in message 6 of `inv/1`. Every credential in it has
 * been verified by itself; whether they admit the guest is checked by `SpaceManager.acceptSpace`.
 */
export interface SpaceAdmission {
  readonly spaceKey: PublicKey
  /** The genesis, the founder's grant, that of each admitter after it, and the guest's own. */
  readonly path: readonly Credential[]
  /** The guest's admitted feeds with the chain of its device, and the admissions of the feeds of those on the path. */
  readonly credentials: readonly Credential[]
  /** Who admitted. */
  readonly hostIdentity: PublicKey
  /** The heads of the control feeds that the host holds, of the first 512 in the order of their admission. */
  readonly heads: readonly SignedHead[]
  /** The entries of all these feeds; none at all when they do not fit, and then they come by replication. */
  readonly controlFeeds: readonly FeedContent[]
  readonly readKeys: readonly ReadKey[]
}

export const HeadMessage = message('FeedHead', {
  feed: bytes(1, { length: 32 }),
  length: uint64(2),
  hash: bytes(3, { length: HASH_BYTES }),
  signature: bytes(4, { length: SIGNATURE_BYTES }),
})

const FeedContentMessage = message('FeedContent', {
  feed: bytes(1, { length: 32 }),
  batches: repeated(nested(2, FeedBatchMessage), { max: MAX_CREDENTIALS }),
})

const SpaceAdmissionMessage = message('SpaceAdmission', {
  version: uint32(1),
  space: bytes(2, { length: 32 }),
  path: repeated(bytes(3), { max: MAX_CREDENTIALS }),
  credentials: repeated(bytes(4), { max: MAX_CREDENTIALS }),
  host: bytes(5, { length: 32 }),
  heads: repeated(nested(6, HeadMessage), { max: MAX_FEEDS }),
  controlFeeds: repeated(nested(7, FeedContentMessage), { max: MAX_FEEDS }),
  readKeys: repeated(nested(8, ReadKeyMessage), { max: MAX_READ_KEYS }),
})

/** The id of the genesis that an admission starts from, for whoever was promised one. @throws SpaceError `BAD_ADMISSION` */
export function genesisIdOf({ path }: SpaceAdmission): string {
  const [genesis] = path
  if (genesis?.claim.type !== 'SpaceGenesis')
    throw new SpaceError('BAD_ADMISSION', 'the admission does not start from a genesis')
  return genesis.id
}

/** The bytes of an admission. They hold the read keys: seal them. @throws SpaceError `TOO_LARGE` */
export function encodeAdmission(admission: SpaceAdmission): Uint8Array {
  const encoded = SpaceAdmissionMessage.encode({
    version: ADMISSION_VERSION,
    space: admission.spaceKey.toBytes(),
    path: admission.path.map((credential) => credential.encoded),
    credentials: admission.credentials.map((credential) => credential.encoded),
    host: admission.hostIdentity.toBytes(),
    heads: admission.heads.map(headToWire),
    controlFeeds: admission.controlFeeds.map(({ feed, batches }) => ({ feed: feed.toBytes(), batches })),
    readKeys: admission.readKeys.map(readKeyToWire),
  })
  if (encoded.length > MAX_ADMISSION_BYTES)
    throw new SpaceError('TOO_LARGE', `an admission of ${encoded.length} bytes`)
  return encoded
}

/**
 * Reads an admission and verifies every credential in it.
 * @throws SpaceError `MALFORMED`, `TOO_LARGE`, `UNSUPPORTED_VERSION`; `BAD_ADMISSION` for a credential that does
 *   not verify, with the reason as its cause
 */
export async function parseAdmission(encoded: Uint8Array): Promise<SpaceAdmission> {
  if (encoded.length > MAX_ADMISSION_BYTES)
    throw new SpaceError('TOO_LARGE', `an admission of ${encoded.length} bytes`)
  const wire = parseVersioned(SpaceAdmissionMessage, ADMISSION_VERSION, encoded, 'MALFORMED')
  return {
    spaceKey: PublicKey.from(wire.space),
    path: await verifyAll(wire.path, 'BAD_ADMISSION'),
    credentials: await verifyAll(wire.credentials, 'BAD_ADMISSION'),
    hostIdentity: PublicKey.from(wire.host),
    heads: wire.heads.map((head) => headFromWire(PublicKey.from(wire.space), head)),
    controlFeeds: wire.controlFeeds.map(({ feed, batches }) => ({ feed: PublicKey.from(feed), batches })),
    readKeys: wire.readKeys.map((key) => readKeyFromWire(key, 'MALFORMED')),
  }
}

export const headToWire = ({ feed, length, hash, signature }: SignedHead) => ({
  feed: feed.toBytes(),
  length,
  hash,
  signature,
})
export const headFromWire = (space: PublicKey, wire: ReturnType<typeof headToWire>): SignedHead => ({
  ...wire,
  space,
  feed: PublicKey.from(wire.feed),
})

/**
 * Verifies credentials that came in something else.
 * @param code what it is when one of them does not verify
 */
export async function verifyAll(
  encoded: readonly Uint8Array[],
  code: 'BAD_ADMISSION' | 'BAD_BACKUP' | 'STORAGE_CORRUPT',
): Promise<Credential[]> {
  try {
    return await Promise.all(encoded.map((one) => verifyCredential(one)))
  } catch (cause) {
    if (!(cause instanceof CredentialsError)) throw cause
    throw new SpaceError(code, 'a credential in it does not verify', { cause })
  }
}
