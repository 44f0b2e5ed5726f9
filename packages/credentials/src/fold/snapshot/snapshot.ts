import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { equalBytes, PublicKey } from '@vestibule/keys'
import type { Credential } from '../../credential.ts'
import { CredentialsError } from '../../errors.ts'
import { type Act, actOf } from '../acts.ts'
import { Packer, type Plain, Unpacker } from './packing.ts'

const MAGIC = utf8ToBytes('vestibule membership ')
const VERSION = 1
const HASH_BYTES = 32
const BODY = MAGIC.length + 1 + HASH_BYTES

/** What a snapshot holds. */
export interface Snapshot {
  readonly space: PublicKey
  /** The id of the genesis that counted, when there was one. */
  readonly genesis?: string
  /** Parents first, then those that wait. */
  readonly acts: readonly Act[]
}

/**
 * Writes credentials down so that they are read again without being verified, and without being decoded before one
 * of them is asked for. No verdict is in it: those follow from the acts, by the rules of whoever reads it.
 *
 * Layout: the magic, a byte with the version, the SHA-256 of the rest, the rest as {@link Packer} writes it.
 */
export async function packSnapshot({ space, genesis, acts }: Snapshot): Promise<Uint8Array> {
  const packer = new Packer()
  packer.add({ space, genesis, count: acts.length })
  for (const { id, issuer, signer, parents, claim, source } of acts) {
    // Every claim is plain data: keys, texts, numbers, byte strings, and lists of such.
    const fields = [id, issuer, signer, parents, { ...claim } as unknown as Plain]
    for (const field of fields) packer.add(field)
    packer.add(source instanceof Uint8Array ? source : source.encoded)
  }
  const body = packer.done()
  return concatBytes(MAGIC, new Uint8Array([VERSION]), await hash(body), body)
}

/**
 * Reads a snapshot.
 * @param bytes they stay in use; the caller's no more
 * @throws CredentialsError `DAMAGED`, or `OTHER_VERSION`
 */
export async function unpackSnapshot(bytes: Uint8Array<ArrayBuffer>): Promise<Snapshot> {
  if (bytes.length < BODY || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw damaged()
  if (bytes[MAGIC.length] !== VERSION)
    throw new CredentialsError('OTHER_VERSION', `a snapshot of version ${bytes[MAGIC.length]}`)
  const body = bytes.subarray(BODY)
  // It is read while the runtime hashes it, elsewhere; nothing of it is handed out before the hash holds.
  const hashing = hash(body)
  const found = attempt(body)
  if (!equalBytes(bytes.subarray(BODY - HASH_BYTES, BODY), await hashing)) throw damaged()
  // The hash holds, so a program wrote this that should not have.
  if (found instanceof Error) throw damaged(found)
  return found
}

function attempt(body: Uint8Array): Snapshot | Error {
  try {
    return read(new Unpacker(body))
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError) return cause
    throw cause
  }
}

function read(unpacker: Unpacker): Snapshot {
  const { count, ...binding } = unpacker.next() as unknown as Omit<Snapshot, 'acts'> & { count: number }
  if (!PublicKey.isPublicKey(binding.space) || typeof count !== 'number') throw new TypeError('no snapshot')
  const acts: Act[] = []
  for (let n = 0; n < count; n++) {
    // As they were packed, one after the other.
    const id = unpacker.next() as string
    const issuer = unpacker.next() as PublicKey
    const signer = unpacker.next() as PublicKey
    const parents = unpacker.next() as readonly string[]
    const claim = unpacker.next() as unknown as Credential['claim']
    const encoded = unpacker.next()
    if (!(encoded instanceof Uint8Array)) throw new TypeError('no credential')
    acts.push(actOf({ id, issuer, signer, parents }, claim, encoded))
  }
  return { ...binding, acts }
}

/** SHA-256, by the runtime where it offers that. */
async function hash(bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto ?? {}
  if (subtle === undefined) return sha256(bytes)
  return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}

const damaged = (cause?: Error): CredentialsError =>
  new CredentialsError('DAMAGED', 'not a snapshot, or not as it was written', { cause })
