import { hexToBytes } from '@noble/hashes/utils.js'

/** A signature to try an implementation with. */
export interface Probe {
  readonly key: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

const probe = (key: string, message: Uint8Array, signature: string): Probe => ({
  key: hexToBytes(key),
  message,
  signature: hexToBytes(signature),
})

/** One that every implementation takes (RFC 8032, section 7.1, TEST 2). */
export const GENUINE = probe(
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  Uint8Array.of(0x72),
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
)

/** R has a component of order 8: by the equation with the cofactor it is genuine, by the one without it is not. */
export const MIXED_R = probe(
  'ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081',
  Uint8Array.of(0x72),
  '2856536c4aeeeb789bd4c703a54587280a914c7e7b9054f42dda4012e369282c9d3ccb877a3084402ebd6ebba002417e62a2ff69aff9afe2a377305923e7ad01',
)

/** The base point (RFC 8032, section 5.1). */
export const BASE_POINT = hexToBytes('5866666666666666666666666666666666666666666666666666666666666666')

/** The base point plus the point of order 2. */
export const MIXED_POINT = hexToBytes('9599999999999999999999999999999999999999999999999999999999999999')
