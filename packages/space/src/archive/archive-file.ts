import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, randomBytes } from '@noble/hashes/utils.js'
import {
  equalBytes,
  openWithPassphrase,
  type Passphrase,
  type SealingCost,
  sealWithPassphrase,
  xchacha20poly1305,
} from '@vestibule/keys'
import {
  bytes,
  type MessageOf,
  message,
  nested,
  optional,
  string,
  uint32,
  WireError,
} from '@vestibule/keys/wire'
import { MAX_ADMISSION_BYTES } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { FeedBatchMessage } from '../feed/entry.ts'
import { parseVersioned } from '../versioned.ts'

/** Where an export is read from, as often as it takes: it is checked as a whole before anything of it is stored. */
export type ArchiveSource = Uint8Array | (() => AsyncIterable<Uint8Array>)

/** How an export is made. */
export interface ExportOptions {
  /** Seals all of it, with the read keys. Without one it holds no read keys, and what is not sealed anyway is readable. */
  readonly passphrase?: Passphrase
  /** What a guess at the passphrase costs; `DEFAULT_SEALING_COST` of `@vestibule/keys` unless given. */
  readonly cost?: SealingCost
}

const KIND = 'vestibule space export'
const VERSION = 1
const PURPOSE = 'vestibule space export v1'
const KEY_BYTES = 32
const NONCE_BYTES = 24
const LENGTH_BYTES = 4
/** Most bytes of a frame: an admission or a batch, with what stands around it. */
const MAX_FRAME_BYTES = 256 * 1024

const Header = message('SpaceExport', {
  version: uint32(1),
  kind: string(2, { max: 64 }),
  /** The key of the frames that follow, sealed under the passphrase; left out when they are not sealed. */
  sealedKey: optional(bytes(3, { max: 1024 })),
})

/** One of them: the admission first, then the batches of each feed, at last the digest of all before it. */
const RecordMessage = message('SpaceExportRecord', {
  admission: optional(bytes(1, { max: MAX_ADMISSION_BYTES })),
  controlFeed: optional(bytes(2, { length: 32 })),
  dataFeed: optional(bytes(3, { length: 32 })),
  batch: optional(nested(4, FeedBatchMessage)),
  digest: optional(bytes(5, { length: 32 })),
})
/** What an export holds, one after the other. */
export type ArchiveRecord = MessageOf<typeof RecordMessage>

/**
 * Frames of four bytes of length and as many bytes: a header, and records. With a passphrase each record is sealed
 * (XChaCha20-Poly1305) under a key of this file only, by its number and whether it is the last, so that none can be
 * left out, moved or cut off.
 */
export async function* writeArchive(
  records: AsyncIterable<ArchiveRecord>,
  { passphrase, cost }: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const key = passphrase === undefined ? undefined : randomBytes(KEY_BYTES)
  const sealing = cost && { cost }
  const sealedKey =
    passphrase !== undefined && key && (await sealWithPassphrase(passphrase, key, PURPOSE, sealing))
  const header = Header.encode({ version: VERSION, kind: KIND, ...(sealedKey && { sealedKey }) })
  const digest = sha256.create().update(header)
  let number = 0
  const frame = (record: Uint8Array, isLast: boolean): Uint8Array =>
    framed(key === undefined ? record : cipher(key, number++, isLast, header).encrypt(record))
  try {
    yield framed(header)
    for await (const record of records) {
      const encoded = framed(RecordMessage.encode(record))
      digest.update(encoded)
      yield frame(encoded.subarray(LENGTH_BYTES), false)
    }
    yield frame(RecordMessage.encode({ digest: digest.digest() }), true)
  } finally {
    key?.fill(0)
  }
}

/** An export whose header was read. */
export class Archive {
  readonly #source: ArchiveSource
  readonly #header: Uint8Array
  readonly #key: Uint8Array | undefined

  private constructor(source: ArchiveSource, header: Uint8Array, key: Uint8Array | undefined) {
    this.#source = source
    this.#header = header
    this.#key = key
  }

  /**
   * @throws SpaceError `BAD_EXPORT` for something else, `PASSPHRASE_NEEDED`, `UNSUPPORTED_VERSION`; KeysError
   *   `WRONG_PASSPHRASE`, `CORRUPT_RECORD`, `UNACCEPTABLE_COST`; whatever the source throws
   */
  static async open(source: ArchiveSource, passphrase: Passphrase | undefined): Promise<Archive> {
    for await (const header of frames(source)) {
      const { kind, sealedKey } = parse(() => parseVersioned(Header, VERSION, header, 'MALFORMED'))
      if (kind !== KIND) throw bad('it is none')
      if (sealedKey === undefined) return new Archive(source, header, undefined)
      if (passphrase === undefined) throw new SpaceError('PASSPHRASE_NEEDED', 'the export is sealed')
      return new Archive(source, header, await openWithPassphrase(passphrase, sealedKey, PURPOSE, 'export'))
    }
    throw bad('it is empty')
  }

  /** All records from the first on; damage is found at the latest behind the last. @throws SpaceError `BAD_EXPORT` */
  async *records(): AsyncGenerator<ArchiveRecord> {
    const digest = sha256.create().update(this.#header)
    let number = -1
    let ended = false
    for await (const frame of frames(this.#source)) {
      if (number++ < 0) {
        if (!equalBytes(frame, this.#header)) throw bad('it changed while it was read')
        continue
      }
      if (ended) throw bad('something stands behind its end')
      const encoded = this.#open(frame, number - 1)
      const record = parse(() => RecordMessage.parse(encoded))
      ended = record.digest !== undefined
      if (record.digest === undefined) {
        digest.update(framed(encoded))
        yield record
      } else if (!equalBytes(record.digest, digest.digest())) throw bad('it is damaged')
    }
    if (!ended) throw bad('it is cut off')
  }

  #open(frame: Uint8Array, number: number): Uint8Array {
    if (this.#key === undefined) return frame
    for (const isLast of [false, true]) {
      try {
        return cipher(this.#key, number, isLast, this.#header).decrypt(frame)
      } catch {
        // Whether a frame is the last one nothing says but that it opens as such.
      }
    }
    throw bad('it is damaged')
  }
}

function cipher(key: Uint8Array, number: number, isLast: boolean, header: Uint8Array) {
  const nonce = new Uint8Array(NONCE_BYTES)
  nonce[0] = isLast ? 1 : 0
  new DataView(nonce.buffer).setBigUint64(NONCE_BYTES - 8, BigInt(number))
  return xchacha20poly1305(key, nonce, header)
}

function framed(content: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, content.length)
  return concatBytes(length, content)
}

/** Holds no more than a frame and what came with its end. */
async function* frames(source: ArchiveSource): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0)
  for await (const chunk of source instanceof Uint8Array ? [source] : source()) {
    rest = concatBytes(rest, chunk)
    let at = 0
    for (;;) {
      const length = lengthAt(rest, at)
      if (length === undefined || rest.length < at + LENGTH_BYTES + length) break
      yield rest.slice(at + LENGTH_BYTES, at + LENGTH_BYTES + length)
      at += LENGTH_BYTES + length
    }
    rest = rest.slice(at)
  }
  if (rest.length > 0) throw bad('it is cut off')
}

function lengthAt(buffer: Uint8Array, at: number): number | undefined {
  if (buffer.length < at + LENGTH_BYTES) return undefined
  const length = new DataView(buffer.buffer, buffer.byteOffset).getUint32(at)
  if (length > MAX_FRAME_BYTES) throw bad('it is damaged, or none')
  return length
}

function parse<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const isMalformed =
      cause instanceof WireError || (cause instanceof SpaceError && cause.code === 'MALFORMED')
    throw isMalformed ? bad('it is damaged, or none', cause) : cause
  }
}

export const bad = (what: string, cause?: unknown): SpaceError =>
  new SpaceError('BAD_EXPORT', `not a whole export of a space: ${what}`, { cause })
