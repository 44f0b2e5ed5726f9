import {
  asking,
  effectiveLife,
  type HostConfig,
  hostConfig,
  isEndedLife,
} from '../../src/machine/host-state.ts'
import type { Model, Move } from './explore.ts'
import { hostKey } from './host-key.ts'
import {
  compare,
  crash,
  decide,
  failCompare,
  type Heard,
  type HostModel,
  type HostSide,
  hear,
  isForgotten,
  land,
  newHostSide,
  type Proof,
  stored,
  storeFailed,
  theHost,
  verify,
} from './host-side.ts'

/** The host against guests that send anything at any time, a disk that fails and a process that dies. */
export interface Chaos {
  readonly side: HostSide
  readonly crashes: number
  readonly failures: number
  readonly ended: boolean
  readonly rearms: number
}

export interface ChaosBounds {
  readonly multiUse: boolean
  readonly uses?: number
  readonly shared?: boolean
  readonly hasCode: boolean
  readonly approve?: boolean
  /** Wrong codes before the lock. */
  readonly attempts: number
  /** Guests send also what is not due, and two connections may be of one peer. */
  readonly unruly: boolean
  /** Connections at a time; there is no bound on how many there are one after the other. */
  readonly live: number
  readonly crashes: number
  readonly failures: number
  /** Whether the host may cancel, and the invitation expire. */
  readonly ends: boolean
  readonly rearms: number
  readonly proofs: readonly Proof[]
}

export const RIGHT: Proof = { right: true, identity: 'A' }
export const WRONG: Proof = { right: false, identity: 'A' }
export const OTHER: Proof = { right: true, identity: 'B' }
export const THIRD: Proof = { right: true, identity: 'C' }
export const UNPROVEN: Proof = { right: true, identity: undefined }
/** Has the link and proves who it is, which is not whom the invitation is for. */
export const STRANGER: Proof = { right: true, identity: undefined, reason: 'WRONG_GUEST' }

/** What a world makes of the limits. */
export const configOf = (bounds: ChaosBounds): HostConfig => ({
  ...hostConfig({ ...bounds, approve: bounds.approve === true }),
  attempts: bounds.attempts,
  slots: 2,
  maxTyping: 2,
  maxAsking: 2,
})

export function chaos(bounds: ChaosBounds, changes: Partial<HostModel> = {}): Model<Chaos> {
  const model = theHost(configOf(bounds), changes)
  const names = Array.from({ length: bounds.live }, (_, i) => `s${i}`)
  return {
    start: { side: newHostSide(model), crashes: 0, failures: 0, ended: false, rearms: 0 },
    key: (w) => `${hostKey(w.side)}${w.crashes}${w.failures}${w.ended}${w.rearms}`,
    broken: (w) => w.side.broken,
    ended: ({ side }) =>
      side.machine.sessions.size === 0 &&
      side.storing === undefined &&
      (isEndedLife(side.record.life) || effectiveLife(side.machine) === 'LOCKED'),
    moves: (world) => moves(model, bounds, names, world),
  }
}

/** What can happen to one host. */
export function moves(
  model: HostModel,
  bounds: ChaosBounds,
  names: readonly string[],
  world: Chaos,
): Move<Chaos>[] {
  const { side } = world
  const list: Move<Chaos>[] = []
  const add = (label: string, heard: Heard | HostSide, changes: Partial<Chaos> = {}): void => {
    list.push([label, { ...world, side: 'sent' in heard ? heard.side : heard, ...changes }])
  }
  const free = names.find((id) => isForgotten(side, id))
  const taken = new Set([...side.machine.sessions.values()].map(({ peer }) => peer))
  if (free !== undefined)
    for (const peer of ['p', 'q', 'r'])
      if (bounds.unruly ? peer === 'p' : !taken.has(peer)) {
        add(`${free} opened by ${peer}`, hear(model, side, { type: 'opened', session: free, peer }))
        break
      }
  for (const [session, { connected, attempt, step }] of side.machine.sessions) {
    if (!connected) continue
    const due = (at: string): boolean => bounds.unruly || step === at
    if (due('greeting')) {
      add(`${session} hello`, hear(model, side, { type: 'hello', session, macValid: true, resume: false }))
      if (bounds.ends || bounds.unruly)
        add(`${session} resume`, hear(model, side, { type: 'hello', session, macValid: true, resume: true }))
      add(
        `${session} bad hello`,
        hear(model, side, { type: 'hello', session, macValid: false, resume: true }),
      )
    }
    if (due('typing')) {
      add(`${session} share`, hear(model, side, { type: 'share', session, attempt }))
      add(`${session} next share`, hear(model, side, { type: 'share', session, attempt: attempt + 1 }))
    }
    if (due('sharing'))
      for (const proof of bounds.proofs) {
        // What a session sent first is what is compared: a second message 5 does not replace it.
        const first = side.proofs.has(session) ? undefined : proof
        add(`${session} proof ${JSON.stringify(proof)}`, hear(model, side, { type: 'proof', session }, first))
      }
    add(`${session} lost`, hear(model, side, { type: 'lost', session }))
    if (side.armed.has(session)) add(`${session} timed out`, hear(model, side, { type: 'timedOut', session }))
  }
  for (const session of side.comparing) {
    add(`${session} compared`, compare(model, side, session))
    if (world.failures < bounds.failures)
      add(`${session} not compared`, failCompare(model, side, session), { failures: world.failures + 1 })
  }
  for (const session of asking(side.machine))
    for (const yes of [true, false])
      add(`${session} ${yes ? 'approved' : 'declined'}`, decide(model, side, session, yes))
  for (const session of side.verifying) add(`${session} verified`, verify(model, side, session))
  if (side.storing !== undefined) {
    add(`${side.storing.type} done`, stored(model, side))
    if (world.failures < bounds.failures)
      add(`${side.storing.type} failed`, storeFailed(model, side), { failures: world.failures + 1 })
  }
  if (world.crashes < bounds.crashes) {
    add('crash', crash(model, side), { crashes: world.crashes + 1 })
    if (side.storing !== undefined)
      add(`crash after ${side.storing.type}`, crash(model, land(model, side)), { crashes: world.crashes + 1 })
  }
  const notStored = side.machine.closing !== undefined && side.storing === undefined
  if (bounds.ends && (!world.ended || notStored)) {
    add('cancel', hear(model, side, { type: 'cancel' }), { ended: true })
    add('expired', hear(model, side, { type: 'expired' }), { ended: true })
  }
  if (world.rearms < bounds.rearms)
    add('rearm', hear(model, side, { type: 'rearm' }), { rearms: world.rearms + 1 })
  return list
}
