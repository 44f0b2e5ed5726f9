import type { Member, Space } from '@vestibule/space'
import type { Context } from '../context.ts'
import { delivered, type Waiting } from '../delivery.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { findMember, findSpace } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer } from '../peer.ts'

/** `vestibule member remove SPACE [MEMBER]`, or everybody who came in by a link. */
export function removeMember(
  context: Context,
  wanted: string,
  who: string | undefined,
  options: Waiting & { readonly invitation?: string },
): Promise<void> {
  return act(context, wanted, options, 'removed', async (space) => {
    if ((who === undefined) === (options.invitation === undefined))
      throw new CliError('WHO', 'name a member, or a link with --invitation', EXIT.usage)
    if (options.invitation !== undefined) {
      const before = space.members()
      const gone = new Set(await space.removeInvited(parseInvitationId(options.invitation)))
      return told(
        before.filter(({ identityKey }) => gone.has(identityKey)),
        'removed',
      )
    }
    const member = findMember(space, who ?? '')
    await space.removeMember(member.identityKey)
    return told([member], 'removed')
  })
}

/** `vestibule member role SPACE MEMBER ROLE` */
export function changeRole(
  context: Context,
  wanted: string,
  who: string,
  role: Role,
  options: Waiting,
): Promise<void> {
  return act(context, wanted, options, 'role', async (space) => {
    const member = findMember(space, who)
    await space.changeRole(member.identityKey, role)
    return { ...told([member], `${role.toLowerCase()} now`), role }
  })
}

/** `vestibule space hand-over SPACE MEMBER` */
export function handOver(context: Context, wanted: string, who: string, options: Waiting): Promise<void> {
  return act(context, wanted, options, 'handed-over', async (space) => {
    const member = findMember(space, who)
    await space.handOver(member.identityKey)
    return told([member], 'owner now, and you are admin')
  })
}

/** `vestibule space leave SPACE` */
export function leaveSpace(context: Context, wanted: string, options: Waiting): Promise<void> {
  return act(context, wanted, options, 'left', async (space) => {
    await space.leave()
    return { members: [], said: `You have left ${printable(space.name)}.` }
  })
}

type Role = Member['role']

interface Told {
  readonly members: readonly string[]
  readonly said: string
  readonly role?: Role
}

const told = (members: readonly Member[], what: string): Told => ({
  members: members.map(({ identityKey }) => identityKey.toDid()),
  said:
    members.length === 0
      ? 'Nobody came in by it who is still here.'
      : members.map(({ profile }) => `${printable(profile.displayName)}: ${what}.`).join('\n'),
})

/** Does something that is stored when it is done, and then looks for another member who hears of it. */
async function act(
  context: Context,
  wanted: string,
  waiting: Waiting,
  event: string,
  task: (space: Space) => Promise<Told>,
): Promise<void> {
  const { place, output } = context
  await using peer = await openPeer(place, true)
  const space = findSpace(peer, wanted)
  const { said, ...data } = await task(space)
  output.status('stored', {}, 'Stored; looking for another member…')
  const isDelivered = await delivered(context, [space], waiting)
  const later = isDelivered ? '' : '\nOther members hear of it when one of them is online with you.'
  output.result(event, { space: space.key.toHex(), ...data, delivered: isDelivered }, said + later)
}

function parseInvitationId(text: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/i.test(text))
    throw new CliError('WHO', 'the id of a link is 32 hex digits; `members --json` shows it', EXIT.usage)
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}
