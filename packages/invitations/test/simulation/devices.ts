import { expect } from 'vitest'
import type {
  CancellableInvitationObservable,
  DeviceInvitationsOptions,
  GuestRequest,
} from '../../src/index.ts'
import type { Fate } from '../scenario/disk.ts'
import { NewDevice } from '../scenario/new-device.ts'
import { type Invited, MINUTE } from '../scenario/world.ts'
import { type Guest, type Seeker, Simulation } from './simulation.ts'

const KINDS: readonly DeviceInvitationsOptions[] = [{}, { authMethod: 'NONE' }, { persistent: false }]

/** A device without an identity; it is called what it shows. */
class Stray implements Seeker {
  readonly name: string
  readonly device: NewDevice

  constructor(name: string, device: NewDevice) {
    this.name = name
    this.device = device
  }

  get isRunning(): boolean {
    return this.device.isRunning
  }
  get peer(): string {
    return this.device.process.networkManager.peer
  }
  accept(link: string) {
    return this.device.accept(link, { label: this.name })
  }
  setFate(fate: Fate): void {
    this.device.process.life.fate = fate
  }
  kill(): void {
    if (this.isRunning) this.device.process.life.kill()
  }
  restart(): Promise<void> {
    return this.device.start()
  }
}

/** Three devices of which one is to become a further one of an identity. */
export class DeviceSimulation extends Simulation<Stray> {
  protected readonly calmMs = 4 * MINUTE
  protected readonly multiUse = false
  protected readonly approve = true
  protected get persistent(): boolean {
    return this.#options.persistent !== false
  }
  readonly #options: DeviceInvitationsOptions
  /** What the device is called that showed a key; hex. */
  readonly #labels = new Map<string, string>()

  constructor(seed: number) {
    super(seed)
    this.#options = this.pick(KINDS)
    this.trace.push(`device ${JSON.stringify(this.#options)}`)
  }

  protected async invite(): Promise<Invited> {
    await this.host.createSpace()
    return this.host.inviteDevice(this.#options)
  }

  protected async restore(): Promise<CancellableInvitationObservable | undefined> {
    const [restored] = await this.world.clock.settle(this.host.running.devices.restore())
    return restored
  }

  protected async seeker(name: string): Promise<Stray> {
    return new Stray(name, await NewDevice.on(this.world))
  }

  protected guestOf(admitted: string): Guest<Stray> | undefined {
    return this.guests.find(({ seeker }) => seeker.name === this.#labels.get(admitted))
  }

  protected entryOf({ deviceKey, displayName }: GuestRequest): string {
    this.#labels.set(deviceKey.toHex(), displayName)
    return deviceKey.toHex()
  }

  /** A device that joined opens the identity and has its spaces; any other has nothing to open. */
  protected async checkGuest({ seeker }: Guest<Stray>, isIn: boolean, joined: boolean): Promise<void> {
    const { identity } = this.host.running.spaceManager
    const labels = identity.devices().map(({ label }) => label)
    expect(labels.includes(seeker.name), seeker.name).toBe(isIn)
    const { storage } = seeker.device.process
    expect((await storage.get('identity')) !== undefined, seeker.name).toBe(joined)
    if (!joined) return
    const person = await seeker.device.asPerson(seeker.name)
    await this.world.clock.advance(MINUTE)
    expect(person.identityKey).toBe(this.host.identityKey)
    const spacesOf = ({ running }: typeof person) => running.spaceManager.list().map(({ key }) => String(key))
    expect(spacesOf(person)).toEqual(spacesOf(this.host))
  }

  protected override async close(): Promise<void> {
    for (const { seeker } of this.guests) await seeker.device.stop()
    await super.close()
  }
}
