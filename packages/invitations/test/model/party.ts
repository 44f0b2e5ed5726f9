import { guestStep } from '../../src/machine/guest-machine.ts'
import { type GuestEffect, type GuestEvent, guestConfig, guestState } from '../../src/machine/guest-state.ts'
import { asking, hostConfig, isEndedLife, type SessionId } from '../../src/machine/host-state.ts'
import type { Model, Move } from './explore.ts'
import {
  crash,
  decide,
  type Heard,
  type HostSide,
  hear,
  isForgotten,
  land,
  newHostSide,
  stored,
  storeFailed,
  type ToGuest,
  theHost,
} from './host-side.ts'

import {
  type Budget,
  brokenBy,
  type Guest,
  type Line,
  NOTHING,
  type Party,
  type PartyRules,
  partyKey,
  post,
  type Table,
  type ToHost,
  withGuest,
  withLine,
} from './party-world.ts'

export function party(rules: PartyRules): Model<Party> {
  const table: Table = {
    host: theHost(
      { ...hostConfig({ ...rules, approve: rules.approve === true }), attempts: 2, slots: rules.slots ?? 8 },
      rules.host,
    ),
    guest: guestConfig(rules),
    step: rules.guestStep ?? guestStep,
  }
  const guests = Array.from(
    { length: rules.guests },
    (_, i): Guest => ({
      identity: rules.oneIdentity ? 'A' : 'AB'.charAt(i),
      alone: rules.oneIdentity !== true,
      machine: guestState(table.guest),
      holdsRightCode: false,
      member: false,
    }),
  )
  let start: Party = {
    side: newHostSide(table.host),
    guests,
    lines: new Map(),
    left: { ...NOTHING, ...rules.budget },
    broken: undefined,
  }
  for (const [i] of guests.entries()) start = tell(table, start, i, { type: 'started' })
  return {
    start,
    key: partyKey,
    broken: (party) => party.broken ?? party.side.broken,
    ended: ({ guests, side }) =>
      guests.every(({ machine }) => machine.outcome !== undefined) && side.storing === undefined,
    moves: (party) => moves(table, party),
  }
}

/** One event into a guest's machine, and its effects carried out. Its own storage answers at once. */
function tell(table: Table, party: Party, i: number, event: GuestEvent): Party {
  const guest = party.guests[i] as Guest
  const [machine, effects] = table.step(guest.machine, event)
  let next = withGuest(party, i, { machine })
  if (guest.machine.outcome !== undefined && machine.outcome !== guest.machine.outcome)
    next = brokenBy(next, 'law 7: what a guest reported at its end stays')
  for (const effect of effects) next = performForGuest(table, next, i, effect, event)
  return next
}

function performForGuest(
  table: Table,
  party: Party,
  i: number,
  effect: GuestEffect,
  event: GuestEvent,
): Party {
  const guest = party.guests[i] as Guest
  switch (effect.type) {
    case 'hello':
      return post(party, effect.session, { type: 'hello', resume: effect.resume })
    case 'share':
      return post(party, effect.session, { type: 'share', attempt: effect.attempt })
    case 'proof':
      return post(party, effect.session, { type: 'proof', right: guest.holdsRightCode })
    case 'prepare':
      return tell(table, party, i, { type: 'prepared' })
    case 'accept': {
      const admitted = party.side.admitted.includes(guest.identity)
      const next = withGuest(party, i, { member: true })
      const law = 'law 5: a membership that is stored is one that the host has recorded'
      return tell(table, admitted ? next : brokenBy(next, law), i, { type: 'accepted' })
    }
    case 'finished':
      return checkOutcome(party, guest, event)
    case 'close': {
      const line = party.lines.get(effect.session)
      if (line === undefined) return party
      const toHost = [...line.toHost, { type: 'end' } as const]
      return withLine(party, effect.session, { ...line, atGuest: false, toGuest: [], toHost, retry: false })
    }
    case 'retryLater': {
      const line = party.lines.get(effect.session)
      return line === undefined ? party : withLine(party, effect.session, { ...line, retry: true })
    }
    case 'ask':
    case 'connected':
    case 'forgetCode':
    case 'arm':
    case 'disarm':
    case 'armPerson':
    case 'disarmPerson':
    case 'armSearch':
    case 'disarmSearch':
      return party
  }
}

function checkOutcome(party: Party, { machine, identity, alone, member }: Guest, event: GuestEvent): Party {
  const outcome = machine.outcome
  const { side } = party
  if (outcome?.state === 'SUCCESS' && !(member && side.admitted.includes(identity)))
    return brokenBy(party, 'law 5: a guest that reports success has a membership that its host recorded')
  if (outcome?.error === 'LOCKED' && side.wrongCompared + side.burnt < side.record.allowed)
    return brokenBy(party, 'law 6: an invitation is locked by wrong codes only')
  const told = event.type === 'refused' && alone && isEndedLife(side.machine.record.life)
  if (told && outcome?.error !== 'LOCKED' && machine.resume && side.admitted.includes(identity))
    return brokenBy(party, 'law 6: who was admitted is not told that the invitation is over')
  return party
}

/** What the host heard, and what it sent, put on the lines. */
function heard(party: Party, { side, sent }: Heard): Party {
  let next: Party = { ...party, side }
  for (const [session, message] of sent) {
    const line = next.lines.get(session)
    if (line?.atGuest) next = withLine(next, session, { ...line, toGuest: [...line.toGuest, message] })
  }
  return next
}

function moves(table: Table, party: Party): Move<Party>[] {
  const list: Move<Party>[] = []
  const { side, left } = party
  const add = (label: string, next: Party, spend?: keyof Budget): void => {
    list.push([
      label,
      tidy(spend === undefined ? next : { ...next, left: { ...left, [spend]: left[spend] - 1 } }),
    ])
  }
  for (const [i, guest] of party.guests.entries()) {
    if (guest.machine.outcome !== undefined) continue
    guestMoves(table, party, i, guest, add)
  }
  for (const [session, line] of party.lines) lineMoves(table, party, session, line, add)
  for (const session of side.armed)
    if (left.timeouts > 0 && side.machine.sessions.has(session))
      add(
        `host: ${session} timed out`,
        heard(party, hear(table.host, side, { type: 'timedOut', session })),
        'timeouts',
      )
  for (const session of asking(side.machine))
    for (const yes of [true, false])
      add(
        `host: ${session} ${yes ? 'approved' : 'declined'}`,
        heard(party, decide(table.host, side, session, yes)),
      )
  if (side.storing !== undefined) {
    add(`host: ${side.storing.type} done`, heard(party, stored(table.host, side)))
    if (left.failures > 0)
      add(`host: ${side.storing.type} failed`, heard(party, storeFailed(table.host, side)), 'failures')
  }
  if (left.crashes > 0) {
    add('host: crash', afterCrash(party, crash(table.host, side)), 'crashes')
    if (side.storing !== undefined)
      add(
        'host: crash after storing',
        afterCrash(party, crash(table.host, land(table.host, side))),
        'crashes',
      )
  }
  if (left.ends > 0) {
    add('host: cancel', heard(party, hear(table.host, side, { type: 'cancel' })), 'ends')
    add('host: expired', heard(party, hear(table.host, side, { type: 'expired' })), 'ends')
  }
  return list
}

type Add = (label: string, next: Party, spend?: keyof Budget) => void

function guestMoves(table: Table, party: Party, i: number, { machine }: Guest, add: Add): void {
  const { left } = party
  const say = (event: GuestEvent): Party => tell(table, party, i, event)
  const connected = machine.active !== undefined || machine.greeting.size > 0
  const id = ['s0', 's1', 's2', 's3', 's4'].find(
    (name) => !party.lines.has(name) && isForgotten(party.side, name),
  )
  if (left.connections > 0 && !connected && id !== undefined && machine.storing === undefined) {
    const line: Line = { guest: i, toHost: [], toGuest: [], atGuest: true, retry: false }
    const opened = heard(
      withLine(party, id, line),
      hear(table.host, party.side, { type: 'opened', session: id, peer: `g${i}` }),
    )
    add(
      `guest ${i}: ${id} opened`,
      tell(table, opened, i, { type: 'opened', session: id, peer: 'host' }),
      'connections',
    )
  }
  if (machine.asked) {
    add(
      `guest ${i}: right code`,
      tell(table, withGuest(party, i, { holdsRightCode: true }), i, { type: 'code' }),
    )
    if (left.typos > 0)
      add(
        `guest ${i}: wrong code`,
        tell(table, withGuest(party, i, { holdsRightCode: false }), i, { type: 'code' }),
        'typos',
      )
    if (!connected) add(`guest ${i}: person timed out`, say({ type: 'personTimedOut' }))
  } else if (!connected) add(`guest ${i}: search timed out`, say({ type: 'searchTimedOut' }))
  if (left.leaves > 0) add(`guest ${i}: cancel`, say({ type: 'cancel' }), 'leaves')
}

function lineMoves(table: Table, party: Party, session: SessionId, line: Line, add: Add): void {
  const { left } = party
  const guest = party.guests[line.guest] as Guest
  const [first, second] = line.toHost
  const toHostLess = (rest: readonly ToHost[]): Party => withLine(party, session, { ...line, toHost: rest })
  if (first !== undefined) {
    add(
      `host hears ${session} ${first.type}`,
      atHost(table, toHostLess(line.toHost.slice(1)), session, guest, first),
    )
    if (left.duplicates > 0 && first.type !== 'end')
      add(
        `host hears ${session} ${first.type}, and again`,
        atHost(table, party, session, guest, first),
        'duplicates',
      )
    if (left.swaps > 0 && second !== undefined)
      add(
        `host hears ${session} ${second.type} first`,
        atHost(table, toHostLess([first, ...line.toHost.slice(2)]), session, guest, second),
        'swaps',
      )
  }
  const [message, next] = line.toGuest
  if (message !== undefined && line.atGuest) {
    const less = (rest: readonly ToGuest[]): Party => withLine(party, session, { ...line, toGuest: rest })
    add(
      `guest ${line.guest} hears ${session} ${named(message)}`,
      atGuest(table, less(line.toGuest.slice(1)), session, line.guest, message),
    )
    if (left.duplicates > 0 && message.type !== 'end')
      add(
        `guest ${line.guest} hears ${session} ${named(message)}, and again`,
        atGuest(table, party, session, line.guest, message),
        'duplicates',
      )
    if (left.swaps > 0 && next !== undefined)
      add(
        `guest ${line.guest} hears ${session} ${named(next)} first`,
        atGuest(table, less([message, ...line.toGuest.slice(2)]), session, line.guest, next),
        'swaps',
      )
  }
  if (line.atGuest && left.cuts > 0) add(`${session} is cut`, cut(table, party, session, line), 'cuts')
  if (line.atGuest && left.timeouts > 0 && guest.machine.outcome === undefined)
    add(
      `guest ${line.guest}: ${session} timed out`,
      tell(table, party, line.guest, { type: 'timedOut', session }),
      'timeouts',
    )
  if (line.retry)
    add(
      `guest ${line.guest}: retry`,
      tell(table, withLine(party, session, { ...line, retry: false }), line.guest, {
        type: 'retry',
        session,
      }),
    )
}

const named = (message: ToGuest): string => (message.type === 'refused' ? message.refusal.code : message.type)

function atHost(table: Table, party: Party, session: SessionId, guest: Guest, message: ToHost): Party {
  const { host } = table
  const { side } = party
  switch (message.type) {
    case 'hello':
      return heard(
        party,
        hear(host, side, { type: 'hello', session, macValid: true, resume: message.resume }),
      )
    case 'share':
      return heard(party, hear(host, side, { type: 'share', session, attempt: message.attempt }))
    case 'proof': {
      const proof = { right: message.right, identity: guest.identity }
      const known = side.proofs.has(session) ? undefined : proof
      return heard(party, hear(host, side, { type: 'proof', session }, known))
    }
    case 'end':
      return heard(party, hear(host, side, { type: 'lost', session }))
  }
}

function atGuest(table: Table, party: Party, session: SessionId, i: number, message: ToGuest): Party {
  switch (message.type) {
    case 'offer':
      return tell(table, party, i, { type: 'offered', session, valid: true })
    case 'share':
      return tell(table, party, i, { type: 'shared', session, valid: true })
    case 'waiting':
      return tell(table, party, i, { type: 'waiting', session })
    case 'answer':
      return tell(table, party, i, {
        type: 'answered',
        session,
        valid: message.identity === (party.guests[i] as Guest).identity,
      })
    case 'refused':
      return tell(table, party, i, {
        type: 'refused',
        session,
        peer: 'host',
        refusal: message.refusal,
        signed: message.signed,
      })
    case 'end': {
      const line = party.lines.get(session)
      const gone =
        line === undefined
          ? party
          : withLine(party, session, { ...line, atGuest: false, toGuest: [], retry: false })
      return tell(table, gone, i, { type: 'lost', session })
    }
  }
}

/** The guest notices at once, the host when it gets to it; what was under way is gone. */
function cut(table: Table, party: Party, session: SessionId, line: Line): Party {
  const gone = withLine(party, session, {
    ...line,
    atGuest: false,
    toGuest: [],
    toHost: [{ type: 'end' }],
    retry: false,
  })
  return tell(table, gone, line.guest, { type: 'lost', session })
}

function afterCrash(party: Party, side: HostSide): Party {
  const lines = [...party.lines].map(([id, line]): [SessionId, Line] => [
    id,
    { ...line, toHost: [], toGuest: line.atGuest ? [{ type: 'end' }] : [] },
  ])
  return { ...party, side, lines: new Map(lines) }
}

/** Lines that both ends have left are gone. */
function tidy(party: Party): Party {
  const over = [...party.lines].filter(
    ([id, line]) => !line.atGuest && (line.toHost.length === 0 || !party.side.machine.sessions.has(id)),
  )
  if (over.length === 0) return party
  const lines = new Map(party.lines)
  for (const [id] of over)
    if (isForgotten(party.side, id) || lines.get(id)?.toHost.length === 0) lines.delete(id)
  return { ...party, lines }
}
