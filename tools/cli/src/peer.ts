import { join } from 'node:path'
import { SpaceInvitationsHandler } from '@vestibule/invitations'
import { Keyring } from '@vestibule/keys'
import { FileKeyStore } from '@vestibule/keys/node'
import { NetworkManager } from '@vestibule/network'
import { type Member, SigningContext, type Space, SpaceManager } from '@vestibule/space'
import { FileStorage } from '@vestibule/space/node'
import { readConfig } from './config.ts'
import { CliError, EXIT } from './exit-codes.ts'

/** Where a command finds what it works with. */
export interface Place {
  /** The data directory. */
  readonly data: string
  readonly relays: readonly string[]
  readonly listen: readonly string[]
}

/** An identity with its spaces, opened from a data directory. Closing it releases everything. */
export interface Peer extends AsyncDisposable {
  readonly signingContext: SigningContext
  readonly spaceManager: SpaceManager
  readonly invitations: SpaceInvitationsHandler
  readonly networkManager: NetworkManager
}

/** The parts of a data directory that need no identity. */
export async function openStores(data: string): Promise<{ keyring: Keyring; storage: FileStorage }> {
  const storage = await FileStorage.open(data)
  return { keyring: new Keyring(new FileKeyStore(join(data, 'keys'))), storage }
}

/**
 * Opens a data directory.
 * @param online whether to meet other peers; otherwise nothing is listened on or dialled
 */
export async function openPeer(place: Place, online: boolean): Promise<Peer> {
  const stack = new AsyncDisposableStack()
  try {
    const { keyring, storage } = await openStores(place.data)
    stack.defer(() => storage.close())
    const signingContext = await SigningContext.open({ keyring, storage })
    const config = await readConfig(place.data)
    const relays = online ? [...new Set([...place.relays, ...config.relays])] : []
    const networkManager = stack.use(new NetworkManager({ relays, listen: online ? place.listen : [] }))
    await networkManager.start()
    const spaceManager = stack.use(new SpaceManager({ storage, keyring, networkManager, signingContext }))
    await spaceManager.open()
    const invitations = stack.use(
      new SpaceInvitationsHandler(networkManager, spaceManager, signingContext, keyring),
    )
    // Whoever was invited before may be waiting, or come back for an answer that was lost.
    if (online) await invitations.restore()
    const owned = stack.move()
    return {
      signingContext,
      spaceManager,
      invitations,
      networkManager,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/**
 * The space that a person means: by its name, or by the beginning of its key in hex.
 * @throws CliError when there is none, or more than one
 */
export function findSpace(peer: Peer, wanted: string): Space {
  const spaces = peer.spaceManager.list()
  const byName = spaces.filter(({ name }) => name === wanted)
  const found =
    byName.length > 0 ? byName : spaces.filter(({ key }) => key.toHex().startsWith(wanted.toLowerCase()))
  const [only, second] = found
  if (only === undefined)
    throw new CliError('NO_SPACE', `no space is called ${JSON.stringify(wanted)}`, EXIT.state)
  if (second !== undefined)
    throw new CliError(
      'AMBIGUOUS_SPACE',
      `${found.length} spaces match ${JSON.stringify(wanted)}; use the beginning of the key`,
      EXIT.state,
    )
  return only
}

/**
 * The member that a person means: by its name, or by the beginning of its identity, as hex or `did:key`.
 * @throws CliError when there is none, or more than one
 */
export function findMember(space: Space, wanted: string): Member {
  const byName = space.members().filter(({ profile }) => profile.displayName === wanted)
  const byKey = ({ identityKey }: Member): boolean =>
    identityKey.toHex().startsWith(wanted.toLowerCase()) || identityKey.toDid().startsWith(wanted)
  const found = byName.length > 0 ? byName : space.members().filter(byKey)
  const [only, second] = found
  if (only === undefined)
    throw new CliError('NO_MEMBER', `no member is called ${JSON.stringify(wanted)}`, EXIT.state)
  if (second !== undefined)
    throw new CliError(
      'AMBIGUOUS_MEMBER',
      `${found.length} members match ${JSON.stringify(wanted)}; use the beginning of the identity`,
      EXIT.state,
    )
  return only
}
