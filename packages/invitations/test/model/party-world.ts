import type { GuestConfig, GuestEvent, GuestState, GuestStepResult } from '../../src/machine/guest-state.ts'
import type { SessionId } from '../../src/machine/host-state.ts'
import { hostKey, namesByAge } from './host-key.ts'
import type { HostModel, HostSide, ToGuest } from './host-side.ts'

/** The host with guests that run the guest's machine, over connections that break. */
export interface Party {
  readonly side: HostSide
  readonly guests: readonly Guest[]
  readonly lines: ReadonlyMap<SessionId, Line>
  readonly left: Budget
  readonly broken: string | undefined
}

export interface Guest {
  readonly identity: string
  /** Nobody else here has this identity. */
  readonly alone: boolean
  readonly machine: GuestState
  readonly holdsRightCode: boolean
  readonly member: boolean
}

export type ToHost =
  | { readonly type: 'hello'; readonly resume: boolean }
  | { readonly type: 'share'; readonly attempt: number }
  | { readonly type: 'proof'; readonly right: boolean }
  | { readonly type: 'end' }

/** One connection: what is under way in each direction, and which ends are still there. */
export interface Line {
  readonly guest: number
  readonly toHost: readonly ToHost[]
  readonly toGuest: readonly ToGuest[]
  readonly atGuest: boolean
  readonly retry: boolean
}

/** How often each of these may happen. */
export interface Budget {
  readonly connections: number
  readonly cuts: number
  readonly timeouts: number
  readonly typos: number
  readonly crashes: number
  readonly failures: number
  readonly duplicates: number
  readonly swaps: number
  readonly ends: number
  readonly leaves: number
}

export const NOTHING: Budget = {
  connections: 0,
  cuts: 0,
  timeouts: 0,
  typos: 0,
  crashes: 0,
  failures: 0,
  duplicates: 0,
  swaps: 0,
  ends: 0,
  leaves: 0,
}

export interface PartyRules {
  readonly guests: number
  readonly multiUse: boolean
  readonly hasCode: boolean
  readonly approve?: boolean
  readonly slots?: number
  readonly budget: Partial<Budget>
  /** Both guests are one person with one identity, on two connections of two peers. */
  readonly oneIdentity?: boolean
  readonly host?: Partial<HostModel>
  readonly guestStep?: (state: GuestState, event: GuestEvent) => GuestStepResult
}

export interface Table {
  readonly host: HostModel
  readonly guest: GuestConfig
  readonly step: (state: GuestState, event: GuestEvent) => GuestStepResult
}

export function post(party: Party, session: SessionId, message: ToHost): Party {
  const line = party.lines.get(session)
  return line === undefined ? party : withLine(party, session, { ...line, toHost: [...line.toHost, message] })
}
export function withLine(party: Party, session: SessionId, line: Line): Party {
  return { ...party, lines: new Map(party.lines).set(session, line) }
}
export function withGuest(party: Party, i: number, change: Partial<Guest>): Party {
  return { ...party, guests: party.guests.map((guest, j) => (j === i ? { ...guest, ...change } : guest)) }
}
export function brokenBy(party: Party, law: string): Party {
  return { ...party, broken: party.broken ?? law }
}

export function partyKey(party: Party): string {
  const names = namesByAge(party.side, party.lines.keys())
  const guests = party.guests.map(({ machine: m, holdsRightCode, member }) => [
    m.state,
    [...m.greeting],
    m.active?.session,
    m.active?.step,
    m.active?.attempt,
    [m.asked, m.codeHeld, m.sends, m.wrong, m.prepared, m.resume, m.storing, m.outcome],
    holdsRightCode && m.codeHeld,
    member,
  ])
  const lines = [...party.lines]
    .map(([id, { guest, toHost, toGuest, atGuest, retry }]) => [
      names.get(id),
      guest,
      toHost,
      toGuest,
      atGuest,
      retry,
    ])
    .sort()
  const rest = JSON.stringify([guests, Object.values(party.left), party.broken]).replace(
    /\bs\d\b/g,
    (id) => names.get(id) ?? id,
  )
  return hostKey(party.side, names) + rest + JSON.stringify(lines)
}
