import { SpaceInvitationsHandler } from '@vestibule/invitations'
import { Keyring, PublicKey } from '@vestibule/keys'
import { NetworkManager } from '@vestibule/network'
import { MemoryStorage, SigningContext, SpaceManager } from '@vestibule/space'
import { serve } from './child.ts'
import { sharedNow } from './figures.ts'
import { until } from './peer.ts'

/** How it went for all of them. */
export interface Crowd {
  /** When the last one was a member. See `sharedNow`. */
  readonly endedAt: number
  readonly spaceKey: string
  readonly admitted: number
  /** Why the others are not, by code. */
  readonly lost: Readonly<Record<string, number>>
}

/** The other process of the benchmark `crowd`: many guests, each with a libp2p node of its own. */
export interface CrowdService {
  /** Makes guests, each with an identity. What they have is in memory: so many people do not share one disk. */
  open(guests: number): Promise<void>
  /** All of them accept an invitation at once. */
  accept(link: string, timeoutMs: number): Promise<Crowd>
  /** @returns when each of those who were admitted knew so many members; see `sharedNow` */
  settled(spaceKey: string, members: number, timeoutMs: number): Promise<number>
  close(): Promise<void>
}

interface Guest {
  readonly spaceManager: SpaceManager
  readonly invitations: SpaceInvitationsHandler
}

let stack = new AsyncDisposableStack()
let crowd: Guest[] = []

async function newGuest(displayName: string): Promise<Guest> {
  const storage = new MemoryStorage()
  const keyring = new Keyring()
  const networkManager = stack.use(new NetworkManager({}))
  await networkManager.start()
  const signingContext = await SigningContext.create({ keyring, storage, displayName })
  const spaceManager = stack.use(new SpaceManager({ storage, keyring, networkManager, signingContext }))
  await spaceManager.open()
  const invitations = stack.use(
    new SpaceInvitationsHandler(networkManager, spaceManager, signingContext, keyring),
  )
  return { spaceManager, invitations }
}

const service: CrowdService = {
  async open(guests) {
    for (let i = 0; i < guests; i++) crowd.push(await newGuest(`Guest ${i + 1}`))
  },

  async accept(link, timeoutMs) {
    const joined = await Promise.all(
      crowd.map(async ({ invitations }) => {
        const provider = invitations.acceptInvitation(link, { timeout: timeoutMs })
        const spaceKey = await provider.result().then(
          (invitation) => invitation.spaceKey,
          () => undefined,
        )
        return { spaceKey, at: sharedNow(), error: provider.error?.code ?? 'UNKNOWN' }
      }),
    )
    const members = joined.filter(({ spaceKey }) => spaceKey !== undefined)
    const lost: Record<string, number> = {}
    for (const { spaceKey, error } of joined) if (spaceKey === undefined) lost[error] = (lost[error] ?? 0) + 1
    return {
      endedAt: Math.max(...members.map(({ at }) => at)),
      spaceKey: members[0]?.spaceKey ?? '',
      admitted: members.length,
      lost,
    }
  },

  async settled(spaceKey, members, timeoutMs) {
    const key = PublicKey.from(spaceKey)
    const spaces = crowd.flatMap(({ spaceManager }) => spaceManager.get(key) ?? [])
    await Promise.all(
      spaces.map((space) => until(space, () => space.members().length === members, timeoutMs)),
    )
    return sharedNow()
  },

  async close() {
    crowd = []
    const closing = stack
    stack = new AsyncDisposableStack()
    await closing.disposeAsync()
  },
}

serve(service)
