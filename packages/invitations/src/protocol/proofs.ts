import { equalBytes, type PublicKey } from '@vestibule/keys'
import type { LinkGuest } from '../link/link-layout.ts'
import type { JoinRequest, ProvenRequest } from './messages.ts'
import { type ProvenKey, proofStatement } from './transcript.ts'

/** Who may answer an invitation with a known public key. */
export interface KnownGuest {
  /**
   * `KEY_HASH`: an identity, by any device that it has authorised. `SEED`: whoever holds the key pair that the link
   * carries, and so whoever has the link.
   */
  readonly type: LinkGuest['type']
  readonly key: PublicKey
}

/** A signature that the guest has to make. */
export interface ProofTask {
  readonly which: ProvenKey
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array
  /** The bytes to sign. */
  readonly statement: Uint8Array
}

/** A signature that the host has to verify. */
export interface ProofCheck extends ProofTask {
  readonly signature: Uint8Array
}

/**
 * The signatures that belong under a request: by its device and both feed keys, and by the identity's own key
 * where this device holds it. The X25519 agreement key can't sign; the device's signature covers it.
 *
 * @param fields what `request` says
 * @param request the exact bytes of the request
 * @param holdsIdentityKey false on a device that acts for its identity by its chain alone
 * @param known whom the invitation is for, if that is said
 */
export function proofTasks(
  fields: JoinRequest,
  request: Uint8Array,
  th2: Uint8Array,
  holdsIdentityKey: boolean,
  known?: KnownGuest,
): readonly ProofTask[] {
  const task = (which: ProvenKey, key: Uint8Array): ProofTask => ({
    which,
    key,
    statement: proofStatement(which, th2, request),
  })
  const tasks = [
    task('DEVICE', fields.device),
    task('CONTROL_FEED', fields.controlFeed),
    task('DATA_FEED', fields.dataFeed),
  ]
  if (holdsIdentityKey) tasks.push(task('IDENTITY', fields.identity))
  if (known !== undefined) tasks.push(task('KNOWN_KEY', knownKeyOf(known, fields, holdsIdentityKey)))
  return tasks
}

/**
 * What of a request has to be verified by signature, or `undefined` when it can't be admitted whatever the
 * signatures say: two of its keys are the same, or nothing connects its device to its identity.
 *
 * Every check has to hold. When the identity did not sign, `fields.chain` has to lead from the device to it;
 * verifying that (and any chain that is given) is the caller's.
 *
 * @param fields what `proven.request` says
 * @param known whom the invitation is for, if that is said; that an identity is the one is the caller's
 */
export function proofChecks(
  proven: ProvenRequest,
  fields: JoinRequest,
  th2: Uint8Array,
  known?: KnownGuest,
): readonly ProofCheck[] | undefined {
  const keys = [fields.identity, fields.device, fields.agreementKey, fields.controlFeed, fields.dataFeed]
  if (known?.type === 'SEED') keys.push(known.key.toBytes())
  if (!allDistinct(keys)) return undefined
  if (proven.identity === undefined && fields.chain.length === 0) return undefined
  const signatures: Readonly<Record<ProvenKey, Uint8Array | undefined>> = {
    DEVICE: proven.device,
    CONTROL_FEED: proven.controlFeed,
    DATA_FEED: proven.dataFeed,
    IDENTITY: proven.identity,
    KNOWN_KEY: proven.knownKey,
  }
  const checks: ProofCheck[] = []
  for (const task of proofTasks(fields, proven.request, th2, proven.identity !== undefined, known)) {
    const signature = signatures[task.which]
    if (signature === undefined) return undefined
    checks.push({ ...task, signature })
  }
  return checks
}

/** A device that does not hold the key of its identity signs for it. */
function knownKeyOf({ type, key }: KnownGuest, fields: JoinRequest, holdsIdentityKey: boolean): Uint8Array {
  if (type === 'SEED') return key.toBytes()
  return holdsIdentityKey ? fields.identity : fields.device
}

function allDistinct(keys: readonly Uint8Array[]): boolean {
  return keys.every((key, i) => keys.slice(i + 1).every((other) => !equalBytes(key, other)))
}
