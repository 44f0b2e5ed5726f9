import {
  type Keyring,
  PublicKey,
  pae,
  SIGNATURE_BYTES,
  sealToAgreementKey,
  verifySignature,
} from '@vestibule/keys'
import { bytes, message, repeated, uint32 } from '@vestibule/keys/wire'
import { encodeAdmission, type SpaceAdmission, verifyAll } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { speaksFor } from '../identity/identity-record.ts'
import type { RecoveryAuthority, SigningContext } from '../identity/signing-context.ts'
import { parseVersioned } from '../versioned.ts'
import { encodeContent, type IdentityBackup, parseContent } from './content.ts'

/** Most bytes of a backup. */
export const MAX_BACKUP_BYTES = 16 * 1024 * 1024
/** So many bytes may the spaces take with their history; of those beyond only what leads to it is kept. */
const MAX_HISTORY_BYTES = 8 * 1024 * 1024
const VERSION = 1

const Signed = message('SignedBackup', {
  version: uint32(1),
  content: bytes(2),
  device: bytes(3, { length: 32 }),
  chain: repeated(bytes(4, { max: 16 * 1024 }), { max: 8 }),
  signature: bytes(5, { length: SIGNATURE_BYTES }),
})

/** Seals to the recovery phrase; see `SpaceManager.exportBackup`. @throws SpaceError `NO_RECOVERY`, `TOO_LARGE` */
export async function sealBackup(
  { keyring, signingContext }: { readonly keyring: Keyring; readonly signingContext: SigningContext },
  spaces: readonly SpaceAdmission[],
): Promise<Uint8Array> {
  const { recovery, profile, deviceKey, chain } = signingContext
  if (recovery?.claim.type !== 'IdentityRecovery')
    throw new SpaceError('NO_RECOVERY', 'the identity has no recovery key')
  const content = encodeContent({ recovery, profile, spaces: fitting(spaces) })
  const signed = Signed.encode({
    version: VERSION,
    content,
    device: deviceKey.toBytes(),
    chain: chain.map(({ encoded }) => encoded),
    signature: await keyring.sign(deviceKey, signedBytes(content)),
  })
  const { agreementKey } = recovery.claim
  const sealed = await sealToAgreementKey(agreementKey, signed, { info: purpose(recovery.claim.recoveryKey) })
  if (sealed.length > MAX_BACKUP_BYTES)
    throw new SpaceError('TOO_LARGE', `a backup of ${sealed.length} bytes`)
  return sealed
}

/**
 * Opens a backup by the keys of a recovery phrase, and checks that it is of the identity that named them, by one of
 * its devices. Nothing is written.
 *
 * @param file what `SpaceManager.exportBackup` gave
 * @throws KeysError `WRONG_RECIPIENT` for another phrase, `SEAL_BROKEN`, `UNSUPPORTED_VERSION`; SpaceError
 *   `TOO_LARGE`, `BAD_BACKUP`, `BAD_ADMISSION`, `MALFORMED`, `UNSUPPORTED_VERSION`
 */
export async function openBackup(
  file: Uint8Array,
  { keyring, keys }: RecoveryAuthority,
): Promise<IdentityBackup> {
  if (file.length > MAX_BACKUP_BYTES) throw new SpaceError('TOO_LARGE', `a backup of ${file.length} bytes`)
  const opened = await keyring.openSealed(keys.agreementKey, file, { info: purpose(keys.recoveryKey) })
  const { content, device, chain, signature } = parseVersioned(Signed, VERSION, opened, 'MALFORMED')
  const backup = await parseContent(content, keys)
  const writer = PublicKey.from(device)
  if (
    !speaksFor(await verifyAll(chain, 'BAD_BACKUP'), writer, backup.recovery.issuer) ||
    !(await verifySignature(writer, signedBytes(content), signature))
  )
    throw new SpaceError('BAD_BACKUP', 'the backup is by no device of the identity')
  return backup
}

/** The history of large spaces comes by replication. */
function fitting(spaces: readonly SpaceAdmission[]): SpaceAdmission[] {
  let room = MAX_HISTORY_BYTES
  return spaces.map((space) => {
    const kept = encodeAdmission(space).length <= room ? space : { ...space, controlFeeds: [] }
    room -= encodeAdmission(kept).length
    return kept
  })
}

const signedBytes = (content: Uint8Array): Uint8Array => pae('vestibule signed backup v1', content)
const purpose = (recoveryKey: PublicKey): Uint8Array =>
  pae('vestibule identity backup v1', recoveryKey.toBytes())
