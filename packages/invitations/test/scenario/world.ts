import '../crypto-here.ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { PublicKey } from '@vestibule/keys'
import type { NetworkNode, Random } from '@vestibule/network'
import {
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryRelay,
  seededRandom,
  VirtualClock as Virtual,
  type VirtualClock,
} from '@vestibule/network/testing'
import { SigningContext, type Space, SpaceManager, type Storage } from '@vestibule/space'
import { expect } from 'vitest'
import {
  type AuthenticatingInvitationProvider,
  type CancellableInvitationObservable,
  DeviceInvitationsHandler,
  type DeviceInvitationsOptions,
  type Invitation,
  type InvitationObservable,
  type InvitationState,
  type InvitationsOptions,
  SpaceInvitationsHandler,
} from '../../src/index.ts'
import { parseStoredInvitation, recordKeys, type StoredInvitation } from '../../src/records.ts'
import { type Fate, memoryDisk } from './disk.ts'
import { type Device, type Process, turnOn } from './process.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** Where people and attackers are: on a network in memory, or on sockets. */
export interface Surroundings {
  readonly clock: Pick<VirtualClock, 'now' | 'after' | 'settle' | 'advance'>
  readonly network: {
    createNode(options?: { readonly reachable?: boolean }): NetworkNode
    readonly random: Random
  }
  readonly relay: { readonly address: string }
  readonly random: (length: number) => Uint8Array
  /** Until the network has noticed that somebody is gone. */
  rest(): Promise<unknown>
}

/** Surroundings that people live in. */
export interface Peopled extends Surroundings {
  /** Somebody whose device is on, with an identity of their own. */
  person(name: string, options?: { readonly skewMs?: number }): Promise<Person>
  /** Turns every device off. */
  close(): Promise<void>
}

/** People with one device each, on a network in memory with one relay. */
export class World implements Peopled {
  readonly clock: VirtualClock = new Virtual()
  readonly network: MemoryNetwork
  readonly relay: MemoryRelay
  readonly people: Person[] = []
  readonly random: (length: number) => Uint8Array

  constructor(options: Partial<MemoryNetworkOptions> = {}) {
    this.network = new MemoryNetwork({ clock: this.clock, faults: { delayMs: 20 }, ...options })
    this.relay = this.network.createRelay()
    const random = seededRandom((options.seed ?? 1) + 1_000)
    this.random = (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256))
  }

  /** Somebody whose device is on, with an identity of their own. */
  async person(name: string, options: Partial<Device> = {}): Promise<Person> {
    const person = new Person(this, name, { disk: memoryDisk(), skewMs: 0, reachable: true, ...options })
    this.people.push(person)
    await person.start()
    return person
  }

  rest(): Promise<unknown> {
    return this.clock.advance(1_000)
  }

  /** Turns every device off, in order, and expects that nothing is left behind. */
  async close(): Promise<void> {
    this.network.heal()
    this.network.setFaults({ loss: 0, duplication: 0, reordering: 0 })
    for (const person of this.people) await person.stop()
    // It remembers registrations of those who were killed.
    this.relay.stop()
    await this.clock.advance(MINUTE)
    expect(this.clock.pending).toBe(0)
    expect(this.network.channels).toBe(0)
  }
}

/** One run of the application on a device: everything that is gone when it is killed. */
export interface Running extends Process {
  readonly signingContext: SigningContext
  readonly spaceManager: SpaceManager
  readonly handler: SpaceInvitationsHandler
  readonly devices: DeviceInvitationsHandler
}

export class Person {
  readonly #world: Surroundings
  readonly name: string
  readonly #device: Device
  #running: Running | undefined
  #identityKey: PublicKey | undefined

  constructor(world: Surroundings, name: string, device: Device) {
    this.#world = world
    this.name = name
    this.#device = device
  }

  get running(): Running {
    if (this.#running === undefined) throw new TypeError(`${this.name} is not running`)
    return this.#running
  }

  get disk(): Device['disk'] {
    return this.#device.disk
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  get handler(): SpaceInvitationsHandler {
    return this.running.handler
  }

  get identityKey(): PublicKey {
    this.#identityKey ??= this.running.signingContext.identityKey
    return this.#identityKey
  }

  get peer(): string {
    return this.running.networkManager.peer
  }

  /** The first space, if there is one. */
  get space(): Space | undefined {
    return this.running.spaceManager.list()[0]
  }

  /** Starts the application, with what the disk holds. */
  async start(): Promise<void> {
    const process = await turnOn(this.#world, this.#device, () => {
      this.#running = undefined
    })
    const { clock, storage, keyring, networkManager } = process
    const isNew = (await storage.get('identity')) === undefined
    const signingContext = isNew
      ? await SigningContext.create({ keyring, storage, displayName: this.name, clock })
      : await SigningContext.open({ keyring, storage, clock })
    const spaceManager = new SpaceManager({ storage, keyring, networkManager, signingContext, clock })
    await spaceManager.open()
    const { random } = this.#world
    const options = { clock, random }
    const handler = new SpaceInvitationsHandler(
      networkManager,
      spaceManager,
      signingContext,
      keyring,
      options,
    )
    const devices = new DeviceInvitationsHandler(networkManager, spaceManager, keyring, options)
    this.#identityKey = signingContext.identityKey
    this.#running = { ...process, signingContext, spaceManager, handler, devices }
  }

  /** Ends the application in order. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return
    const { clock } = this.#world
    const { handler, devices, spaceManager, networkManager, storage, life } = this.#running
    await clock.settle(handler.close())
    await clock.settle(devices.close())
    await clock.settle(spaceManager.close())
    await clock.settle(networkManager.stop())
    await storage.close()
    // Nothing else may be left to do.
    await this.#world.rest()
    life.alive = false
    this.#running = undefined
  }

  /** Ends the application as a crash does: only the disk is left, and the network notices. */
  kill(): void {
    this.#running?.life.kill()
  }

  async restart(): Promise<CancellableInvitationObservable[]> {
    await this.stop()
    await this.start()
    return this.#world.clock.settle(this.handler.restore())
  }

  /** Creates an invitation of a device that can be found. */
  async inviteDevice(options: DeviceInvitationsOptions = {}): Promise<Invited> {
    const observable = this.running.devices.createInvitation(options)
    return invited(observable, await this.#world.clock.settle(reached(observable, 'CONNECTING')))
  }

  /** From now on this decides over every durable write of the application that runs. */
  setFate(fate: Fate): void {
    this.running.life.fate = fate
  }

  createSpace(name = 'Kitchen'): Promise<Space> {
    return this.#world.clock.settle(this.running.spaceManager.createSpace({ name }))
  }

  /** Creates an invitation that can be found. */
  async invite(space: Space, options: InvitationsOptions = {}): Promise<Invited> {
    const observable = this.handler.createInvitation(space, options)
    const invitation = await this.#world.clock.settle(reached(observable, 'CONNECTING'))
    return invited(observable, invitation)
  }

  accept(link: string, options: InvitationsOptions = {}): AuthenticatingInvitationProvider {
    return this.handler.acceptInvitation(link, options)
  }

  /** Accepts, gives the code when asked, and waits for the end. */
  async join({ link, code }: Pick<Invited, 'link' | 'code'>): Promise<Invitation> {
    const provider = this.accept(link)
    if (code !== undefined) answer(provider, code)
    return this.#world.clock.settle(provider.result())
  }

  /** The record of an invitation, as its host would find it after a restart. */
  async record(link: string): Promise<StoredInvitation | undefined> {
    for (const [, encoded] of await (await this.#storage()).list(recordKeys.invitations)) {
      const stored = parseStoredInvitation(encoded)
      if (bytesToHex(stored.link.toBytes()) === bytesToHex(linkBytes(link))) return stored
    }
    return undefined
  }

  /** Identities that the host's storage says were admitted, by any invitation; hex. */
  async admitted(): Promise<string[]> {
    const rows = await (await this.#storage()).list('invitations/admitted/')
    return rows.map(([key]) => key.slice(key.lastIndexOf('/') + 1))
  }

  async #storage(): Promise<Storage> {
    return this.#running?.storage ?? this.#device.disk.openStorage()
  }

  /** Every key in the storage. */
  async stored(prefix = ''): Promise<string[]> {
    return (await (await this.#storage()).list(prefix)).map(([key]) => key)
  }
}

export interface Invited {
  readonly observable: CancellableInvitationObservable
  readonly link: string
  readonly code: string | undefined
}

export function invited(observable: CancellableInvitationObservable, invitation: Invitation): Invited {
  const { link, authCode } = invitation
  if (link === undefined) throw new TypeError('the invitation has no link')
  return { observable, link, code: authCode }
}

function linkBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
}

/** Gives these codes, one each time that one is asked for. Without any left the person says nothing. */
export function answer(provider: AuthenticatingInvitationProvider, ...codes: string[]): void {
  provider.subscribe({
    onAuthenticating: () => {
      const code = codes.shift()
      if (code !== undefined) void provider.authenticate(code).catch(() => undefined)
    },
  })
}

/** A code that is not the right one, nor any other of these numbers. */
export function wrong(code: string | undefined, nth = 1): string {
  if (code === undefined) throw new TypeError('the invitation has no code')
  return String((Number(code) + nth) % 10 ** code.length).padStart(code.length, '0')
}

/** Resolves with the invitation once it is in this state, now or later; rejects when it ends otherwise. */
export async function reached(observable: InvitationObservable, state: InvitationState): Promise<Invitation> {
  for await (const invitation of observable) if (invitation.state === state) return invitation
  throw new Error(`ended with ${observable.invitation.state} ${observable.error?.code}, not ${state}`, {
    cause: observable.error,
  })
}

/** Resolves once a code is wanted for the nth time, or it has ended. */
export async function asked(provider: AuthenticatingInvitationProvider, nth = 1): Promise<void> {
  let times = 0
  for await (const { state } of provider) if (state === 'READY_FOR_AUTHENTICATION' && ++times === nth) return
}

/** How it ends: its last state, with the error's code if it has one. */
export async function ended(observable: InvitationObservable): Promise<string> {
  await observable.result().catch(() => undefined)
  const { invitation, error } = observable
  return error === undefined ? invitation.state : `${invitation.state} ${error.code}`
}

/** A list that grows with every state that it goes through. */
export function statesOf(observable: InvitationObservable): InvitationState[] {
  const states: InvitationState[] = []
  void (async () => {
    for await (const { state } of observable) states.push(state)
  })()
  return states
}

export const namesOf = (space: Space | undefined): string[] =>
  (space?.members() ?? []).map(({ profile }) => profile.displayName).sort()
