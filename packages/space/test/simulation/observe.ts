import type { Message, Space, Storage } from '../../src/index.ts'
import { SpaceManager } from '../../src/index.ts'
import type { Device, Running } from './device.ts'

/** What a device shows of its space. */
export interface View {
  readonly members: readonly string[]
  readonly messages: readonly string[]
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

const nobody = {
  joinSwarm: async () => ({
    peers: [],
    state: { status: 'searching' as const, peers: [], relays: [] },
    subscribe: () => () => {},
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
