import type { Identity, IdentityDevice, Revoked } from '@vestibule/space'
import { SpaceError } from '@vestibule/space'
import type { Context } from '../context.ts'
import { delivered, sharedOnes, type Waiting } from '../delivery.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { findDevice } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer, type Peer } from '../peer.ts'
import { askPhrase } from '../phrase.ts'

/** `vestibule device list` */
export async function listDevices({ place, output }: Context): Promise<void> {
  await using peer = await openPeer(place, false)
  for (const device of peer.spaceManager.identity.devices())
    output.result('device', describeDevice(device), textOf(device))
}

/** `vestibule device label NAME [DEVICE]`: this one unless another is given. */
export async function labelDevice(
  { place, output }: Context,
  label: string,
  who: string | undefined,
): Promise<void> {
  await using peer = await openPeer(place, false)
  const { identity } = peer.spaceManager
  const key = who === undefined ? undefined : findDevice(identity.devices(), who).key
  await checked(() => identity.setDeviceLabel(label, key))
  const device = identity.devices().find((one) => (key === undefined ? one.current : one.key === key))
  if (device !== undefined) output.result('device', describeDevice(device), textOf(device))
}

export interface RevokeOptions extends Waiting {
  readonly others: boolean
  readonly phrase: boolean
}

/** `vestibule device revoke DEVICE`, or all others by the recovery phrase. */
export async function revokeDevice(
  context: Context,
  who: string | undefined,
  options: RevokeOptions,
): Promise<void> {
  if ((who === undefined) === !options.others)
    throw new CliError('WHICH_DEVICE', 'name a device, or say --others', EXIT.usage)
  const { place, output } = context
  await using peer = await openPeer(place, true)
  const { identity } = peer.spaceManager
  const device = who === undefined ? undefined : findDevice(identity.devices(), who)
  const authority = options.others || options.phrase ? await askPhrase(context) : undefined
  const revoked = await ofThisIdentity(peer, async () => {
    if (device === undefined && authority !== undefined) return identity.revokeOtherDevices(authority)
    if (device !== undefined) await identity.revokeDevice(device.key, authority)
    return { keys: device === undefined ? [] : [device.key], missed: [] }
  })
  output.status('stored', {}, 'Stored; looking for other members…')
  const isDelivered = await delivered(context, sharedOnes(peer.spaceManager.list()), options)
  reportRevoked(context, revoked, isDelivered)
}

/** `vestibule profile [NAME]`: shows how the identity is shown, or changes it everywhere. */
export async function profile(context: Context, name: string | undefined, waiting: Waiting): Promise<void> {
  const { place, output } = context
  await using peer = await openPeer(place, name !== undefined)
  const { identity } = peer.spaceManager
  if (name !== undefined) {
    await checked(() => identity.setProfile({ displayName: name }))
    output.status('stored', {}, 'Stored; looking for other members…')
  }
  const isDelivered =
    name === undefined ? undefined : await delivered(context, sharedOnes(peer.spaceManager.list()), waiting)
  const { displayName } = identity.profile
  const { identityKey } = peer.signingContext
  output.result(
    'profile',
    {
      identity: identityKey.toDid(),
      name: displayName,
      ...(isDelivered !== undefined && { delivered: isDelivered }),
    },
    `${printable(displayName)}  ${identityKey}${isDelivered === false ? LATER : ''}`,
  )
}

/** Says what was revoked, and where it could not be. */
export function reportRevoked({ output }: Context, { keys, missed }: Revoked, isDelivered?: boolean): void {
  const text = `${keys.length} ${keys.length === 1 ? 'key' : 'other keys'} of yours ${keys.length === 1 ? 'was' : 'were'} revoked.`
  output.result(
    'revoked',
    {
      devices: keys.map((key) => key.toDid()),
      missed: missed.map(({ key }) => key.toHex()),
      ...(isDelivered !== undefined && { delivered: isDelivered }),
    },
    text + (isDelivered === false ? LATER : ''),
  )
  for (const { name } of missed)
    output.error(
      'NOT_REVOKED',
      `${printable(name)}: not revoked there yet; run this again when a member is online.`,
    )
}

const LATER = '\nOther members hear of it when one of them is online with you.'

/** A phrase of somebody else is told apart from none at all. */
async function ofThisIdentity(
  { signingContext }: Peer,
  task: () => ReturnType<Identity['revokeOtherDevices']>,
): Promise<Revoked> {
  try {
    return await task()
  } catch (error) {
    if (
      !(error instanceof SpaceError) ||
      error.code !== 'NO_RECOVERY' ||
      signingContext.recovery === undefined
    )
      throw error
    throw new CliError('WRONG_PHRASE', 'That phrase is not one of yours.', EXIT.refused)
  }
}

/** A name that is too long is the person's mistake. */
async function checked(task: () => Promise<void>): Promise<void> {
  try {
    await task()
  } catch (error) {
    if (error instanceof TypeError) throw new CliError('BAD_NAME', error.message, EXIT.usage)
    throw error
  }
}

function describeDevice({ key, label, current, addedMs, revoked }: IdentityDevice): Record<string, unknown> {
  return { device: key.toDid(), label, current, added: new Date(addedMs).toISOString(), revoked }
}

function textOf({ key, label, current, addedMs, revoked }: IdentityDevice): string {
  const added = new Date(addedMs).toISOString().slice(0, 10)
  const notes = `${current ? '  (this one)' : ''}${revoked ? '  (revoked)' : ''}`
  return `${printable(label) || '(no name)'}  ${added}  ${key}${notes}`
}
