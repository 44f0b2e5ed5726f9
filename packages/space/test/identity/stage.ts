import type { PublicKey } from '@vestibule/keys'
import type { Space } from '../../src/index.ts'
import { bring, Person, World } from '../world.ts'

/** Ada with a phone and a laptop that she added in this order, and Bob, who is in her kitchen. */
export async function adasDevices() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(kitchen, bob)
  const phone = await ada.secondDevice(world, 'phone')
  const close = (...others: Person[]) =>
    Promise.all([ada, bob, phone, ...others].map(({ manager }) => manager.close()))
  return { world, ada, bob, phone, kitchen, his, close }
}

/** Waits until a condition holds, looking again at whatever happens to the identity or in its spaces. */
export async function untilIdentity({ manager }: Person, holds: () => boolean): Promise<void> {
  if (holds()) return
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!holds()) return
      for (const stop of stops) stop()
      resolve()
    }
    const watch = (space: Space) => space.subscribe({ onMembers: look, onMessage: look, onPeers: look })
    const onSpace = (space: Space) => {
      stops.push(watch(space))
      look()
    }
    const stops = [
      manager.identity.subscribe({ onDevices: look, onSpace, onProblem: look }),
      ...manager.list().map(watch),
    ]
  })
}

export const labelsOf = ({ manager }: Person): string[] =>
  manager.identity.devices().map(({ label, revoked }) => (revoked ? `${label} (revoked)` : label))

export const deviceOf = ({ signingContext }: Person): PublicKey => signingContext.deviceKey

export const spacesOf = ({ manager }: Person): string[] =>
  manager
    .list()
    .map(({ name }) => name)
    .sort()
