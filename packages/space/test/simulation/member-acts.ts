import type { Role } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { Space } from '../../src/index.ts'
import { type Act, codeOf, isAnswer, isInside, type Scene } from './acts.ts'
import type { Device } from './device.ts'
import { storeOf } from './observe.ts'

const nameOf = (space: Space, identity: PublicKey): string =>
  space.members().find(({ identityKey }) => identityKey === identity)?.profile.displayName ?? '?'

/** Somebody does something about a member; mostly one of whom it is allowed. */
async function about(
  scene: Scene,
  what: string,
  isAllowed: (space: Space, self: PublicKey, member: PublicKey) => boolean,
  act: (space: Space, member: PublicKey, by: string) => Promise<void>,
): Promise<void> {
  const tries = scene.chance.is(0.05)
  const choices = ({ space, identity }: Device): PublicKey[] =>
    space === undefined || identity === undefined
      ? []
      : space
          .members()
          .flatMap(({ identityKey }) => (tries || isAllowed(space, identity, identityKey) ? identityKey : []))
  const device = scene.some((one) => choices(one).length > 0)
  if (device?.space === undefined) return
  const { space, name } = device
  const member = scene.chance.pick(choices(device))
  const whom = nameOf(space, member)
  scene.note(`${name} ${what} ${whom}`)
  try {
    await act(space, member, name)
    scene.note(`${name} ${what} ${whom}: done`)
  } catch (error) {
    scene.note(`${name} ${what} ${whom}: ${codeOf(error)}`)
    if (!isAnswer(error)) throw error
  }
}

const membershipOf = (space: Space) => storeOf(space).roster.membership

export const remove: Act = (scene) =>
  about(
    scene,
    'removes',
    (space, self, member) => membershipOf(space).mayRemove(self, member),
    (space, member, by) => {
      scene.history.endings.push({ member: nameOf(space, member), by, at: scene.history.trace.length })
      return space.removeMember(member)
    },
  )

export const changeRole: Act = (scene) => {
  const role = scene.chance.pick<Role>(['OWNER', 'ADMIN', 'ADMIN', 'EDITOR', 'EDITOR', 'READER'])
  return about(
    scene,
    `makes ${role}`,
    (space, self, member) => membershipOf(space).mayChange(self, member, role),
    (space, member) => space.changeRole(member, role),
  )
}

export const handOver: Act = (scene) =>
  about(
    scene,
    'hands over to',
    (space, self, member) => self !== member && space.roleOf(self) === 'OWNER',
    (space, member) => space.handOver(member),
  )

export const leave: Act = async (scene) => {
  const device = scene.some(isInside)
  if (device?.space === undefined) return
  scene.note(`${device.name} leaves`)
  scene.history.endings.push({ member: device.name, by: device.name, at: scene.history.trace.length })
  try {
    await device.space.leave()
    scene.note(`${device.name} left`)
  } catch (error) {
    scene.note(`${device.name} did not leave: ${codeOf(error)}`)
    if (!isAnswer(error)) throw error
  }
}

export const rotate: Act = async (scene) => {
  const device = scene.some(isInside)
  if (device?.space === undefined) return
  try {
    await device.space.rotateReadKey()
    scene.note(`${device.name} has renewed the read key`)
  } catch (error) {
    scene.note(`${device.name} did not renew the read key: ${codeOf(error)}`)
    if (!isAnswer(error)) throw error
  }
}
