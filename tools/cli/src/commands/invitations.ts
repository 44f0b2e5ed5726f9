import type { Delegation, Space } from '@vestibule/space'
import type { Context } from '../context.ts'
import { delivered, type Waiting } from '../delivery.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { findSpace } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer } from '../peer.ts'

/** `vestibule space invitations SPACE`: those that any member serves who may. */
export async function listInvitations({ place, output }: Context, wanted: string): Promise<void> {
  await using peer = await openPeer(place, false)
  const space = findSpace(peer, wanted)
  const all = space.delegations()
  for (const delegation of all) {
    const { role, expiresAtMs, redeemedBy } = delegation
    const id = idOf(delegation)
    const state = stateOf(delegation)
    const author = authorOf(space, delegation)
    const until = new Date(expiresAtMs)
    const text = `${id}  ${role.toLowerCase()}  by ${printable(author)}  ${state.toLowerCase()}, until ${until.toLocaleString()}`
    const shown = { id, role, author, state, expires: until.toISOString(), admitted: redeemedBy.length }
    output.result('delegation', shown, text)
  }
  if (all.length === 0)
    output.status('none', {}, 'None: `vestibule space share SPACE --delegated` makes one.')
}

/** `vestibule space invitations SPACE --cancel ID`: whoever may serve it may. */
export async function cancelInvitation(
  context: Context,
  wanted: string,
  beginning: string,
  waiting: Waiting,
): Promise<void> {
  const { place, output } = context
  await using peer = await openPeer(place, true)
  const space = findSpace(peer, wanted)
  const found = space.delegations().filter((one) => idOf(one).startsWith(beginning.toLowerCase()))
  const [delegation] = found
  if (delegation === undefined || found.length > 1) {
    const what = found.length > 1 ? 'more than one invitation begins' : 'no delegated invitation begins'
    throw new CliError('NO_INVITATION', `${what} with ${printable(beginning)}`, EXIT.usage)
  }
  await space.cancelDelegation(delegation.id)
  const isDelivered = await delivered(context, [space], waiting)
  const text = isDelivered
    ? 'Cancelled, and another member knows.'
    : 'Cancelled here. Others serve it until they hear of it, when one of them is online with you.'
  output.result('cancelled', { id: idOf(delegation), delivered: isDelivered }, text)
}

const idOf = ({ invitationId }: Delegation): string => Buffer.from(invitationId).toString('hex')

const stateOf = ({ ended, expiresAtMs }: Delegation): string =>
  ended ?? (expiresAtMs <= Date.now() ? 'EXPIRED' : 'OPEN')

const authorOf = (space: Space, { author }: Delegation): string =>
  space.members().find(({ identityKey }) => identityKey === author)?.profile.displayName ?? author.toDid()
