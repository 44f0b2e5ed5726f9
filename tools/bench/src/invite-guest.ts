import { PublicKey } from '@vestibule/keys'
import { serve } from './child.ts'
import type { Writes } from './counting.ts'
import { sharedNow } from './figures.ts'
import { bareNode, type RoundTrip, roundTrips, SyncedFile } from './libp2p-floor.ts'
import { type BenchDevice, type BenchPeer, newDevice, newFolder, newPeer, until } from './peer.ts'

const TIMEOUT_MS = 30_000

/** How an invitation went for the guest. */
export interface Accepted {
  /** When it was a member and its space was open with both members; see `sharedNow`. */
  readonly endedAt: number
  readonly spaceKey: string
  /** Identity and role of each, sorted. */
  readonly members: readonly string[]
  readonly writes: Writes
  readonly frames: readonly number[]
}

/** How it went for a device. */
export interface AcceptedDevice extends Pick<Accepted, 'endedAt' | 'writes' | 'frames'> {
  readonly identity: string
  /** Keys of the spaces that are open there. */
  readonly spaces: readonly string[]
}

/** The other process of the benchmark `invite`: one peer at a time, or one bare node. */
export interface GuestService {
  /** Makes a peer with an identity of its own. @returns its key */
  open(): Promise<string>
  /** Accepts an invitation, and gives the code as soon as it is asked for. */
  accept(link: string, code?: string): Promise<Accepted>
  /** Makes a device without an identity. */
  openDevice(): Promise<void>
  /** Becomes a device of the identity that invites it, and opens its spaces. */
  acceptDevice(link: string, code: string): Promise<AcceptedDevice>
  /** Resolves once the space's other member is connected, in the space too. */
  connected(spaceKey: string): Promise<void>
  /** Makes a bare libp2p node and a file. */
  openFloor(): Promise<void>
  /** Dials, exchanges frames, then writes. @returns when that was done */
  floor(address: string, trips: readonly RoundTrip[], writes: number): Promise<number>
  /** Releases whatever was opened. */
  close(): Promise<void>
}

let stack = new AsyncDisposableStack()
let peer: BenchPeer | undefined
let device: BenchDevice | undefined
let bare: { node: Awaited<ReturnType<typeof bareNode>>; file: SyncedFile } | undefined

function opened<T>(thing: T | undefined): T {
  if (thing === undefined) throw new TypeError('nothing was opened')
  return thing
}

const service: GuestService = {
  async open() {
    peer = stack.use(await newPeer('Bob', []))
    return String(peer.spaceManager.signingContext.identityKey)
  },

  async accept(link, code) {
    const { invitations, spaceManager, tally } = opened(peer)
    tally.reset()
    const provider = invitations.acceptInvitation(link, { timeout: TIMEOUT_MS })
    if (code !== undefined)
      provider.subscribe({ onAuthenticating: () => void provider.authenticate(code).catch(() => undefined) })
    const { spaceKey = '' } = await provider.result()
    const space = opened(spaceManager.get(PublicKey.from(spaceKey)))
    await until(space, ({ state }) => state === 'open' && space.members().length === 2, TIMEOUT_MS)
    const endedAt = sharedNow()
    const members = space.members().map(({ identityKey, role }) => `${identityKey} ${role}`)
    return { endedAt, spaceKey, members: members.sort(), writes: tally.writes, frames: tally.frames }
  },

  async openDevice() {
    device = stack.use(await newDevice())
  },

  async acceptDevice(link, code) {
    const { devices, tally, openSpaces } = opened(device)
    tally.reset()
    const provider = devices.acceptInvitation(link, { label: 'phone', timeout: TIMEOUT_MS })
    provider.subscribe({ onAuthenticating: () => void provider.authenticate(code).catch(() => undefined) })
    await provider.result()
    const spaceManager = await openSpaces()
    const endedAt = sharedNow()
    return {
      endedAt,
      identity: String(spaceManager.signingContext.identityKey),
      spaces: spaceManager.list().map(({ key }) => String(key)),
      writes: tally.writes,
      frames: tally.frames,
    }
  },

  async connected(spaceKey) {
    const space = opened(opened(peer).spaceManager.get(PublicKey.from(spaceKey)))
    await until(space, () => space.peers().length === 1, TIMEOUT_MS)
  },

  async openFloor() {
    const file = stack.use(new SyncedFile(await newFolder(stack)))
    const node = await bareNode([])
    stack.defer(() => node.stop())
    bare = { node, file }
  },

  async floor(address, trips, writes) {
    const { node, file } = opened(bare)
    await roundTrips(node, address, trips)
    file.append(writes)
    return sharedNow()
  },

  async close() {
    peer = undefined
    device = undefined
    bare = undefined
    const closing = stack
    stack = new AsyncDisposableStack()
    await closing.disposeAsync()
  },
}

serve(service)
