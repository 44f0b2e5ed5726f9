import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { bytes, type MessageOf, message, uint32 } from '../../src/wire.ts'

/** What a sealed box looks like from outside, to take apart and to forge; lengths are not checked. */
const Box = message('Box', {
  version: uint32(1),
  memoryKib: uint32(2),
  passes: uint32(3),
  lanes: uint32(4),
  salt: bytes(5),
  commitment: bytes(6),
  nonce: bytes(7),
  sealed: bytes(8),
})

export const headerBytes = {
  parse: (stored: Uint8Array): MessageOf<typeof Box> => Box.parse(stored.subarray(0, -8)),
  /** With a checksum that fits. */
  encode: (header: MessageOf<typeof Box>): Uint8Array => {
    const encoded = Box.encode(header)
    return concatBytes(encoded, sha256(encoded).subarray(0, 8))
  },
}
