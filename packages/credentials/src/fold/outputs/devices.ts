import type { PublicKey } from '@vestibule/keys'
import type { Credential } from '../../credential.ts'
import type { Verdicts } from '../verdicts.ts'

/** Whether a device was revoked, or fell with all that named it. Of one that no act names nothing is known. */
export function isRevoked(verdicts: Verdicts, identity: PublicKey, device: PublicKey): boolean {
  const { devices } = verdicts.acts
  const level = devices.level(identity, device)
  if (level === undefined || !devices.isRevoking(identity)) return false
  if (devices.revocations(identity, device).some((at) => verdicts.revokes(at))) return true
  return level >= 1 && !devices.namingsAbove(identity, device).some((at) => verdicts.fits(at))
}

/** By which acts an identity named its devices, the first for each; those that were revoked are left out. */
export function devicesOf(verdicts: Verdicts, identity: PublicKey): Credential[] {
  const { acts } = verdicts
  const named = new Map<PublicKey, Credential>()
  for (const index of acts.by(identity).sort((a, b) => acts.causality.order(a, b))) {
    const credential = acts.credential(index)
    const { claim } = credential
    if (claim.type !== 'AuthorizedDevice' || named.has(claim.device)) continue
    if (verdicts.counts(index) && !isRevoked(verdicts, identity, claim.device))
      named.set(claim.device, credential)
  }
  return [...named.values()]
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
