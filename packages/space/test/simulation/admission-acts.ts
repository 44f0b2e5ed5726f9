import type { Role } from '@vestibule/credentials'
import { encodeAdmission, parseAdmission } from '../../src/index.ts'
import { type Act, codeOf, crashSoon, isAnswer, isInside, type Scene } from './acts.ts'
import type { Device } from './device.ts'

async function bring(host: Device, guest: Device, role: Role, scene: Scene): Promise<void> {
  const { history, swarms } = scene
  const { space, identity } = host
  if (space === undefined || identity === undefined || guest.running === undefined) return
  if (!swarms.network.canReach(host.name, guest.name)) return
  const hostRole = space.roleOf(identity)
  guest.isBare ??= scene.chance.is(0.25)
  const { isBare } = guest
  const at = history.trace.length
  history.admissions.push({ host: host.name, guest: guest.name, role, hostRole, isBare, at })
  await invite(host, guest, role, scene)
}

/** As an invitation does it: the guest says who it is, the host admits it, and the answer may be lost on its way. */
async function invite(host: Device, guest: Device, role: Role, scene: Scene): Promise<void> {
  const { chance, history, swarms, note, after } = scene
  const { space } = host
  if (space === undefined) return
  const candidate = await guest.candidate()
  const isBare = guest.isBare === true
  note(`${host.name} admits ${guest.name} as ${role}${isBare ? ', without the history' : ''}`)
  try {
    const admission = await space.admit(candidate, { role, history: isBare ? 'none' : 'all' })
    const isMember = space.roleOf(candidate.identityKey) !== undefined
    history.law('what an act says is done is done', isMember, () => `${guest.name} is no member`)
    note(`${host.name} admitted ${guest.name}`)
    const encoded = encodeAdmission(admission)
    await new Promise<void>((arrive) => after(chance.upTo(500), arrive))
    const { running } = guest
    if (running === undefined || !swarms.network.canReach(host.name, guest.name)) return
    await running.manager.acceptSpace(await parseAdmission(encoded), candidate)
    forget(guest)
    note(`${guest.name} accepted`)
  } catch (error) {
    note(`${host.name} did not bring in ${guest.name}: ${codeOf(error)}`)
    if (!isAnswer(error, 'ALREADY_MEMBER', 'BAD_ADMISSION', 'BAD_CANDIDATE')) throw error
    // It was admitted with these feeds, and removed since: it has to come with others.
    if (codeOf(error) === 'BAD_CANDIDATE') forget(guest)
  }
}

const forget = (guest: Device): void => {
  guest.candidacy = undefined
  guest.isBare = undefined
}

/** Whoever was admitted and never heard the answer asks for it once more, as a guest does that opens its link again. */
export const askAgain: Act = async (scene) => {
  for (const guest of scene.devices) {
    const { candidacy, running } = guest
    const roleIn = ({ space }: Device) => candidacy && space?.roleOf(candidacy.identityKey)
    const isHost = (one: Device) =>
      one !== guest && roleIn(one) !== undefined && scene.swarms.network.canReach(one.name, guest.name)
    const host = running && scene.devices.find(isHost)
    const role = host && roleIn(host)
    if (host && role) await invite(host, guest, role, scene)
  }
}

/** Never was a member, or knows that it no longer is. */
const isOutside = ({ running, space, identity }: Device): boolean =>
  running !== undefined &&
  (space === undefined || identity === undefined || space.roleOf(identity) === undefined)
const roleFrom = ({ chance }: Scene): Role =>
  chance.pick<Role>(['ADMIN', 'ADMIN', 'EDITOR', 'EDITOR', 'READER', 'OWNER'])

/** Mostly somebody who may; now and then whoever likes to. */
const hostOf = ({ some, chance }: Scene, role: Role): Device | undefined =>
  chance.is(0.1) ? some(isInside) : some(({ space }) => space?.mayAdmit(role) === true)

export const admit: Act = async (scene) => {
  const role = roleFrom(scene)
  const [host, guest] = [hostOf(scene, role), scene.other(isOutside)]
  if (host && guest) await bring(host, guest, role, scene)
}

/** The guest’s process dies while it takes up the space. */
export const crashWhileJoining: Act = async (scene) => {
  const role = roleFrom(scene)
  const [host, guest] = [hostOf(scene, role), scene.other(isOutside)]
  if (!host || !guest) return
  await crashSoon(scene, guest)
  await bring(host, guest, role, scene)
}

/** Two admit one and the same candidate at once, perhaps at different roles. */
export const admitAtOnce: Act = async (scene) => {
  const roles = [roleFrom(scene), roleFrom(scene)] as const
  const [host, guest] = [hostOf(scene, roles[0]), scene.other(isOutside)]
  const other = scene.other(({ space }) => space?.mayAdmit(roles[1]) === true)
  if (!host || !guest || !other) return
  await Promise.all([bring(host, guest, roles[0], scene), bring(other, guest, roles[1], scene)])
}
