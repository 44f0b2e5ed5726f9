import { type Message, message, uint32, WireError } from '@vestibule/keys/wire'
import { SpaceError } from './error.ts'

/** The version is field 1 of everything that is stored or outlives a connection, so it can be read before the rest. */
const Versioned = message('Versioned', { version: uint32(1) })

const VERSION_TAG = 0x08

/** Whoever writes canonically writes it first, and in one byte so far: then the rest need not be looked at. */
function readVersion(encoded: Uint8Array): number {
  const [tag, version = 0x80] = encoded
  return tag === VERSION_TAG && version < 0x80 ? version : Versioned.parseLenient(encoded).version
}

/**
 * The version of something, whatever else is in it.
 * @throws SpaceError `STORAGE_CORRUPT`
 */
export function versionOf(name: string, stored: Uint8Array): number {
  try {
    return readVersion(stored)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new SpaceError('STORAGE_CORRUPT', `${name}: not a valid encoding`, { cause })
  }
}

/** Only a version. */
export const encodeVersion = (version: number): Uint8Array => Versioned.encode({ version })

/**
 * Reads a message of exactly this version, to the byte.
 * @param code what bytes that can't be read are: damage in a storage, bad input from outside
 * @throws SpaceError `UNSUPPORTED_VERSION`, or `code`
 */
export function parseVersioned<T>(
  schema: Message<T>,
  version: number,
  encoded: Uint8Array,
  code: 'MALFORMED' | 'STORAGE_CORRUPT',
): T {
  try {
    const got = readVersion(encoded)
    if (got !== version)
      throw new SpaceError('UNSUPPORTED_VERSION', `${schema.name}: version ${got}, expected ${version}`)
    return schema.parse(encoded)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new SpaceError(code, `${schema.name}: not a valid encoding`, { cause })
  }
}
