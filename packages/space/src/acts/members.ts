import type { Claim, Credential, Role } from '@vestibule/credentials'
import { MAX_NAME_BYTES } from '@vestibule/credentials'
import { equalBytes, type PublicKey } from '@vestibule/keys'
import { SpaceError } from '../error.ts'
import { dataHeadsOf } from './heads.ts'
import { type Actor, perform } from './perform.ts'

/** Removes members, all in one transaction or none. @throws SpaceError `NOT_A_MEMBER`, `NOT_ALLOWED` */
export function removeMembers(actor: Actor, identities: readonly PublicKey[]): Promise<Credential[]> {
  const { store, signingContext } = actor
  const { membership } = store.roster
  const self = signingContext.identityKey
  const claims = identities.map((member): Claim => {
    assertMember(actor, member)
    if (member === self) throw new SpaceError('NOT_ALLOWED', 'nobody removes itself; a member leaves')
    if (!membership.mayRemove(self, member))
      throw new SpaceError('NOT_ALLOWED', `the own role does not allow to remove ${member.toDid()}`)
    return { type: 'RemovedMember', space: membership.space, member, heads: dataHeadsOf(store, member) }
  })
  return perform(actor, claims)
}

/** The members that came in by an invitation, by its 16 bytes. */
export function invitedBy({ store }: Actor, invitationId: Uint8Array): PublicKey[] {
  if (invitationId.length !== 16) throw new TypeError('the id of an invitation has 16 bytes')
  return store.roster
    .members()
    .flatMap(({ identityKey, invitationId: by }) =>
      by !== undefined && equalBytes(by, invitationId) ? identityKey : [],
    )
}

/**
 * Gives a member another role, the own identity a lower one. One that it has already changes nothing.
 * @throws SpaceError `NOT_A_MEMBER`, `NOT_ALLOWED`
 */
export async function changeRole(actor: Actor, member: PublicKey, role: Role): Promise<void> {
  assertMember(actor, member)
  const { membership } = actor.store.roster
  if (
    membership.members().get(member)?.role === role &&
    membership.members().get(member)?.acting === undefined
  )
    return
  if (!membership.mayChange(actor.signingContext.identityKey, member, role))
    throw new SpaceError('NOT_ALLOWED', `the own role does not allow to make this member ${role}`)
  await perform(actor, [changed(actor, member, role)])
}

/**
 * Makes another member owner, and the own identity admin, at once: nobody ever sees two owners in place of one, or none.
 * @throws SpaceError `NOT_A_MEMBER`, `NOT_ALLOWED`
 */
export async function handOver(actor: Actor, member: PublicKey): Promise<void> {
  const { membership } = actor.store.roster
  const self = actor.signingContext.identityKey
  assertMember(actor, member)
  const isOwner = membership.members().get(member)?.role === 'OWNER'
  if (member === self || !membership.may(self, 'OWNER') || !membership.mayChange(self, self, 'ADMIN'))
    throw new SpaceError('NOT_ALLOWED', 'an owner hands over, to somebody else')
  const raised = isOwner ? [] : [changed(actor, member, 'OWNER')]
  await perform(actor, [...raised, changed(actor, self, 'ADMIN')])
}

/** Ends the own membership. @throws SpaceError `NOT_A_MEMBER` */
export async function leave(actor: Actor): Promise<void> {
  const { store, signingContext } = actor
  assertMember(actor, signingContext.identityKey)
  const heads = dataHeadsOf(store, signingContext.identityKey)
  await perform(actor, [{ type: 'LeftSpace', space: store.record.spaceKey, heads }])
}

/** Says how the own identity is shown in this space. @throws SpaceError `NOT_A_MEMBER` */
export async function setProfile(actor: Actor, displayName: string): Promise<void> {
  const { store, signingContext } = actor
  if (new TextEncoder().encode(displayName).length > MAX_NAME_BYTES)
    throw new TypeError(`a display name has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
  const member = signingContext.identityKey
  assertMember(actor, member)
  const space = store.record.spaceKey
  await perform(actor, [{ type: 'MemberProfile', space, member, profile: { displayName } }])
}

function changed({ store }: Actor, member: PublicKey, role: Role): Claim {
  const space = store.record.spaceKey
  return { type: 'ChangedRole', space, member, role, heads: dataHeadsOf(store, member) }
}

function assertMember({ store }: Actor, identity: PublicKey): void {
  if (store.roster.roleOf(identity) === undefined)
    throw new SpaceError('NOT_A_MEMBER', `${identity.toDid()} is not a member`)
}
