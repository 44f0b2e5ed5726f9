import type { Role } from '@vestibule/credentials'
import type { Redacted } from '@vestibule/keys'
import { type Actor, perform, publish } from '../acts/perform.ts'
import { SpaceError } from '../error.ts'
import { devicesToSealTo } from '../read-keys/epoch-claim.ts'
import type { StorageWrite } from '../storage/storage.ts'
import { mayServe } from './delegation.ts'
import { sealSecrets } from './sealed-secrets.ts'

/** What a delegated invitation says. */
export interface DelegateOptions {
  /** 16 bytes: the id in the link. */
  readonly invitationId: Uint8Array
  /** Below the own one. */
  readonly role: Role
  readonly history?: 'all' | 'none'
  readonly multiUse?: boolean
  /** How many guests a multi-use invitation admits; any number unless given. */
  readonly uses?: number
  /** Wrong codes after which it is over; 0 for one without a code. */
  readonly maxAttempts: number
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
  /** What serving it needs, at most 1,792 bytes. Sealed to the devices of those who may serve it, and nowhere else. */
  readonly secrets: Redacted<Uint8Array>
  /** Written in the same transaction. @param id of the credential */
  readonly alsoWrite?: (id: string) => readonly StorageWrite[]
}

/**
 * States a delegated invitation in the own control feed, in one transaction with `alsoWrite`. Inside the store's serial.
 * @returns the id of the credential
 * @throws SpaceError `NOT_ALLOWED`, `TOO_LARGE`; key and storage errors
 */
export async function delegate(actor: Actor, options: DelegateOptions): Promise<string> {
  const { store, signingContext } = actor
  const { invitationId, role, history = 'all', multiUse = false, uses, maxAttempts, expiresAtMs } = options
  const { membership } = store.roster
  assertMayServe(actor, role)
  if (role === 'OWNER') throw new SpaceError('NOT_ALLOWED', 'nobody becomes an owner by an invitation')
  const space = store.record.spaceKey
  const devices = devicesToSealTo(membership, signingContext.identityKey, (one) =>
    mayServe(membership, one, role),
  )
  const keys = devices.map(({ agreementKey }) => agreementKey)
  const credential = await signingContext.issue(
    {
      type: 'DelegatedInvitation',
      ...{ space, invitationId, role, multiUse, maxAttempts },
      sealedSecrets: await sealSecrets(options.secrets, keys, { space, invitationId }),
      ...(history === 'none' && { history }),
      ...(uses !== undefined && { uses }),
    },
    { parents: store.parentsOfNext(), expiresAtMs },
  )
  await publish(actor, [credential], options.alsoWrite?.(credential.id))
  return credential.id
}

/** Calls a delegated invitation off, unless it is over. Inside the store's serial. @throws SpaceError `NOT_ALLOWED` */
export async function cancelDelegation(
  actor: Actor,
  delegation: string,
  alsoWrite: readonly StorageWrite[],
): Promise<void> {
  const { store } = actor
  const standing = store.roster.membership.invitation(delegation)
  if (standing === undefined) throw new SpaceError('NOT_ALLOWED', 'no such invitation is here')
  if (standing.ended === 'CANCELLED' || standing.ended === 'REDEEMED') return store.write(alsoWrite)
  assertMayServe(actor, standing.claim.role)
  const space = store.record.spaceKey
  await perform(actor, [{ type: 'CancelledInvitation', space, delegation }], alsoWrite)
}

/**
 * Says how many attempts at a delegated invitation failed on this device in all, where that is more than was said
 * before. Inside the store's serial.
 */
export async function countAttempts(
  actor: Actor,
  { delegation, failed }: { readonly delegation: string; readonly failed: number },
): Promise<void> {
  const { store, signingContext } = actor
  const { membership } = store.roster
  const standing = membership.invitation(delegation)
  if (standing === undefined || failed <= (standing.failedAt.get(signingContext.deviceKey) ?? 0)) return
  // Where it is over for this member nobody counts on it.
  if (!mayServe(membership, signingContext.identityKey, standing.claim.role)) return
  const space = store.record.spaceKey
  await perform(actor, [{ type: 'InvitationAttempts', space, delegation, failed }])
}

function assertMayServe({ store, signingContext }: Actor, role: Role): void {
  if (!mayServe(store.roster.membership, signingContext.identityKey, role))
    throw new SpaceError('NOT_ALLOWED', `the own role does not allow to delegate at ${role}`)
}
