import type { Space } from '@vestibule/space'
import type { InvitationsOptions } from '../../src/index.ts'
import { type Invited, type Person, World } from '../scenario/world.ts'

/** Ada's space with Bob in it, who may invite, both connected to each other. */
export interface Kitchen {
  readonly world: World
  readonly ada: Person
  readonly bob: Person
  readonly hers: Space
  /** Bob's, as it is now. */
  bobs(): Space
  /** A delegated invitation of Ada's that Bob has heard of, and serves if he may. */
  delegate(options?: InvitationsOptions): Promise<Invited>
}

export async function kitchen(
  role: 'READER' | 'EDITOR' | 'ADMIN' | 'OWNER' = 'ADMIN',
  world = new World(),
): Promise<Kitchen> {
  const [ada, bob] = [await world.person('ada'), await world.person('bob')]
  const hers = await ada.createSpace()
  await bob.join(await ada.invite(hers, { role }))
  const bobs = () => spaceOf(bob)
  await world.clock.advance(5_000)
  const delegate = async (options: InvitationsOptions = {}) => {
    const invited = await ada.invite(hers, { type: 'DELEGATED', ...options })
    await world.clock.advance(5_000)
    return invited
  }
  return { world, ada, bob, hers, bobs, delegate }
}

export function spaceOf({ name, space }: Person): Space {
  if (space === undefined) throw new TypeError(`${name} has no space`)
  return space
}

/** Of the delegated invitations that somebody serves, the states. */
export const servedBy = ({ handler }: Person): string[] =>
  handler.delegated().map(({ invitation }) => invitation.state)
