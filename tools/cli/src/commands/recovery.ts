import { readFile } from 'node:fs/promises'
import { createRecoveryPhrase } from '@vestibule/keys'
import { writeFileAtomic } from '@vestibule/keys/node'
import { NetworkManager } from '@vestibule/network'
import {
  findIdentity,
  type IdentityBackup,
  openBackup,
  type RecoveryAuthority,
  SigningContext,
  type Space,
  SpaceError,
} from '@vestibule/space'
import { readConfig, rememberRelays } from '../config.ts'
import { type Context, within } from '../context.ts'
import { delivered } from '../delivery.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { printable } from '../output.ts'
import { openPeer, openStores, type Peer } from '../peer.ts'
import { askPhrase, authorityOf } from '../phrase.ts'
import { reportRevoked } from './device.ts'
import { describe } from './space.ts'

/** `vestibule recovery create`: names the keys of a fresh phrase, and shows the phrase, once. */
export async function createRecovery({ place, output }: Context): Promise<void> {
  await using peer = await openPeer(place, false)
  const phrase = createRecoveryPhrase()
  await peer.spaceManager.addRecovery(await authorityOf(phrase.unwrap()))
  const words = phrase.unwrap().split(' ')
  const lines = words.map((word, i) => `${String(i + 1).padStart(2)} ${word.padEnd(9)}`)
  const rows = Array.from({ length: 6 }, (_, row) =>
    lines
      .slice(row * 4, row * 4 + 4)
      .join('  ')
      .trimEnd(),
  )
  const advice =
    'Write these 24 words down; they are not shown again. Whoever has them is you.\n' +
    'Your spaces hear of it when you are online the next time: members can bring you back from then on.'
  output.result('recovery', { phrase: phrase.unwrap() }, `${rows.join('\n')}\n\n${advice}`)
}

/** `vestibule recovery backup FILE`: what the phrase brings back, in a file that only the phrase opens. */
export async function backUp({ place, output }: Context, path: string): Promise<void> {
  await using peer = await openPeer(place, false)
  const file = await peer.spaceManager.exportBackup()
  try {
    await writeFileAtomic(path, file)
  } catch (cause) {
    throw new CliError('FILE_UNWRITABLE', `can't write ${path}: ${(cause as Error).message}`, EXIT.data)
  }
  const spaces = peer.spaceManager.list().length
  const text = `${path}: your identity and ${spaces} ${spaces === 1 ? 'space' : 'spaces'}, sealed to your phrase`
  output.result('backup', { path, bytes: file.length, spaces }, text)
}

/** How long to look for a member who hears of this device; it hears of it the next time otherwise. */
const SETTLE_SECONDS = 10

export interface RecoverOptions {
  readonly backup?: string
  readonly from: readonly string[]
  readonly revokeOthers: boolean
  readonly waitSeconds: number
}

/** `vestibule recover`: brings an identity back on a bare machine; asks for the phrase. */
export async function recover(context: Context, options: RecoverOptions): Promise<void> {
  const { place, output } = context
  const authority = await askPhrase(context)
  const backup = await takeUp(context, authority, options)
  await rememberRelays(place.data, place.relays)
  await using peer = await openPeer(place, true)
  const { identity } = peer.spaceManager
  const spaces = await identity.restore(backup, { addresses: options.from })
  await catchUp(context, spaces, options.waitSeconds)
  if (options.revokeOthers) reportRevoked(context, await identity.revokeOtherDevices(authority))
  // Who hears of this device now can tell the others.
  await delivered(context, spaces, { waitSeconds: SETTLE_SECONDS })
  report(context, peer, spaces)
  output.done()
}

/** Finds out whose phrase it is, and makes this machine a device of that identity; a second time changes nothing. */
async function takeUp(
  context: Context,
  authority: RecoveryAuthority,
  options: RecoverOptions,
): Promise<IdentityBackup> {
  const stores = await openStores(context.place.data)
  try {
    const existing = await SigningContext.open(stores).catch((error: unknown) => {
      if (error instanceof SpaceError && error.code === 'NO_IDENTITY') return undefined
      throw error
    })
    const backup =
      options.backup === undefined
        ? await search(context, authority, options)
        : await openBackup(await readBackup(options.backup), authority)
    const { recovery, profile } = backup
    if (existing === undefined)
      await SigningContext.recover({
        ...stores,
        displayName: profile.displayName,
        recovery,
        recoveryKeyring: authority.keyring,
      })
    else if (existing.identityKey !== recovery.issuer)
      throw new SpaceError('IDENTITY_EXISTS', 'the data directory holds another identity')
    return backup
  } finally {
    await stores.storage.close()
  }
}

async function search(
  context: Context,
  authority: RecoveryAuthority,
  { from, waitSeconds }: RecoverOptions,
): Promise<IdentityBackup> {
  const { place, output } = context
  const { relays } = await readConfig(place.data)
  const all = [...new Set([...place.relays, ...relays])]
  if (all.length === 0 && from.length === 0)
    throw new CliError(
      'NOWHERE_TO_LOOK',
      'give a relay with --relay, an address with --from, or a file with --backup',
      EXIT.usage,
    )
  const networkManager = new NetworkManager({ relays: all })
  await networkManager.start()
  output.status('searching', {}, 'Looking for a device of yours, or a member of your spaces…')
  const signal = within(context, waitSeconds * 1000)
  try {
    return await findIdentity({ authority, networkManager, addresses: from, signal })
  } catch (error) {
    if (!signal.aborted) throw error
    throw new CliError('NOBODY_ANSWERED', 'nobody who knows this phrase was online', EXIT.unreachable)
  } finally {
    output.done()
    await networkManager.stop()
  }
}

async function readBackup(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `can't read ${path}: ${(cause as Error).message}`, EXIT.data)
  }
}

/** Members may be away; what they have comes when they are back. */
async function catchUp(context: Context, spaces: readonly Space[], seconds: number): Promise<void> {
  const signal = within(context, seconds * 1000)
  await Promise.all(spaces.map((space) => space.synced({ signal }).catch(() => undefined)))
}

function report({ output }: Context, { signingContext }: Peer, spaces: readonly Space[]): void {
  const { identityKey, profile } = signingContext
  for (const space of spaces)
    output.result('space', describe(space), `${printable(space.name)}  ${space.key.toHex()}`)
  output.result(
    'recovered',
    { identity: identityKey.toDid(), name: profile.displayName, spaces: spaces.length },
    `You are ${printable(profile.displayName)} again, in ${spaces.length} ${spaces.length === 1 ? 'space' : 'spaces'}.`,
  )
}
