import {
  type AuthenticatingInvitationProvider,
  type Invitation,
  InvitationError,
  parseInvitation,
} from '@vestibule/invitations'
import { PublicKey } from '@vestibule/keys'
import { rememberRelays } from '../config.ts'
import { type Context, within } from '../context.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { printable } from '../output.ts'
import { openPeer } from '../peer.ts'
import { describe } from './space.ts'

/** `vestibule space join [LINK]`: asks for the code when there is one. */
export async function joinSpace(context: Context, given: string | undefined): Promise<void> {
  const { place, output, prompt, signal } = context
  const text = given ?? (await prompt.ask('Link: ', { signal }))
  if (text === undefined) throw new CliError('NO_LINK', 'no link was given', EXIT.usage)
  const link = parseInvitation(text)
  await using peer = await openPeer(place, true)
  const provider = peer.invitations.acceptInvitation(link, { signal })
  await follow(context, provider)
  const { spaceKey = '', alreadyMember } = await provider.result()
  await rememberRelays(place.data, link.relays)
  const space = peer.spaceManager.get(PublicKey.from(spaceKey))
  if (space === undefined) throw new CliError('NO_SPACE', 'the space is gone', EXIT.unexpected)
  const name = printable(space.name)
  const said =
    alreadyMember === true ? `You are a member of ${name} already.` : `You are a member of ${name} now.`
  output.result('joined', { ...describe(space), alreadyMember: alreadyMember === true }, said)
  // The host hands over what was written before; what does not come now comes when both meet again.
  if (alreadyMember !== true)
    await space.synced({ signal: within(context, SETTLE_MS) }).catch(() => undefined)
}

const SETTLE_MS = 5_000

async function follow(context: Context, provider: AuthenticatingInvitationProvider): Promise<void> {
  const { output } = context
  let previewed = false
  for await (const invitation of provider) {
    const { state, waiting } = invitation
    const text = waiting === true ? 'Waiting for the host’s yes…' : STATUS[state]
    output.status('state', { state, ...(waiting === true && { waiting }) }, text)
    if (!previewed && invitation.spaceName !== undefined) {
      const { spaceName, inviterName = '', role = 'NONE' } = invitation
      const text = `${printable(inviterName)} invites you to ${printable(spaceName)} as ${role.toLowerCase()}.`
      output.result('preview', { spaceName, inviterName, role }, text)
      previewed = true
    }
    if (invitation.state === 'READY_FOR_AUTHENTICATION') void answer(context, provider, invitation)
  }
}

/** Asks the person for the code; an empty line, or the end of the input, gives up. */
export async function answer(
  { prompt, signal }: Context,
  provider: AuthenticatingInvitationProvider,
  { attemptsLeft }: Invitation,
): Promise<void> {
  const again = attemptsLeft === undefined ? '' : `That was not it (${attemptsLeft} left). `
  const code = await prompt.ask(`${again}Code: `, { signal })
  if (code === undefined || code.trim() === '') return provider.cancel()
  await provider.authenticate(code).catch((error: unknown) => {
    // Too late, or cancelled meanwhile: the end of the invitation says so.
    if (!(error instanceof InvitationError)) throw error
  })
}

/** What the guest does in each state, for a person. */
export const STATUS: Readonly<Record<Invitation['state'], string>> = {
  INIT: 'Reading the link…',
  CONNECTING: 'Looking for the host…',
  CONNECTED: 'Found the host…',
  READY_FOR_AUTHENTICATION: 'The host asks for the code.',
  AUTHENTICATING: 'Checking…',
  SUCCESS: 'Joined.',
  CANCELLED: 'Cancelled.',
  TIMEOUT: 'Nobody answered in time.',
  ERROR: 'Refused.',
  EXPIRED: 'Expired.',
}
