import { hostname } from 'node:os'
import { CODE_WORDS, DeviceInvitationsHandler, parseInvitation } from '@vestibule/invitations'
import type { PublicKey } from '@vestibule/keys'
import { NetworkManager } from '@vestibule/network'
import type { Space } from '@vestibule/space'
import { readConfig, rememberRelays } from '../config.ts'
import { type Context, within } from '../context.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { printable } from '../output.ts'
import { openPeer, openStores } from '../peer.ts'
import { confirmEach } from './confirm.ts'
import { answer, STATUS as GUEST_STATUS } from './join.ts'
import { STATUS as HOST_STATUS, show } from './share.ts'
import { describe } from './space.ts'

/** How long the two stay together at most, so that the new device gets what was written before. */
const SETTLE_MS = 10_000

export interface InviteDeviceOptions {
  readonly words: boolean
  readonly qr: boolean
  readonly site?: string
}

/** `vestibule device invite`: prints link, QR code and code, and asks before the new device is added. */
export async function inviteDevice(context: Context, options: InviteDeviceOptions): Promise<void> {
  const { place, output, signal } = context
  await using peer = await openPeer(place, true)
  const observable = peer.devices.createInvitation({
    ...(options.words && { codeAlphabet: CODE_WORDS }),
    persistent: false,
    signal,
  })
  confirmEach(context, observable, (name) => `Add ${name} to your devices, with all your spaces?`)
  let shown = false
  for await (const invitation of observable) {
    if (!shown && invitation.link !== undefined) {
      show(context, invitation, options)
      shown = true
    }
    output.status('state', { state: invitation.state }, HOST_STATUS[invitation.state])
  }
  await observable.result()
  const added = peer.spaceManager.identity.devices().at(-1)
  const { label = '', key } = added ?? {}
  output.result(
    'device-added',
    { device: key?.toHex(), label },
    `${label === '' ? 'The device' : printable(label)} is one of yours now.`,
  )
  output.status('settling', {}, 'Handing over what was written so far…')
  const until = within(context, SETTLE_MS)
  await Promise.all(peer.spaceManager.list().map((space) => visited(space, key, until)))
  output.done()
}

/** Resolves once a device was connected in a space and has gone again, as it does when it has all of it. */
function visited(space: Space, device: PublicKey | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let wasHere = false
    const finish = (): void => {
      stop()
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const look = (): void => {
      const isHere = space.peers().some(({ deviceKey }) => deviceKey === device)
      if (wasHere && !isHere) finish()
      wasHere ||= isHere
    }
    const stop = space.subscribe({ onPeers: look })
    signal.addEventListener('abort', finish, { once: true })
    look()
  })
}

/** `vestibule device join [LINK]`: makes this machine a device of an identity; asks for the link and the code. */
export async function joinDevice(
  context: Context,
  given: string | undefined,
  { label = hostname() }: { readonly label?: string },
): Promise<void> {
  const { place, output, prompt, signal } = context
  const text = given ?? (await prompt.ask('Link: ', { signal }))
  if (text === undefined) throw new CliError('NO_LINK', 'no link was given', EXIT.usage)
  const link = parseInvitation(text)
  const alreadyMember = await becomeDevice(context, link, label)
  await rememberRelays(place.data, [...place.relays, ...link.relays])
  await using peer = await openPeer(place, true)
  const spaces = peer.spaceManager.list()
  const { identityKey, profile } = peer.signingContext
  for (const space of spaces)
    output.result('space', describe(space), `${printable(space.name)}  ${space.key.toHex()}`)
  const name = printable(profile.displayName)
  output.result(
    'joined',
    { identity: identityKey.toDid(), name: profile.displayName, spaces: spaces.length, alreadyMember },
    alreadyMember ? `This is a device of ${name} already.` : `This is a device of ${name} now.`,
  )
  // What does not come now comes when it meets another device, or a member.
  const until = within(context, SETTLE_MS)
  await Promise.all(spaces.map((space) => space.synced({ signal: until }).catch(() => undefined)))
}

/** @returns whether it was one already */
async function becomeDevice(
  context: Context,
  link: ReturnType<typeof parseInvitation>,
  label: string,
): Promise<boolean> {
  const { place, output, signal } = context
  await using stack = new AsyncDisposableStack()
  const { keyring, storage } = await openStores(place.data)
  stack.defer(() => storage.close())
  const { relays } = await readConfig(place.data)
  const all = [...new Set([...place.relays, ...relays])]
  const networkManager = stack.use(new NetworkManager({ relays: all, listen: place.listen }))
  await networkManager.start()
  const handler = stack.use(new DeviceInvitationsHandler(networkManager, { storage }, keyring))
  const provider = handler.acceptInvitation(link, { label, signal })
  let previewed = false
  for await (const invitation of provider) {
    const { state, inviterName, waiting } = invitation
    const text = waiting === true ? 'Waiting for a yes on the other device…' : GUEST_STATUS[state]
    output.status('state', { state, ...(waiting === true && { waiting }) }, text)
    if (!previewed && inviterName !== undefined && state !== 'SUCCESS') {
      output.result('preview', { inviterName }, `${printable(inviterName)} adds this device.`)
      previewed = true
    }
    if (state === 'READY_FOR_AUTHENTICATION') void answer(context, provider, invitation)
  }
  output.done()
  return (await provider.result()).alreadyMember === true
}
