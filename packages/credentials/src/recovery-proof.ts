import { pae, type SignatureBackend, type Signer, verifySignature } from '@vestibule/keys'
import type { IdentityRecovery } from './claims/claims.ts'

/** What a recovery key agrees to: whom it speaks for, and what is sealed to its phrase. */
export type RecoveryBinding = Pick<IdentityRecovery, 'identity' | 'recoveryKey' | 'agreementKey'>

function recoveryStatement({ identity, recoveryKey, agreementKey }: RecoveryBinding): Uint8Array {
  return pae('vestibule recovery key v1', identity.toBytes(), recoveryKey.toBytes(), agreementKey)
}

/**
 * Makes the `proof` of an {@link IdentityRecovery}. A recovery key is no secret among the members of a space: without
 * its own word anybody could make an identity that names it, and hand that to whoever has only the phrase.
 *
 * @param options `signer`: holds the recovery key
 * @returns 64 bytes, an Ed25519 signature by `recoveryKey`; the caller's
 * @throws whatever `signer` throws, `KEY_NOT_FOUND` for instance
 * @see docs/credentials.md, "The format"
 * @example
 * const keys = await paper.importRecoveryKeys(phrase)
 * const proof = await proveRecovery({ signer: paper, identity, ...keys })
 * const claim = { type: 'IdentityRecovery', identity, ...keys, proof } as const
 */
export function proveRecovery(options: RecoveryBinding & { readonly signer: Signer }): Promise<Uint8Array> {
  return options.signer.sign(options.recoveryKey, recoveryStatement(options))
}

/** Whether a recovery key has agreed to speak for this identity. `verifyCredential` asks. */
export function verifyRecoveryProof(
  binding: RecoveryBinding & { readonly proof: Uint8Array },
  backend?: SignatureBackend,
): Promise<boolean> {
  return verifySignature(binding.recoveryKey, recoveryStatement(binding), binding.proof, backend)
}
