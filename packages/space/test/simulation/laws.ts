import { isDeepStrictEqual } from 'node:util'
import type { Credential } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { Device } from './device.ts'
import type { History } from './history.ts'
import { idsIn, storeOf, viewOf } from './observe.ts'
import { Oracle } from './oracle.ts'
import { checkSecrecy, epochsOf } from './secrecy.ts'

/** Everything that has to hold when all has come to rest. @throws Broken */
export async function checkOutcome(devices: readonly Device[], history: History): Promise<void> {
  const inside = devices.filter(({ space }) => space !== undefined)
  const [first] = inside
  if (first?.space === undefined) return
  const credentials = inside.flatMap(({ space }) =>
    space ? storeOf(space).roster.membership.credentials() : [],
  )
  const oracle = new Oracle(first.space.key, new Map(credentials.map((one) => [one.id, one])).values())
  const standing = inside.filter(({ identity }) => identity !== undefined && oracle.members.has(identity))
  note(standing, history)
  sameMembers(standing, history, oracle)
  const written: Written = new Map()
  const authors = new Map<PublicKey, Device>()
  for (const device of inside)
    for (const feed of dataFeedsOf(device, credentials)) {
      authors.set(feed, device)
      written.set(feed, await idsIn(device, first.space.key, feed))
    }
  const epochs = await epochsOf(inside, authors)
  sameMessages(standing, { written, epochs }, history, oracle)
  acknowledged(devices, written, history)
  inOrder(standing, history)
  checkSecrecy(inside, epochs, history, oracle)
  entitled(standing, devices, history)
  history.assertUnbroken()
}

/** Those that it was admitted with, and those that it has admitted by itself. */
const dataFeedsOf = (device: Device, credentials: readonly Credential[]): Set<PublicKey> => {
  const key = device.running?.signingContext.deviceKey
  const admitted = credentials.flatMap(({ claim }) =>
    claim.type === 'AdmittedFeed' && claim.purpose === 'DATA' && claim.device === key ? claim.feed : [],
  )
  return new Set(admitted)
}

const membersOf = ({ space }: Device): string[] =>
  (space?.members() ?? []).map(({ identityKey, role }) => `${role} ${identityKey.toHex()}`).sort()

/** What counts: what a device wrote and nobody counts is shown to itself only. */
const idsOf = ({ space }: Device): string[] =>
  space?.messages().flatMap(({ id, included }) => (included === false ? [] : id)) ?? []

function note([first]: readonly Device[], { trace }: History): void {
  if (first?.space === undefined) return
  trace.push(`at ${first.name}:`, ...viewOf(first.space).members, ...viewOf(first.space).messages)
}

function sameMembers(standing: readonly Device[], history: History, { members }: Oracle): void {
  const expected = [...members].map(([identity, { role }]) => `${role} ${identity.toHex()}`).sort()
  for (const device of standing) {
    const own = membersOf(device)
    const show = () => `${device.name} has\n${own.join('\n')}\ninstead of\n${expected.join('\n')}`
    history.law('all agree on the members', isDeepStrictEqual(own, expected), show)
  }
}

/** Ids of everything that was written, by feed, in order, whether or not that was acknowledged. */
type Written = Map<PublicKey, readonly string[]>

/** What was written counts as far as the oracle says, in one order, for all who may read it. */
function sameMessages(
  standing: readonly Device[],
  { written, epochs }: { readonly written: Written; readonly epochs: ReadonlyMap<string, string> },
  history: History,
  oracle: Oracle,
): void {
  const expected = [...written].flatMap(([feed, ids]) => ids.slice(0, oracle.included(feed)))
  const texts = new Map(
    history.writes.flatMap((one) => (typeof one.outcome === 'object' ? [[one.outcome.id, one.text]] : [])),
  )
  const [first] = standing
  const all = first ? idsOf(first) : []
  for (const device of standing) {
    const own = idsOf(device)
    const reads = (id: string) => device.identity && oracle.reads(device.identity, epochs.get(id) ?? '')
    const lacking = expected.filter((id) => !own.includes(id) && reads(id))
    const beyond = own.filter((id) => !expected.includes(id))
    const show = (ids: string[]) => () => `${device.name}: ${ids.map((id) => texts.get(id) ?? id)}`
    history.law('what counts is with all members', lacking.length === 0, show(lacking))
    history.law('what does not count is with no member', beyond.length === 0, show(beyond))
    const [mine, theirs] = [own.filter((id) => all.includes(id)), all.filter((id) => own.includes(id))]
    history.law('all have it in one order', isDeepStrictEqual(mine, theirs), show([]))
  }
}

function acknowledged(devices: readonly Device[], written: Written, history: History): void {
  const kept = new Set([...written.values()].flat())
  for (const { name, acknowledged, space } of devices) {
    const shown = new Set(space?.messages().map(({ id }) => id))
    for (const [id, text] of acknowledged) {
      history.law('what was acknowledged is kept', kept.has(id), () => `${name} lost “${text}”`)
      history.law('who wrote it sees it', shown.has(id), () => `${name} does not see “${text}”`)
    }
  }
  const refused = new Set(history.writes.flatMap(({ text, outcome }) => (outcome === 'refused' ? text : [])))
  for (const { name, space } of devices)
    for (const { text } of space?.messages() ?? [])
      history.law('what was refused was not done', !refused.has(text ?? ''), () => `${name} has “${text}”`)
}

/** Each message stands behind all that its author saw when it wrote it. */
function inOrder(standing: readonly Device[], history: History): void {
  for (const device of standing) {
    const places = new Map(idsOf(device).map((id, at) => [id, at]))
    for (const { outcome, knew, text } of history.writes) {
      const at = typeof outcome === 'object' ? places.get(outcome.id) : undefined
      const isBehind = at === undefined || knew.every((id) => (places.get(id) ?? -1) < at)
      history.law('a message stands behind what its author knew', isBehind, () => `${device.name}: ${text}`)
    }
  }
}

function entitled(standing: readonly Device[], devices: readonly Device[], history: History): void {
  const names = new Map(devices.map(({ identity, name }) => [identity, name]))
  for (const { space, name } of standing)
    for (const { identityKey } of space?.members() ?? []) {
      const member = names.get(identityKey)
      const isAdmitted = history.admissions.some(({ guest, hostRole }) => guest === member && hostRole)
      history.law(
        'a member was admitted by one in office',
        isAdmitted || member === devices[0]?.name,
        () => `${name} has ${member}`,
      )
    }
}
