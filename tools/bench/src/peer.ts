import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeviceInvitationsHandler, SpaceInvitationsHandler } from '@vestibule/invitations'
import { Keyring } from '@vestibule/keys'
import { FileKeyStore } from '@vestibule/keys/node'
import { SigningContext, type Space, SpaceManager } from '@vestibule/space'
import { FileStorage } from '@vestibule/space/node'
import { TalliedNetwork, Tally } from './counting.ts'

/** A new identity with everything that an application has, durable in a folder of its own. */
export interface BenchPeer extends AsyncDisposable {
  readonly spaceManager: SpaceManager
  readonly invitations: SpaceInvitationsHandler
  readonly devices: DeviceInvitationsHandler
  readonly tally: Tally
}

/** @param listen multiaddrs; nobody can dial a peer that listens nowhere */
export async function newPeer(displayName: string, listen: readonly string[]): Promise<BenchPeer> {
  await using stack = new AsyncDisposableStack()
  const { tally, storage, keyring, network } = await bareDevice(stack, listen)
  const signingContext = await SigningContext.create({ keyring, storage, displayName })
  const spaceManager = stack.use(
    new SpaceManager({ storage, keyring, networkManager: network, signingContext }),
  )
  await spaceManager.open()
  const invitations = stack.use(new SpaceInvitationsHandler(network, spaceManager, signingContext, keyring))
  const devices = stack.use(new DeviceInvitationsHandler(network, spaceManager, keyring))
  const owned = stack.move()
  return { spaceManager, invitations, devices, tally, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A device that is to become one of an identity, durable in a folder of its own. */
export interface BenchDevice extends AsyncDisposable {
  readonly devices: DeviceInvitationsHandler
  readonly tally: Tally
  /** Opens the identity and its spaces, once it is one. They are closed with it. */
  openSpaces(): Promise<SpaceManager>
}

/** A device without an identity. */
export async function newDevice(): Promise<BenchDevice> {
  await using stack = new AsyncDisposableStack()
  const { tally, storage, keyring, network } = await bareDevice(stack, [])
  const devices = stack.use(new DeviceInvitationsHandler(network, { storage }, keyring))
  const owned = stack.move()
  const openSpaces = async (): Promise<SpaceManager> => {
    const signingContext = await SigningContext.open({ keyring, storage })
    const parts = { storage, keyring, networkManager: network, signingContext }
    const spaceManager = owned.use(new SpaceManager(parts))
    await spaceManager.open()
    return spaceManager
  }
  return { devices, tally, openSpaces, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function bareDevice(stack: AsyncDisposableStack, listen: readonly string[]) {
  const folder = await newFolder(stack)
  const tally = new Tally()
  const files = await FileStorage.open(folder)
  stack.defer(() => files.close())
  const storage = tally.storage(files)
  const keyring = new Keyring(tally.keyStore(new FileKeyStore(join(folder, 'keys'))))
  const network = stack.use(new TalliedNetwork(tally, { listen }))
  await network.start()
  return { tally, storage, keyring, network }
}

/** A folder for as long as the stack lives. Its file system is the one that is measured; `TMPDIR` chooses it. */
export async function newFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Resolves once something holds in a space; it is looked at now and at every change. */
export async function until(
  space: Space,
  holds: (space: Space) => boolean,
  timeoutMs: number,
): Promise<void> {
  const reached = Promise.withResolvers<void>()
  const look = (): void => {
    if (holds(space)) reached.resolve()
  }
  const stop = space.subscribe({ onMembers: look, onPeers: look })
  const timer = setTimeout(
    () => reached.reject(new Error(`not reached within ${timeoutMs} ms: ${holds}`)),
    timeoutMs,
  )
  try {
    look()
    await reached.promise
  } finally {
    clearTimeout(timer)
    stop()
  }
}
