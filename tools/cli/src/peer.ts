import { join } from 'node:path'
import { DeviceInvitationsHandler, SpaceInvitationsHandler } from '@vestibule/invitations'
import { Keyring } from '@vestibule/keys'
import { FileKeyStore } from '@vestibule/keys/node'
import { NetworkManager } from '@vestibule/network'
import { SigningContext, SpaceManager } from '@vestibule/space'
import { FileStorage } from '@vestibule/space/node'
import { readConfig } from './config.ts'

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
  readonly devices: DeviceInvitationsHandler
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
      new SpaceInvitationsHandler(networkManager, spaceManager, signingContext, keyring, {
        serveDelegated: online,
      }),
    )
    const devices = stack.use(new DeviceInvitationsHandler(networkManager, spaceManager, keyring))
    // Whoever was invited before may be waiting, or come back for an answer that was lost.
    if (online) await Promise.all([invitations.restore(), devices.restore()])
    const owned = stack.move()
    return {
      signingContext,
      spaceManager,
      invitations,
      devices,
      networkManager,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
