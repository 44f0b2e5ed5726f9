import type { Credential, Profile } from '@vestibule/credentials'
import { MAX_NAME_BYTES } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { bytes, message, optional, repeated, string, uint32 } from '@vestibule/keys/wire'
import {
  encodeAdmission,
  MAX_ADMISSION_BYTES,
  parseAdmission,
  type SpaceAdmission,
  verifyAll,
} from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { parseVersioned } from '../versioned.ts'

const VERSION = 1
/** Spaces beyond these come by the identity's own space. */
const MAX_SPACES = 1024

/** A device that is to be added to an identity. That it holds these keys has been proven to the caller. */
export interface DeviceCandidate {
  readonly deviceKey: PublicKey
  /** X25519 public key, 32 bytes. */
  readonly agreementKey: Uint8Array
  /** What to call it: at most 64 bytes of UTF-8, and may be empty. */
  readonly label: string
}

/**
 * All that a new device needs to be one of an identity: what the host sends in message 6 of `inv/1`, device kind. There
 * is no private key in it. Every credential in it has been verified by itself; the rest is checked by `acceptIdentity`.
 */
export interface DeviceAdmission {
  readonly identityKey: PublicKey
  readonly profile: Profile
  /** The `AuthorizedDevice` of the new device, with the chain up to the identity. */
  readonly device: Credential
  /** The `IdentityRecovery` by which the recovery phrase counts, when there is one. */
  readonly recovery?: Credential
  /** The identity's own space; more than one only where two of its devices did not know of each other. */
  readonly own: readonly SpaceAdmission[]
  /** Its other spaces, as many as fit. */
  readonly spaces: readonly SpaceAdmission[]
}

const DeviceAdmissionMessage = message('DeviceAdmission', {
  version: uint32(1),
  device: bytes(2),
  displayName: string(3, { max: MAX_NAME_BYTES }),
  recovery: optional(bytes(4)),
  own: repeated(bytes(5), { max: MAX_SPACES }),
  spaces: repeated(bytes(6), { max: MAX_SPACES }),
})

/**
 * The bytes of an admission, at most 240 KiB. They hold the read keys: seal them. Spaces are left out, and come by the
 * identity's own space, when there are more than fit.
 * @throws SpaceError `TOO_LARGE`
 */
export function encodeDeviceAdmission(admission: DeviceAdmission): Uint8Array {
  const { device, profile, recovery, own, spaces } = admission
  const encode = (shown: readonly Uint8Array[]) =>
    DeviceAdmissionMessage.encode({
      version: VERSION,
      device: device.encoded,
      displayName: profile.displayName,
      ...(recovery && { recovery: recovery.encoded }),
      own: own.map(encodeAdmission),
      spaces: shown,
    })
  const room = MAX_ADMISSION_BYTES - encode([]).length
  if (room < 0) throw new SpaceError('TOO_LARGE', `an admission of ${MAX_ADMISSION_BYTES - room} bytes`)
  return encode(fitting(spaces.slice(0, MAX_SPACES), room))
}

/** As many as there is room for, and then the history of as many as there is room for. */
function fitting(spaces: readonly SpaceAdmission[], room: number): Uint8Array[] {
  // Tag and length of each.
  const cost = ({ length }: Uint8Array) => length + 8
  const shown: { bare: Uint8Array; whole: Uint8Array }[] = []
  let left = room
  for (const space of spaces) {
    const bare = encodeAdmission({ ...space, controlFeeds: [] })
    if (cost(bare) > left) continue
    left -= cost(bare)
    shown.push({ bare, whole: encodeAdmission(space) })
  }
  return shown.map(({ bare, whole }) => {
    const more = whole.length - bare.length
    if (more > left) return bare
    left -= more
    return whole
  })
}

/**
 * Reads an admission and verifies every credential in it.
 * @throws SpaceError `MALFORMED`, `TOO_LARGE`, `UNSUPPORTED_VERSION`; `BAD_ADMISSION` for a credential that does
 *   not verify or is another than it should be
 */
export async function parseDeviceAdmission(encoded: Uint8Array): Promise<DeviceAdmission> {
  if (encoded.length > MAX_ADMISSION_BYTES)
    throw new SpaceError('TOO_LARGE', `an admission of ${encoded.length} bytes`)
  const wire = parseVersioned(DeviceAdmissionMessage, VERSION, encoded, 'MALFORMED')
  const [device] = await verifyAll([wire.device], 'BAD_ADMISSION')
  const [recovery] = await verifyAll(wire.recovery ? [wire.recovery] : [], 'BAD_ADMISSION')
  if (device?.claim.type !== 'AuthorizedDevice') throw new SpaceError('BAD_ADMISSION', 'it names no device')
  const identityKey = device.claim.identity
  if (recovery !== undefined && (recovery.type !== 'IdentityRecovery' || recovery.issuer !== identityKey))
    throw new SpaceError('BAD_ADMISSION', 'a recovery key of another identity')
  return {
    identityKey,
    profile: { displayName: wire.displayName },
    device,
    ...(recovery && { recovery }),
    own: await parseAll(wire.own),
    spaces: await parseAll(wire.spaces),
  }
}

async function parseAll(encoded: readonly Uint8Array[]): Promise<SpaceAdmission[]> {
  const parsed: SpaceAdmission[] = []
  for (const one of encoded) parsed.push(await parseAdmission(one))
  return parsed
}
