import { effectiveLife, isEndedLife, usesOf } from '../../src/machine/host-state.ts'
import { type ChaosBounds, configOf, moves as hostMoves } from '../model/chaos.ts'
import type { Model, Move } from '../model/explore.ts'
import { hostKey } from '../model/host-key.ts'
import {
  crash,
  type HostModel,
  type HostSide,
  hear,
  land,
  newHostSide,
  storeFailed,
  theHost,
} from '../model/host-side.ts'

/** What one host has put into the space. */
export interface Said {
  readonly failed: number
  /** Whom it admitted, in order. */
  readonly redeemed: readonly string[]
  readonly cancelled: boolean
}

/** Two hosts of one delegated invitation, each with guests that send anything at any time. */
export interface TwoHosts {
  readonly hosts: readonly [HostSide, HostSide]
  readonly said: readonly [Said, Said]
  /** What each has heard of the other. */
  readonly heard: readonly [Said, Said]
  readonly crashes: number
  readonly failures: number
  readonly ended: boolean
  readonly broken: string | undefined
}

/** How it stands by what is known. */
export interface Standing {
  readonly failed: number
  readonly admitted: readonly string[]
  readonly ended?: 'REDEEMED' | 'CANCELLED' | 'LOCKED'
}

export interface TwoHostsModel {
  readonly bounds: ChaosBounds
  readonly host: HostModel
  /** What the space makes of what both said; a seeded defect may change it. */
  readonly standing: (bounds: ChaosBounds, own: 0 | 1, said: readonly [Said, Said]) => Standing
}

const NOTHING: Said = { failed: 0, redeemed: [], cancelled: false }
const other = (i: 0 | 1): 0 | 1 => (i === 0 ? 1 : 0)
const put = <T>(pair: readonly [T, T], i: 0 | 1, one: T): readonly [T, T] =>
  i === 0 ? [one, pair[1]] : [pair[0], one]

/** As `Membership.delegations` has it: a cancellation voids what it did not know, and of two the first stands. */
export function standingOf(
  { multiUse, attempts, uses }: ChaosBounds,
  own: 0 | 1,
  said: readonly [Said, Said],
): Standing {
  const valid = ([0, 1] as const).flatMap((i) => (said[other(i)].cancelled ? [] : said[i].redeemed))
  const admitted = multiUse ? [...new Set(valid)] : valid.slice(0, 1)
  const failed = said[other(own)].failed
  const total = said[0].failed + said[1].failed
  if (admitted.length >= usesOf({ multiUse, uses })) return { failed, admitted, ended: 'REDEEMED' }
  if (said[0].cancelled || said[1].cancelled) return { failed, admitted, ended: 'CANCELLED' }
  const isLocked = total >= attempts + (multiUse ? admitted.length : 0)
  return { failed, admitted, ...(isLocked && { ended: 'LOCKED' }) }
}

export function twoHosts(bounds: ChaosBounds, changes: Partial<TwoHostsModel> = {}): Model<TwoHosts> {
  const host = theHost(configOf({ ...bounds, shared: true }))
  const model: TwoHostsModel = { bounds, host, standing: standingOf, ...changes }
  return {
    start: {
      hosts: [newHostSide(model.host), newHostSide(model.host)],
      said: [NOTHING, NOTHING],
      heard: [NOTHING, NOTHING],
      ...{ crashes: 0, failures: 0, ended: false, broken: undefined },
    },
    key: ({ hosts: [a, b], ...rest }) => `${hostKey(a)}|${hostKey(b)}|${JSON.stringify(rest)}`,
    broken: ({ broken, hosts: [a, b] }) => broken ?? a.broken ?? b.broken,
    ended: ({ hosts }) =>
      hosts.every(
        ({ machine, storing, record }) =>
          machine.sessions.size === 0 &&
          storing === undefined &&
          (isEndedLife(record.life) || effectiveLife(machine) === 'LOCKED'),
      ),
    moves: (world) => [...movesOf(model, world, 0), ...movesOf(model, world, 1)],
  }
}

function movesOf(model: TwoHostsModel, world: TwoHosts, i: 0 | 1): Move<TwoHosts>[] {
  const { bounds, host } = model
  const side = world.hosts[i]
  const list: Move<TwoHosts>[] = []
  const add = (label: string, next: TwoHosts): void => {
    list.push([`${'ab'[i]}: ${label}`, checked(model, world, next, i)])
  }
  const names = Array.from({ length: bounds.live }, (_, n) => `s${n}`)
  // What is stored goes through the space, and crashes are of the whole world: both are below.
  const alone = { side, crashes: Number.POSITIVE_INFINITY, failures: 0, ended: world.ended, rearms: 0 }
  for (const [label, next] of hostMoves(host, { ...bounds, failures: 0 }, names, alone))
    if (!label.endsWith(' done'))
      add(label, { ...world, hosts: put(world.hosts, i, next.side), ended: next.ended })
  if (side.storing !== undefined) {
    add(`${side.storing.type} done`, done(model, world, i))
    if (world.failures < bounds.failures) {
      const failed = put(world.hosts, i, storeFailed(host, side).side)
      add(`${side.storing.type} failed`, { ...world, hosts: failed, failures: world.failures + 1 })
    }
  }
  if (world.crashes < bounds.crashes) {
    const after = { ...world, crashes: world.crashes + 1 }
    add('crash', restarted(model, after, i))
    if (side.storing !== undefined && refusalOf(model, world, i) === undefined)
      add(`crash after ${side.storing.type}`, restarted(model, landed(model, after, i), i))
  }
  // What could not be stored is heard again.
  const isNews = JSON.stringify(world.heard[i]) !== JSON.stringify(world.said[other(i)])
  if (isNews || (side.machine.closing !== undefined && side.storing === undefined))
    add('hears', look(model, { ...world, heard: put(world.heard, i, world.said[other(i)]) }, i))
  return list
}

const known = ({ said, heard }: TwoHosts, i: 0 | 1): readonly [Said, Said] =>
  i === 0 ? [said[0], heard[0]] : [heard[1], said[1]]

const standingAt = ({ bounds, standing }: TwoHostsModel, world: TwoHosts, i: 0 | 1): Standing =>
  standing(bounds, i, known(world, i))

/** The host's machine is told how it stands. */
function look(model: TwoHostsModel, world: TwoHosts, i: 0 | 1): TwoHosts {
  const standing = standingAt(model, world, i)
  const side = world.hosts[i]
  const admitted = [...new Set([...side.admitted, ...standing.admitted])]
  const next = hear(model.host, { ...side, admitted }, { type: 'shared', ...standing }).side
  return { ...world, hosts: put(world.hosts, i, next) }
}

/** Why the space takes no admission any more. */
function refusalOf(model: TwoHostsModel, world: TwoHosts, i: 0 | 1): Standing['ended'] {
  return world.hosts[i].storing?.type === 'commit' ? standingAt(model, world, i).ended : undefined
}

/** What was being stored is durable, and said in the space. */
function landed(model: TwoHostsModel, world: TwoHosts, i: 0 | 1): TwoHosts {
  const { storing, admitted } = world.hosts[i]
  // Whoever came by the other host is given that admission once more.
  const again = storing?.type === 'commit' && admitted.includes(storing.identity) ? storing.identity : ''
  const before = { ...world.hosts[i], admitted: admitted.filter((one) => one !== again) }
  const side = land(model.host, before)
  const fresh = side.admitted.filter((one) => !admitted.includes(one))
  // An end that was heard of is not said again.
  const cancels = side.record.life === 'CANCELLED' && standingAt(model, world, i).ended === undefined
  const { redeemed, cancelled } = world.said[i]
  const said = { failed: side.told, redeemed: [...redeemed, ...fresh], cancelled: cancelled || cancels }
  return { ...world, hosts: put(world.hosts, i, side), said: put(world.said, i, said) }
}

function done(model: TwoHostsModel, world: TwoHosts, i: 0 | 1): TwoHosts {
  const { host } = model
  const reason = refusalOf(model, world, i)
  if (reason !== undefined) {
    const side = { ...world.hosts[i], storing: undefined }
    return { ...world, hosts: put(world.hosts, i, hear(host, side, { type: 'commitFailed', reason }).side) }
  }
  const { type } = world.hosts[i].storing ?? { type: 'write' }
  // The space tells of the act before whoever asked for it goes on.
  const told = look(model, landed(model, world, i), i)
  const side = { ...told.hosts[i], storing: undefined }
  const next = hear(host, side, { type: type === 'commit' ? 'committed' : 'written' }).side
  return { ...told, hosts: put(told.hosts, i, next) }
}

function restarted(model: TwoHostsModel, world: TwoHosts, i: 0 | 1): TwoHosts {
  return look(model, { ...world, hosts: put(world.hosts, i, crash(model.host, world.hosts[i])) }, i)
}

/** The laws that are about both. */
function checked(model: TwoHostsModel, before: TwoHosts, world: TwoHosts, i: 0 | 1): TwoHosts {
  const broken = world.broken ?? lawBroken(model, before, world, i)
  return broken === undefined ? world : { ...world, broken }
}

function lawBroken(model: TwoHostsModel, before: TwoHosts, world: TwoHosts, i: 0 | 1): string | undefined {
  const { attempts, multiUse } = model.bounds
  const side = world.hosts[i]
  const { storing, machine, record } = side
  const isNew = storing !== undefined && storing !== before.hosts[i].storing
  const heard = standingOf(model.bounds, i, known(world, i))
  if (isNew && storing.type === 'write' && storing.purpose === 'charge') {
    const budget = attempts + (multiUse ? heard.admitted.length : 0)
    if (storing.record.charged + heard.failed > budget)
      return 'law 1: what is known to have failed elsewhere is no attempt here'
  }
  if (isNew && storing.type === 'commit' && heard.ended !== undefined)
    return 'law 4: nobody is admitted to what is known to be over'
  const isQuiet = storing === undefined && machine.sessions.size === 0 && machine.intents.length === 0
  if (isQuiet && world.failures === 0 && record.charged > world.said[i].failed)
    return 'law 1: what failed here is told to the others'
  const haveMet = ([0, 1] as const).every(
    (one) => JSON.stringify(world.heard[one]) === JSON.stringify(world.said[other(one)]),
  )
  if (!haveMet) return undefined
  const [a, b] = [standingAt(model, world, 0), standingAt(model, world, 1)]
  const names = new Set([...a.admitted, ...b.admitted])
  if (!multiUse && names.size > 1) return 'law 2: hosts that have met agree on one guest'
  if (a.ended !== undefined && isQuiet && effectiveLife(machine) === 'OPEN')
    return 'law 4: what is over for the space is over at each host'
  return undefined
}
