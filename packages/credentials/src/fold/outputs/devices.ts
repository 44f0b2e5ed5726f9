import type { PublicKey } from '@vestibule/keys'
import type { Profile } from '../../claims/claims.ts'
import type { Credential } from '../../credential.ts'
import type { Verdicts } from '../verdicts.ts'

/** A device of an identity. */
export interface Device {
  readonly key: PublicKey
  /** By which act it was named, the first that counts: an `AuthorizedDevice`. */
  readonly authorized: Credential
  /** What it is called, by the latest word on it; empty unless it was given a name. */
  readonly label: string
  /** Whether it may no longer sign for its identity. */
  readonly revoked: boolean
}

/** Whether a device was revoked, or fell with all that named it. Of one that no act names nothing is known. */
export function isRevoked(verdicts: Verdicts, identity: PublicKey, device: PublicKey): boolean {
  const { devices } = verdicts.acts
  const level = devices.level(identity, device)
  if (level === undefined || !devices.isRevoking(identity)) return false
  if (devices.revocations(identity, device).some((at) => verdicts.revokes(at))) return true
  return level >= 1 && !devices.namingsAbove(identity, device).some((at) => verdicts.fits(at))
}

/** All devices that an identity has named, revoked ones too, in the order. */
export function devicesOf(verdicts: Verdicts, identity: PublicKey): Device[] {
  const { acts } = verdicts
  const named = new Map<PublicKey, Credential>()
  const labels = new Map<PublicKey, string>()
  for (const index of acts.by(identity).sort((a, b) => acts.causality.order(a, b))) {
    const { claim } = acts.act(index)
    if (claim.type === 'DeviceProfile' && verdicts.counts(index)) labels.set(claim.device, claim.label)
    if (claim.type === 'AuthorizedDevice' && !named.has(claim.device) && verdicts.counts(index))
      named.set(claim.device, acts.credential(index))
  }
  return [...named].map(([key, authorized]) => ({
    key,
    authorized,
    label: labels.get(key) ?? '',
    revoked: isRevoked(verdicts, identity, key),
  }))
}

/** The acts by which an identity revoked keys of its own, by keys above them, in the order. */
export function revocationsOf(verdicts: Verdicts, identity: PublicKey): Credential[] {
  const { acts } = verdicts
  return [...acts.devices.revocations(identity)]
    .filter((index) => verdicts.revokes(index))
    .sort((a, b) => acts.causality.order(a, b))
    .map((index) => acts.credential(index))
}

/** The latest word of an identity on how it wants to be shown. */
export function profileOf(verdicts: Verdicts, identity: PublicKey): Profile | undefined {
  const { acts } = verdicts
  let profile: Profile | undefined
  for (const index of acts.by(identity).sort((a, b) => acts.causality.order(a, b))) {
    const { claim } = acts.act(index)
    if (claim.type === 'IdentityProfile' && verdicts.counts(index)) profile = claim.profile
  }
  return profile
}

/** The recovery keys of the members, as they were named; those that were revoked are left out. */
export function recoveriesOf(verdicts: Verdicts): Credential[] {
  const { acts } = verdicts
  const named = [...(acts.byType.get('IdentityRecovery') ?? [])].sort((a, b) => acts.causality.order(a, b))
  return named.flatMap((index) => {
    const credential = acts.credential(index)
    const { claim, issuer } = credential
    const holds =
      claim.type === 'IdentityRecovery' &&
      verdicts.counts(index) &&
      !isRevoked(verdicts, issuer, claim.recoveryKey) &&
      acts.grantsOf(issuer).some((grant) => verdicts.stands(grant))
    return holds ? [credential] : []
  })
}
