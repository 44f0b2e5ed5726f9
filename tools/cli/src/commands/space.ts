import type { Member, Space } from '@vestibule/space'
import type { Context } from '../context.ts'
import { findSpace } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer } from '../peer.ts'

/** `vestibule space create NAME` */
export async function createSpace({ place, output }: Context, name: string): Promise<void> {
  await using peer = await openPeer(place, false)
  const space = await peer.spaceManager.createSpace({ name })
  output.result('space', describe(space), `${space.name}  ${space.key.toHex()}`)
}

/** `vestibule space list` */
export async function listSpaces({ place, output }: Context): Promise<void> {
  await using peer = await openPeer(place, false)
  const spaces = peer.spaceManager.list()
  for (const space of spaces) {
    const members = space.members().length
    const text = `${printable(space.name)}  ${members} ${members === 1 ? 'member' : 'members'}  ${space.key.toHex()}`
    output.result('space', describe(space), text)
  }
  if (spaces.length === 0) output.status('none', {}, 'No spaces yet: `vestibule space create NAME`')
}

/** `vestibule members SPACE` */
export async function listMembers({ place, output }: Context, wanted: string): Promise<void> {
  await using peer = await openPeer(place, false)
  const own = peer.signingContext.identityKey
  const space = findSpace(peer, wanted)
  if (space.removal !== undefined) output.status('removed', {}, 'You are no longer a member; these were:')
  for (const member of space.members()) {
    const you = member.identityKey === own ? '  (you)' : ''
    const { displayName } = member.profile
    const text = `${printable(displayName)}  ${member.role.toLowerCase()}  ${member.identityKey}${you}`
    output.result('member', describeMember(member), text)
  }
}

export function describe(space: Space): Record<string, unknown> {
  return { space: space.key.toHex(), name: space.name, members: space.members().map(describeMember) }
}

export function describeMember({
  identityKey,
  role,
  profile,
  invitationId,
}: Member): Record<string, unknown> {
  const invitation = invitationId && bytesToHex(invitationId)
  return {
    identity: identityKey.toDid(),
    name: profile.displayName,
    role,
    ...(invitation !== undefined && { invitation }),
  }
}

const bytesToHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
