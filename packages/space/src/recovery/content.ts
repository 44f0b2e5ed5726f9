import type { Credential, Profile } from '@vestibule/credentials'
import type { RecoveryKeys } from '@vestibule/keys'
import { bytes, message, repeated, string, uint32 } from '@vestibule/keys/wire'
import { encodeAdmission, parseAdmission, type SpaceAdmission, verifyAll } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { parseVersioned } from '../versioned.ts'

const VERSION = 1

const Content = message('IdentityBackup', {
  version: uint32(1),
  recovery: bytes(2, { max: 16 * 1024 }),
  displayName: string(3, { max: 64 }),
  spaces: repeated(bytes(4), { max: 1024 }),
})

/** What brings an identity back. */
export interface IdentityBackup {
  readonly recovery: Credential
  readonly profile: Profile
  /** One for each space. What is in them is checked when they are taken up. */
  readonly spaces: readonly SpaceAdmission[]
}

/** It holds the read keys: seal it. */
export function encodeContent({ recovery, profile, spaces }: IdentityBackup): Uint8Array {
  return Content.encode({
    version: VERSION,
    recovery: recovery.encoded,
    displayName: profile.displayName,
    spaces: spaces.map(encodeAdmission),
  })
}

/**
 * Reads it, for whoever holds the keys that its identity named for this.
 * @throws SpaceError `BAD_BACKUP` when it is of another identity, `BAD_ADMISSION`, `MALFORMED`, `UNSUPPORTED_VERSION`
 */
export async function parseContent(encoded: Uint8Array, keys: RecoveryKeys): Promise<IdentityBackup> {
  const { recovery, displayName, spaces } = parseVersioned(Content, VERSION, encoded, 'MALFORMED')
  const [named] = await verifyAll([recovery], 'BAD_BACKUP')
  if (named?.claim.type !== 'IdentityRecovery' || named.claim.recoveryKey !== keys.recoveryKey)
    throw new SpaceError('BAD_BACKUP', 'it is not of an identity that has this recovery key')
  const parsed: SpaceAdmission[] = []
  for (const space of spaces) parsed.push(await parseAdmission(space))
  return { recovery: named, profile: { displayName }, spaces: parsed }
}
