import { PublicKey, Redacted } from '@vestibule/keys'
import { bool, bytes, message, optional, string, uint32, WireError } from '@vestibule/keys/wire'
import { InvitationError } from '../errors.ts'
import { InvitationLink } from '../link/link.ts'

const VERSION = 1
const SECRET_KEY_BYTES = 32

/** What a member needs to serve an invitation of another: everything that its author has. */
export interface ServingSecrets {
  /** Its exact bytes: every exchange begins with their hash. */
  readonly link: InvitationLink
  /** The secret key of `HK`, 32 bytes. */
  readonly hostSecret: Redacted<Uint8Array>
  readonly code?: Redacted<string>
  /** With the method of a known public key: that key. */
  readonly guestKey?: PublicKey
  readonly timeoutMs: number
  /** Whether a person is asked about each guest. */
  readonly approve: boolean
}

const ServingSecretsMessage = message('ServingSecrets', {
  version: uint32(1),
  link: bytes(2),
  hostSecret: bytes(3, { length: SECRET_KEY_BYTES }),
  code: optional(string(4, { max: 256 })),
  timeoutMs: uint32(5),
  approve: bool(6),
  guestKey: optional(bytes(7, { length: 32 })),
})

/** The bytes that are sealed to whoever may serve it. */
export function encodeServingSecrets(secrets: ServingSecrets): Redacted<Uint8Array> {
  const { link, hostSecret, code, guestKey, timeoutMs, approve } = secrets
  const encoded = ServingSecretsMessage.encode({
    version: VERSION,
    link: link.toBytes(),
    hostSecret: hostSecret.unwrap(),
    ...(code && { code: code.unwrap() }),
    timeoutMs,
    approve,
    ...(guestKey && { guestKey: guestKey.toBytes() }),
  })
  return new Redacted(encoded)
}

/** @returns `undefined` for what its author did not make as it has to be */
export function parseServingSecrets(encoded: Redacted<Uint8Array>): ServingSecrets | undefined {
  try {
    const { version, link, hostSecret, code, guestKey, ...rest } = ServingSecretsMessage.parse(
      encoded.unwrap(),
    )
    if (version !== VERSION) return undefined
    return {
      link: InvitationLink.fromBytes(link),
      hostSecret: new Redacted(hostSecret),
      ...(code !== undefined && { code: new Redacted(code) }),
      ...(guestKey && { guestKey: PublicKey.from(guestKey) }),
      ...rest,
    }
  } catch (error) {
    if (error instanceof WireError || error instanceof InvitationError) return undefined
    throw error
  }
}
