import type { Act } from './acts.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

export const partition: Act = ({ devices, chance, swarms, note }) => {
  const groups: string[][] = [[], [], []]
  for (const { name } of devices) chance.pick(groups).push(name)
  note(`partition ${groups.map((group) => group.join(' ')).join(' | ')}`)
  swarms.network.partition(...groups)
}

export const heal: Act = ({ swarms, note }) => {
  note('heal')
  swarms.network.heal()
}

export const badNetwork: Act = ({ chance, swarms, note }) => {
  const loss = chance.pick([0, 0.02, 0.1])
  const delayMs = chance.pick([[5, 80] as const, [0, 3_000] as const])
  note(`loss ${loss}, delay ${delayMs[1]} ms`)
  swarms.network.setFaults({ loss, delayMs })
}

export const skewClock: Act = ({ some, chance, note }) => {
  const device = some(() => true)
  if (device === undefined) return
  device.skewMs = Math.round((chance.random() - 0.5) * chance.pick([1_000, DAY_MS, 60 * DAY_MS]))
  note(`the clock of ${device.name} is ${Math.round(device.skewMs / 1_000)} s off`)
}

export const slowDisk: Act = ({ some, chance, note }) => {
  const device = some(() => true)
  if (device === undefined) return
  device.disk.slownessMs = chance.pick([0, 50, 2_000])
  note(`${device.name}’s disk takes ${device.disk.slownessMs} ms`)
}

export const fullDisk: Act = ({ some, chance, note }) => {
  const device = some(() => true)
  if (device === undefined) return
  device.disk.failing = 1 + chance.upTo(3)
  note(`${device.name}’s next ${device.disk.failing} transactions fail`)
}
