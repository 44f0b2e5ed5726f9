import {
  type CancellableInvitationObservable,
  CODE_WORDS,
  type Invitation,
  type InvitationsOptions,
} from '@vestibule/invitations'
import type { PublicKey } from '@vestibule/keys'
import type { Space } from '@vestibule/space'
import { renderUnicodeCompact } from 'uqr'
import { type Context, within } from '../context.ts'
import { delivered } from '../delivery.ts'
import { findSpace } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer, type Peer } from '../peer.ts'
import { confirmEach } from './confirm.ts'
import { describe } from './space.ts'

/** How long the host stays after the admission, so that the guest gets what was written before. */
const SETTLE_MS = 10_000

export interface ShareOptions {
  readonly role: NonNullable<InvitationsOptions['role']>
  readonly history: boolean
  /** Whom it is for, who then needs no code. */
  readonly guest?: PublicKey
  /** Whether any member serves it who may, while this one is away. */
  readonly delegated: boolean
  readonly code: boolean
  readonly words: boolean
  readonly multiUse: boolean
  readonly uses?: number
  readonly open: boolean
  readonly approve: boolean
  readonly qr: boolean
  readonly site?: string
  readonly expiresMinutes: number
}

/** `vestibule space share SPACE`: prints link, QR code and code, and waits for the guest. */
export async function shareSpace(context: Context, wanted: string, options: ShareOptions): Promise<void> {
  const { place, output, signal } = context
  await using peer = await openPeer(place, true)
  const space = findSpace(peer, wanted)
  const code = options.words ? { codeAlphabet: CODE_WORDS } : {}
  let observable = peer.invitations.createInvitation(space, {
    type: options.delegated ? 'DELEGATED' : 'INTERACTIVE',
    role: options.role,
    history: options.history ? 'all' : 'none',
    ...(options.guest === undefined
      ? { authMethod: options.code ? 'SHARED_SECRET' : 'NONE' }
      : { guestKey: options.guest }),
    multiUse: options.multiUse,
    ...(options.uses !== undefined && { uses: options.uses }),
    ...code,
    open: options.open,
    approve: options.approve,
    lifetime: options.expiresMinutes * 60,
    // Nobody would be told what becomes of it, nor asked; one that others serve goes on with them.
    persistent: options.delegated,
  })
  // Awaited here: the peer is closed when this returns.
  if (options.delegated) return await leaveToOthers(context, space, observable, options)
  if (options.approve) confirmEach(context, observable, (name) => `Let ${name} in?`)
  const leave = () => void observable.cancel().catch(() => undefined)
  signal.addEventListener('abort', leave, { once: true })
  try {
    while (!(await follow(context, peer, space, observable, options)))
      observable = peer.invitations.rearm(observable.invitation, code)
  } finally {
    signal.removeEventListener('abort', leave)
    output.done()
  }
}

/** Shows it, and waits until another member has it. */
async function leaveToOthers(
  context: Context,
  space: Space,
  observable: CancellableInvitationObservable,
  options: ShareOptions,
): Promise<void> {
  const { output } = context
  for await (const invitation of observable) {
    if (invitation.link === undefined) continue
    show(context, invitation, options)
    const isDelivered = await delivered(context, [space], { waitSeconds: SETTLE_MS / 1000 })
    const text = isDelivered
      ? 'Another member has it: whoever may invite serves it while online. `space invitations` cancels it.'
      : 'Stored here. Nobody else has it yet: `log --follow` serves it, and hands it over.'
    output.result('delegated', { id: invitation.invitationId, delivered: isDelivered }, text)
    return
  }
  await observable.result()
}

/** @returns whether it has ended; otherwise it is locked, and wants a new code */
async function follow(
  context: Context,
  peer: Peer,
  space: Space,
  observable: CancellableInvitationObservable,
  options: ShareOptions,
): Promise<boolean> {
  const { output } = context
  let shown = false
  for await (const invitation of observable) {
    if (!shown && invitation.link !== undefined) {
      show(context, invitation, options)
      shown = true
    }
    output.status('state', { state: invitation.state }, STATUS[invitation.state])
    if (invitation.state === 'SUCCESS') {
      const newest = space.members().at(-1)
      const name = printable(newest?.profile.displayName ?? 'Somebody')
      output.result('admitted', describe(space), `${name} is a member of ${printable(space.name)} now.`)
    }
  }
  if (observable.error?.code === 'LOCKED' && (await isNewCodeWanted(context))) return false
  await observable.result()
  // The guest is a member already; this only spares it the wait for the next time that both are online.
  output.status('settling', {}, 'Handing over what was written so far…')
  await space.delivered({ signal: within(context, SETTLE_MS) }).catch(() => undefined)
  await peer.invitations.close()
  return true
}

async function isNewCodeWanted({ prompt, output, signal }: Context): Promise<boolean> {
  output.done()
  const answer = await prompt.ask('Locked by wrong codes. Open it again with a new code? (y/n) ', { signal })
  return answer !== undefined && /^\s*y/i.test(answer)
}

/** Link, QR code and code, as a person shares them. */
export function show(
  { output }: Context,
  invitation: Invitation,
  { qr, site }: Pick<ShareOptions, 'qr' | 'site'>,
): void {
  const { link = '', authCode, expires, guestKey, type } = invitation
  const shared = site === undefined ? link : `${site}#${link}`
  const lines = [
    ...(qr ? [renderUnicodeCompact(shared)] : []),
    shared,
    '',
    ...(authCode === undefined
      ? [guestKey === undefined ? NO_CODE : `There is no code: only ${guestKey} can join.`]
      : [`Code: ${spaced(authCode)}   (tell it over another channel)`]),
    `Open until ${expires.toLocaleString()}${type === 'DELEGATED' ? '.' : '; stop with Ctrl-C, which cancels it.'}`,
  ]
  const code = authCode === undefined ? {} : { code: authCode }
  output.result('invitation', { link: shared, ...code, expires: expires.toISOString() }, lines.join('\n'))
}

const NO_CODE = 'There is no code: whoever has the link can join.'

/** `493 027`; words stay as they are. */
const spaced = (code: string): string => code.replace(/(\d{3})(?=\d)/g, '$1 ')

/** What the host does in each state, for a person. */
export const STATUS: Readonly<Record<Invitation['state'], string>> = {
  INIT: 'Making the invitation…',
  CONNECTING: 'Waiting for the guest…',
  CONNECTED: 'A guest has opened the link…',
  READY_FOR_AUTHENTICATION: 'A guest is asked for the code…',
  AUTHENTICATING: 'Checking the code…',
  SUCCESS: 'Admitted.',
  CANCELLED: 'Cancelled.',
  TIMEOUT: 'Timed out.',
  ERROR: 'Ended.',
  EXPIRED: 'Expired.',
}
