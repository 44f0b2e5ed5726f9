import { hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes, type Redacted } from '@vestibule/keys'
import { type Delegation, MAX_SERVING_SECRETS_BYTES, type Space, SpaceError } from '@vestibule/space'
import { InvitationError } from '../errors.ts'
import type { DelegatedTarget } from '../kind/delegated-host.ts'
import { commitment, deriveLinkKeys } from '../link/link-keys.ts'
import { hostConfig, newHostRecord } from '../machine/host-state.ts'
import type { SpaceTarget, StoredInvitation } from '../records.ts'
import { encodeServingSecrets, type ServingSecrets } from './serving-secrets.ts'

/** Wrong codes over all who serve an invitation, as of one that is served by one. */
const ATTEMPTS = 3

/**
 * States an invitation in the space, so that others serve it too.
 * @param target what it leads to
 * @param store what is written in the same transaction, once its credential is known
 * @returns the target with that credential
 * @throws InvitationError `NOT_ALLOWED`, `TOO_LARGE`; SpaceError; storage and key errors
 */
export async function delegateInvitation(
  space: Space,
  { role, history }: SpaceTarget,
  { stored, hostSecret }: { readonly stored: StoredInvitation; readonly hostSecret: Redacted<Uint8Array> },
  store: Parameters<Space['delegate']>[0]['alsoWrite'],
): Promise<string> {
  const { link, code, guestKey, timeoutMs, approve, uses } = stored
  const known = { ...(code && { code }), ...(guestKey && { guestKey }) }
  const secrets = encodeServingSecrets({ link, hostSecret, ...known, timeoutMs, approve })
  if (secrets.unwrap().length > MAX_SERVING_SECRETS_BYTES) throw new InvitationError('TOO_LARGE')
  try {
    return await space.delegate({
      invitationId: deriveLinkKeys(link.secret).invitationId,
      ...{ role, history, secrets, multiUse: link.multiUse },
      ...(uses !== undefined && { uses }),
      maxAttempts: code === undefined ? 0 : ATTEMPTS,
      expiresAtMs: link.expiresAtMs,
      ...(store && { alsoWrite: store }),
    })
  } catch (error) {
    if (error instanceof SpaceError && (error.code === 'NOT_ALLOWED' || error.code === 'NOT_A_MEMBER'))
      throw new InvitationError('NOT_ALLOWED', { cause: error })
    throw error
  }
}

/** Where an invitation leads that stands in the space: its role and all else are what its credential says. */
export const targetOf = (space: Space, { id, role, history }: Delegation): DelegatedTarget => ({
  ...{ spaceKey: space.key, role, history },
  madeAfter: [id],
  delegation: id,
})

/**
 * An invitation of another member as this device keeps it from now on.
 * @returns `undefined` when its link is not one of this invitation
 */
export function storedOf(
  space: Space,
  delegation: Delegation,
  { link, code, guestKey, timeoutMs, approve }: ServingSecrets,
): StoredInvitation | undefined {
  const keys = deriveLinkKeys(link.secret)
  const { invitationId, multiUse, uses, expiresAtMs, createdAtMs } = delegation
  const isIts =
    link.kind === 'SPACE' &&
    link.type === 'DELEGATED' &&
    link.multiUse === multiUse &&
    (link.authMethod === 'SHARED_SECRET') === (code !== undefined) &&
    (link.guest === undefined) === (guestKey === undefined) &&
    link.expiresAtMs === Math.floor(expiresAtMs / 1000) * 1000 &&
    equalBytes(keys.invitationId, invitationId) &&
    equalBytes(link.commitment, commitment(keys, 'SPACE', hexToBytes(space.genesisId)))
  if (!isIts) return undefined
  return {
    ...{ link, createdAtMs, timeoutMs, approve },
    ...(code && { code }),
    ...(guestKey && { guestKey }),
    persistent: true,
    ...(uses !== undefined && { uses }),
    target: targetOf(space, delegation),
    progress: newHostRecord(hostConfig({ multiUse, hasCode: code !== undefined, approve })),
  }
}
