import { SpaceError } from '../../src/index.ts'
import type { Chance } from './chance.ts'
import type { Device } from './device.ts'
import type { History } from './history.ts'
import { admittedIn, idsIn, storeOf } from './observe.ts'
import type { Swarms } from './swarms.ts'

/** What an act works on. It does nothing where things are not so that it could be done. */
export interface Scene {
  /** A device for which this holds. */
  some(fits: (device: Device) => boolean): Device | undefined
  /** Another choice, perhaps the same device. */
  other(fits: (device: Device) => boolean): Device | undefined
  readonly devices: readonly Device[]
  readonly chance: Chance
  readonly history: History
  readonly swarms: Swarms
  after(ms: number, what: () => void): void
  note(what: string): void
}

export type Act = (scene: Scene, device?: Device) => void | Promise<void>

/** Refusals that are an answer, not a fault: the device was not allowed to, was closing, or its disk failed. */
const ANSWERS = new Set(['CLOSED', 'NOT_ALLOWED', 'STORAGE_FULL', 'NOT_A_MEMBER', 'NOT_ADMITTED'])

export const isAnswer = (error: unknown, ...more: string[]): boolean =>
  error instanceof SpaceError && (ANSWERS.has(error.code) || more.includes(error.code))

export const codeOf = (error: unknown): string => (error instanceof SpaceError ? error.code : String(error))

export const isInside = ({ space }: Device): boolean => space !== undefined
const isRunning = ({ running }: Device): boolean => running !== undefined

const writeOn = async (device: Device, { history, note }: Scene): Promise<void> => {
  const { space, name } = device
  if (space === undefined) return
  const text = `${name} ${history.writes.length}`
  const one: History['writes'][number] = {
    ...{ device: name, text, outcome: 'open' },
    knew: space.messages().map(({ id }) => id),
    without: device.meet(),
    heard: admittedIn(space),
  }
  history.writes.push(one)
  note(`${name} writes “${text}”`)
  try {
    const { id } = await space.write(text)
    one.heard = admittedIn(space)
    one.outcome = { id }
    device.acknowledged.set(id, text)
    note(`${name} wrote “${text}”`)
  } catch (error) {
    one.outcome = 'refused'
    note(`${name} did not write “${text}”: ${codeOf(error)}`)
    if (!isAnswer(error, 'READ_KEY_OUTDATED', 'READ_KEY_MISSING')) throw error
  }
}

export const write: Act = async (scene) => {
  const device = scene.some(isInside)
  if (device !== undefined) await writeOn(device, scene)
}

/** Waits until another member has what this device wrote, and looks at the disks whether that is so. */
export const deliver: Act = async ({ some, devices, history, note }) => {
  const device = some(isInside)
  const { space } = device ?? {}
  if (device === undefined || space === undefined) return
  const { record } = storeOf(space)
  const feed = record.dataFeedKey
  if (feed === undefined) return
  // What it wrote to a feed before, and what was cut with that, is not waited for.
  const own = await idsIn(device, record.spaceKey, feed)
  try {
    await space.delivered()
  } catch (error) {
    if (!isAnswer(error)) throw error
    return
  }
  // Nor what was cut while it waited: nobody takes that any more. The process may have died since.
  const counted = own.slice(0, storeOf(space).horizon.limitOf(feed))
  const ids = counted.filter((id) => device.acknowledged.has(id))
  note(`${device.name} has delivered ${ids.length}`)
  const others = devices.filter(({ name }) => name !== device.name)
  const kept = await Promise.all(others.map((other) => idsIn(other, record.spaceKey, feed)))
  const lacking = ids.filter((id) => !kept.some((elsewhere) => elsewhere.includes(id)))
  history.law('what was delivered is at another', lacking.length === 0, () => `${device.name}: ${lacking}`)
}

export const crash: Act = ({ some, note }) => {
  const device = some(({ isUp }) => isUp)
  if (device === undefined) return
  note(`${device.name} crashes`)
  device.crash()
}

/** The disk takes its time, and the process dies meanwhile, whatever it is at. */
export const crashSoon: Act = ({ some, chance, after, note }, device = some(({ isUp }) => isUp)) => {
  if (device === undefined) return
  note(`${device.name}’s disk takes 400 ms`)
  device.disk.slownessMs = 400
  after(chance.upTo(800), () => {
    note(`${device.name} crashes`)
    device.crash()
    device.disk.slownessMs = 0
  })
}

export const crashWhileWriting: Act = async (scene) => {
  const device = scene.some(isInside)
  if (device === undefined) return
  crashSoon(scene, device)
  await writeOn(device, scene)
}

export const start: Act = async (scene) => {
  const device = scene.some(({ isUp }) => !isUp)
  if (device === undefined) return
  scene.note(`${device.name} starts`)
  await begin(device, scene)
}

export const restart: Act = async (scene) => {
  const device = scene.some(isRunning)
  if (device === undefined) return
  scene.note(`${device.name} restarts`)
  await device.stop()
  await begin(device, scene)
}

/** A disk that fails keeps the process from coming up. */
async function begin(device: Device, { note }: Scene): Promise<void> {
  try {
    await device.start()
  } catch (error) {
    note(`${device.name} does not come up: ${codeOf(error)}`)
    device.crash()
    if (!isAnswer(error)) throw error
  }
}
