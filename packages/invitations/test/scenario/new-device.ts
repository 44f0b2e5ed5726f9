import {
  type AuthenticatingInvitationProvider,
  DeviceInvitationsHandler,
  type DeviceInvitationsOptions,
} from '../../src/index.ts'
import { type Disk, memoryDisk } from './disk.ts'
import { type Process, turnOn } from './process.ts'
import type { Person, World } from './world.ts'

/** A device without an identity. */
export class NewDevice {
  readonly #world: World
  readonly disk: Disk
  #process: Process | undefined
  #handler: DeviceInvitationsHandler | undefined

  private constructor(world: World, disk: Disk) {
    this.#world = world
    this.disk = disk
  }

  static async on(world: World, disk: Disk = memoryDisk()): Promise<NewDevice> {
    const device = new NewDevice(world, disk)
    await device.start()
    return device
  }

  async start(): Promise<void> {
    const process = await turnOn(this.#world, { disk: this.disk, skewMs: 0, reachable: true }, () => {
      this.#process = undefined
    })
    const { networkManager, storage, keyring, clock } = process
    const { random } = this.#world
    this.#handler = new DeviceInvitationsHandler(networkManager, { storage }, keyring, { clock, random })
    this.#process = process
  }

  get process(): Process {
    if (this.#process === undefined) throw new TypeError('the device is off')
    return this.#process
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  get handler(): DeviceInvitationsHandler {
    if (this.#handler === undefined) throw new TypeError('the device was never on')
    return this.#handler
  }

  accept(link: string, options: DeviceInvitationsOptions = {}): AuthenticatingInvitationProvider {
    return this.handler.acceptInvitation(link, { label: 'phone', ...options })
  }

  async stop(): Promise<void> {
    if (this.#process === undefined) return
    const { clock } = this.#world
    const { networkManager, storage, life } = this.#process
    await clock.settle(this.handler.close())
    await clock.settle(networkManager.stop())
    await storage.close()
    await clock.advance(1_000)
    life.alive = false
    this.#process = undefined
  }

  /** Opens the identity that it has by now. */
  async asPerson(name: string): Promise<Person> {
    await this.stop()
    return this.#world.person(name, { disk: this.disk })
  }
}
