import { join } from 'node:path'
import { SpaceInvitationsHandler } from '@vestibule/invitations'
import { Keyring, PublicKey } from '@vestibule/keys'
import { FileKeyStore } from '@vestibule/keys/node'
import { NetworkManager } from '@vestibule/network'
import { SigningContext, SpaceManager } from '@vestibule/space'
import { FileStorage } from '@vestibule/space/node'
import { serve } from '../child.ts'
import { sharedNow } from '../figures.ts'
import { bareNode } from '../libp2p-floor.ts'
import { newFolder } from '../peer.ts'
import { readStream } from './bare-stream.ts'

const TIMEOUT_MS = 300_000

/** How a guest came to have everything. */
export interface CaughtUp {
  /** From being a member until all that the host had is stored. */
  readonly syncMs: number
  /** Opening storage, identity and space again. */
  readonly openMs: number
  readonly members: number
  readonly messages: number
  /** Credentials of the space. */
  readonly acts: number
  /** Of the storage, with its log. */
  readonly storedBytes: number
}

/** The other process of the benchmarks `sync` and `space`: one new guest at a time, or one bare node. */
export interface SyncGuestService {
  catchUp(link: string): Promise<CaughtUp>
  /** Reads so many bytes from a bare stream. @returns milliseconds */
  stream(address: string, bytes: number): Promise<number>
}

const service: SyncGuestService = {
  async catchUp(link) {
    await using stack = new AsyncDisposableStack()
    const folder = await newFolder(stack)
    const keyring = new Keyring(new FileKeyStore(join(folder, 'keys')))
    const { syncMs, spaceKey } = await becomeMember(folder, keyring, link)
    const startedAt = sharedNow()
    const storage = await FileStorage.open(folder)
    stack.defer(() => storage.close())
    const signingContext = await SigningContext.open({ keyring, storage })
    const networkManager = stack.use(new NetworkManager())
    await networkManager.start()
    const manager = stack.use(new SpaceManager({ storage, keyring, networkManager, signingContext }))
    await manager.open()
    const openMs = sharedNow() - startedAt
    const space = manager.get(PublicKey.from(spaceKey))
    const storedBytes = (await storage.list('')).reduce(
      (sum, [key, value]) => sum + key.length + value.length,
      0,
    )
    return {
      ...{ syncMs, openMs, storedBytes },
      members: space?.members().length ?? 0,
      messages: space?.messages().length ?? 0,
      acts: space?.history().length ?? 0,
    }
  },

  async stream(address, bytes) {
    const node = await bareNode([])
    try {
      return await readStream(node, address, bytes)
    } finally {
      await node.stop()
    }
  },
}

/** Becomes a member, and waits until everything is here. */
async function becomeMember(folder: string, keyring: Keyring, link: string) {
  await using stack = new AsyncDisposableStack()
  const storage = await FileStorage.open(folder)
  stack.defer(() => storage.close())
  const signingContext = await SigningContext.create({ keyring, storage, displayName: 'Bob' })
  const networkManager = stack.use(new NetworkManager())
  await networkManager.start()
  const manager = stack.use(new SpaceManager({ storage, keyring, networkManager, signingContext }))
  await manager.open()
  const invitations = stack.use(new SpaceInvitationsHandler(networkManager, manager, signingContext, keyring))
  const { spaceKey = '' } = await invitations.acceptInvitation(link, { timeout: TIMEOUT_MS }).result()
  const startedAt = sharedNow()
  await manager.get(PublicKey.from(spaceKey))?.synced({ signal: AbortSignal.timeout(TIMEOUT_MS) })
  return { syncMs: sharedNow() - startedAt, spaceKey }
}

serve(service)
