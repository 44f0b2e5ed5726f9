import type { HostState } from '../../src/machine/host-state.ts'
import type { HostSide } from './host-side.ts'

const keys = new WeakMap<HostState, string>()
function machineKey(state: HostState): string {
  const known = keys.get(state)
  if (known !== undefined) return known
  const { record: r, sessions, reserved, closing, storing, intents, admitted, declined, elsewhere: e } = state
  const key = JSON.stringify([
    [r.life, r.charged, r.allowed, r.admissions, reserved ?? 0, closing ?? 0, e.failed, e.admissions],
    [...sessions].map(([id, s]) => [id, s.peer, s.step, s.resume, s.attempt, s.connected, s.identity]),
    storing ?? 0,
    intents,
    [...admitted],
    [...declined],
  ])
  keys.set(state, key)
  return key
}

/** Sessions are renamed by age: worlds that differ only in the names of their connections are the same. */
export function hostKey(side: HostSide, names?: ReadonlyMap<string, string>): string {
  const { record: r } = side
  const key =
    machineKey(side.machine) +
    JSON.stringify([
      [r.life, r.charged, r.allowed, r.admissions],
      side.admitted,
      side.storing ?? 0,
      side.comparing,
      side.verifying,
      [...side.proofs],
      [...side.armed].sort(),
      [[...side.matched], [...side.asked], [...side.approved]],
      [side.wrongCompared, side.burnt, side.told, side.acknowledged, side.broken ?? 0],
    ])
  const renamed = names ?? namesByAge(side)
  return key.replace(/\bs\d\b/g, (id) => renamed.get(id) ?? id)
}

export function namesByAge(side: HostSide, others: Iterable<string> = []): ReadonlyMap<string, string> {
  const ids = new Set([...side.machine.sessions.keys(), ...side.comparing, ...side.verifying, ...others])
  return new Map([...ids].map((id, i) => [id, `s${i}`]))
}
