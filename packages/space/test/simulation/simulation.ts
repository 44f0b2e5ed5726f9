import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { VirtualClock } from '@vestibule/network/testing'
import type { Scene } from './acts.ts'
import { Chance, withSeededCrypto } from './chance.ts'
import { Device } from './device.ts'
import { Broken, History } from './history.ts'
import { checkOutcome } from './laws.ts'
import { reopen, viewOf } from './observe.ts'
import { ACTS, DEVICES, planOf, type Step } from './plan.ts'
import { Swarms } from './swarms.ts'

/** What came of a run. */
export interface Outcome {
  readonly seed: number
  readonly plan: readonly Step[]
  readonly trace: readonly string[]
  /** SHA-256 over the trace, in hex. */
  readonly hash: string
  /** The law that did not hold. */
  readonly broken?: Broken
}

/** One run: everything in it follows from the seed and the plan. */
class Simulation {
  readonly history = new History()
  readonly clock = new VirtualClock()
  readonly devices: Device[]
  readonly #swarms: Swarms
  readonly #chance: Chance

  constructor(seed: number) {
    this.#chance = new Chance(seed ^ 0x5eed)
    this.#swarms = new Swarms(this.clock, this.#chance.seed())
    const world = { clock: this.clock, swarms: this.#swarms, note: (what: string) => this.note(what) }
    this.devices = Array.from({ length: DEVICES }, (_, i) => new Device(world, `d${i}`, this.#chance.seed()))
  }

  note(what: string): void {
    this.history.trace.push(`${this.clock.now() - START_MS} ${what}`)
  }

  async run(plan: readonly Step[]): Promise<void> {
    for (const device of this.devices) await this.clock.settle(device.start())
    const [founder] = this.devices as [Device, ...Device[]]
    await this.clock.settle(founder.running?.manager.createSpace({ name: 'Kitchen' }) ?? never())
    for (const [i, step] of plan.entries()) {
      this.#do(step)
      await this.clock.advance(step.waitMs)
      for (const device of this.devices) device.meet()
      this.history.assertUnbroken()
      if (i % 12 === 11) await this.#checkMemory(this.#chance.pick(this.devices))
    }
    await this.#settleDown()
    for (let i = 0; i < 3; i++) await this.#checkMemory(this.#chance.pick(this.devices))
    await checkOutcome(this.devices, this.history)
  }

  /** Lets go of everything. */
  async end(): Promise<void> {
    this.#swarms.end()
    await new Promise((resolve) => setImmediate(resolve))
  }

  #do({ act, a, b, seed }: Omit<Step, 'waitMs'>): void {
    const scene: Scene = {
      some: (fits) => this.#nth(a, fits),
      other: (fits) => this.#nth(b, fits),
      devices: this.devices,
      chance: new Chance(seed),
      history: this.history,
      swarms: this.#swarms,
      after: (ms, what) => void this.clock.after(ms, what),
      note: (what) => this.note(what),
    }
    const failed = (error: unknown): void => {
      this.history.law(
        'an act is refused for what it says it may be',
        false,
        () => `${act}: ${String(error)}`,
      )
    }
    void (async () => ACTS.get(act)?.(scene))().catch(failed)
  }

  #nth(n: number, fits: (device: Device) => boolean): Device | undefined {
    const fitting = this.devices.filter(fits)
    return fitting[n % fitting.length]
  }

  /** What a device shows follows from its storage, and is not ahead of it. */
  async #checkMemory(device: Device): Promise<void> {
    const { running } = device
    if (running === undefined) return
    const live = running.manager.list().map(viewOf)
    const stored = await reopen(device, running, await device.disk.copy())
    const show = () => `${device.name}\nlive ${JSON.stringify(live)}\nstored ${JSON.stringify(stored)}`
    this.history.law('memory follows storage', isDeepStrictEqual(live, stored), show)
    this.history.assertUnbroken()
  }

  /** Everybody is back, nothing fails any more, and it goes on until nothing new is stored. */
  async #settleDown(): Promise<void> {
    this.note('all is well again')
    this.#swarms.network.heal()
    this.#swarms.network.setFaults({ loss: 0, delayMs: [5, 80] })
    this.#swarms.wanted = 4
    for (const { disk } of this.devices) {
      disk.failing = 0
      disk.slownessMs = 0
    }
    // What was begun on a slow disk comes to its end.
    await this.clock.advance(10_000)
    for (const device of this.devices) if (!device.isUp) await this.clock.settle(device.start())
    await this.#rest()
    this.#do({ act: 'ask again', a: 0, b: 0, seed: 0 })
    await this.#rest()
  }

  async #rest(): Promise<void> {
    const versions = () => this.devices.reduce((sum, { disk }) => sum + disk.version, 0)
    let quiet = 0
    for (let round = 0; quiet < 2; round++) {
      const before = versions()
      await this.clock.advance(DEVICES * 2_000)
      quiet = versions() === before ? quiet + 1 : 0
      this.history.law('it comes to rest', round < 30, () => 'still storing after ten minutes')
      this.history.assertUnbroken()
    }
  }
}

const START_MS = new VirtualClock().now()
const never = (): Promise<never> => Promise.reject(new TypeError('the founder does not run'))

/** Runs a plan; that of the seed unless given. */
export async function simulate(seed: number, plan: readonly Step[] = planOf(seed)): Promise<Outcome> {
  return withSeededCrypto(seed, async () => {
    const simulation = new Simulation(seed)
    let broken: Broken | undefined
    try {
      await simulation.run(plan)
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      broken = error
    }
    const trace = [...simulation.history.trace]
    const hash = createHash('sha256').update(trace.join('\n')).digest('hex')
    await simulation.end()
    return { seed, plan, trace, hash, ...(broken && { broken }) }
  })
}
