import {
  type Credential,
  CredentialsError,
  type Membership,
  type SpaceMember,
  verifyCredential,
} from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { mayServe } from '../delegation/delegation.ts'
import { type Departure, departureBy, type Roster } from '../roster.ts'
import type { Own } from './own-control-feed.ts'

/**
 * What somebody who refuses this device shows for it: that its member was removed, or left by another device, or that
 * somebody else came by the same invitation for one. The
 * credentials around it do not come here any more, so it is judged by what is known: by somebody who may, as things are
 * here. Once it is part of the membership that alone decides, and it may turn out to be void.
 *
 * @returns the credential, when it says so and is news here
 */
export async function readNotice(
  { store, signingContext }: Pick<Own, 'store' | 'signingContext'>,
  encoded: Uint8Array,
): Promise<Credential | undefined> {
  const { membership } = store.roster
  const self = signingContext.identityKey
  try {
    const notice = await verifyCredential(encoded)
    const { claim, issuer, id } = notice
    if (!('space' in claim) || claim.space !== membership.space || membership.has(id)) return undefined
    if (claim.type === 'LeftSpace') return issuer === self ? notice : undefined
    if (claim.type === 'SpaceMember')
      return isInPlaceOf(claim, { membership, self, issuer }) ? notice : undefined
    if (claim.type !== 'RemovedMember' || claim.member !== self) return undefined
    return membership.mayRemove(issuer, self) ? notice : undefined
  } catch (error) {
    if (error instanceof CredentialsError) return undefined
    throw error
  }
}

function isInPlaceOf(
  { delegation, member }: SpaceMember,
  { membership, self, issuer }: { membership: Membership; self: PublicKey; issuer: PublicKey },
): boolean {
  const own = membership.members().get(self)
  const grant = own && membership.get(own.since)?.claim
  if (delegation === undefined || grant?.type !== 'SpaceMember' || grant.delegation !== delegation)
    return false
  const invitation = membership.invitation(delegation)?.claim
  return invitation?.multiUse === false && member !== self && mayServe(membership, issuer, invitation.role)
}

/** What ended the own membership: by the membership itself, or by a notice that is not part of it yet. */
export function removalOf(
  roster: Roster,
  self: PublicKey,
  notice: Credential | undefined,
): Departure | undefined {
  const departure = roster.departureOf(self)
  if (departure !== undefined || notice === undefined || roster.membership.has(notice.id)) return departure
  return departureBy(self, notice)
}
