import type { PublicKey } from '@vestibule/keys'
import { Feed } from '../../src/feed/feed.ts'
import type { Message, Space, Storage } from '../../src/index.ts'
import { SpaceManager } from '../../src/index.ts'
import { storageKeys } from '../../src/record.ts'
import type { SpaceStore } from '../../src/space-store.ts'
import type { Device, Running } from './device.ts'

/** What a device shows of its space. */
export interface View {
  readonly members: readonly string[]
  readonly messages: readonly string[]
}

/** The credentials and feeds behind a space. */
export const storeOf = (space: Space): SpaceStore =>
  (space as unknown as { readonly store: SpaceStore }).store

/** Whom anybody has admitted, as far as a device has heard, whatever came of it; unknown while that is on its way. */
export function admittedIn(space: Space): Set<PublicKey> | undefined {
  const { membership, provisional } = storeOf(space).roster
  if (provisional) return undefined
  return new Set(
    membership.credentials().flatMap(({ claim }) => (claim.type === 'SpaceMember' ? claim.member : [])),
  )
}

export const viewOf = (space: Space): View => ({
  members: space
    .members()
    .map(({ identityKey, role, profile }) => `${profile.displayName} ${role} ${identityKey.toHex()}`)
    .sort(),
  messages: space.messages().map(lineOf),
})

const lineOf = ({ id, author, device, timestampMs, text }: Message): string =>
  `${id} ${author.toHex()} ${device.toHex()} ${timestampMs} ${text}`

/** Ids of what a device has in a feed of its own, included in the space or not, by its disk alone. */
export async function idsIn({ disk }: Device, space: PublicKey, key: PublicKey): Promise<string[]> {
  const feed = await Feed.open(await disk.copy(), storageKeys.feed(space, key), { space, key })
  const hashes: Uint8Array[] = []
  for (let at = 0; at < feed.length; at++) hashes.push(await feed.hashOf(at))
  return hashes.map((hash) => Buffer.from(hash).toString('hex'))
}

const nobody = {
  joinSwarm: async () => ({
    peers: [],
    state: { status: 'searching' as const, peers: [], relays: [] },
    subscribe: () => () => {},
    setTopics: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }),
}

/** What another process would show that opened the storage as it is, without touching it. */
export async function reopen(device: Device, { signingContext }: Running, storage: Storage): Promise<View[]> {
  const { keyring, clock } = device
  const manager = new SpaceManager({ storage, keyring, signingContext, clock, networkManager: nobody })
  await manager.open()
  const views = manager.list().map(viewOf)
  await manager.close()
  return views
}
