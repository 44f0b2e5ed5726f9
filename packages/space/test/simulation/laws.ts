import { isDeepStrictEqual } from 'node:util'
import type { Device } from './device.ts'
import type { History } from './history.ts'
import { viewOf } from './observe.ts'

/** Everything that has to hold when all has come to rest. @throws Broken */
export function checkOutcome(devices: readonly Device[], history: History): void {
  agree(devices, history)
  acknowledged(devices, history)
  entitled(devices, history)
  history.assertUnbroken()
  const [first] = devices
  if (first?.space === undefined) return
  history.trace.push(...viewOf(first.space).members, ...viewOf(first.space).messages)
}

/** The devices of members that have the space. */
const standing = (devices: readonly Device[]): Device[] => {
  const [founder] = devices
  return devices.filter(
    ({ space, identity }) =>
      space !== undefined && identity !== undefined && founder?.space?.roleOf(identity) !== undefined,
  )
}

function agree(devices: readonly Device[], history: History): void {
  const [first, ...others] = standing(devices)
  if (first?.space === undefined) return
  const expected = viewOf(first.space)
  for (const { space, name } of others) {
    const view = space && viewOf(space)
    const show = () =>
      `${first.name} and ${name}\n${JSON.stringify(expected, null, 1)}\n${JSON.stringify(view, null, 1)}`
    history.law('all agree on the members', isDeepStrictEqual(view?.members, expected.members), show)
    history.law('all agree on the messages', isDeepStrictEqual(view?.messages, expected.messages), show)
  }
}

function acknowledged(devices: readonly Device[], history: History): void {
  for (const { name, space, acknowledged } of devices) {
    const own = new Set(space?.messages().map(({ id }) => id))
    for (const [id, text] of acknowledged)
      history.law('what was acknowledged is kept', own.has(id), () => `${name} lost “${text}”`)
  }
  for (const { device, ids } of history.deliveries) {
    const others = devices.filter(({ name }) => name !== device)
    const elsewhere = new Set(others.flatMap(({ space }) => space?.messages().map(({ id }) => id) ?? []))
    for (const id of ids)
      history.law('what was delivered is at another', elsewhere.has(id), () => `${device}: ${id}`)
  }
  const refused = new Set(history.writes.flatMap(({ text, outcome }) => (outcome === 'refused' ? text : [])))
  for (const { name, space } of devices)
    for (const { text } of space?.messages() ?? [])
      history.law('what was refused was not done', !refused.has(text ?? ''), () => `${name} has “${text}”`)
}

function entitled(devices: readonly Device[], history: History): void {
  const names = new Map(devices.map(({ identity, name }) => [identity, name]))
  for (const { space, name } of standing(devices))
    for (const { identityKey } of space?.members() ?? []) {
      const member = names.get(identityKey)
      const isAdmitted = history.admissions.some(({ guest, hostRole }) => guest === member && hostRole)
      history.law(
        'a member was admitted by one in office',
        isAdmitted || member === devices[0]?.name,
        () => `${name} has ${member}`,
      )
    }
  for (const { guest, acknowledged } of history.admissions) {
    const device = devices.find(({ name }) => name === guest)
    const { identity } = device ?? {}
    if (acknowledged && identity !== undefined)
      history.law(
        'whoever was admitted is a member',
        devices[0]?.space?.roleOf(identity) !== undefined,
        () => `${guest} is none`,
      )
  }
}
