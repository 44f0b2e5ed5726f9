import type { PublicKey } from '@vestibule/keys'
import type { SpaceAdmission } from '../admission/admission.ts'

/** Whether an admission is to the own space of an identity; its genesis says so. */
export function isOwnSpace({ path: [genesis] }: SpaceAdmission, identity: PublicKey): boolean {
  return ownerOf(genesis?.claim) === identity
}

/** Whose own space a genesis makes; `undefined` for one that is shared. */
export const ownerOf = (claim: SpaceAdmission['path'][number]['claim'] | undefined): PublicKey | undefined =>
  claim?.type === 'SpaceGenesis' ? claim.identity : undefined
