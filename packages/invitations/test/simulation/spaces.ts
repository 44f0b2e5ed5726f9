import { expect } from 'vitest'
import type { CancellableInvitationObservable, GuestRequest, InvitationsOptions } from '../../src/index.ts'
import type { Fate } from '../scenario/disk.ts'
import { type Invited, MINUTE, namesOf, type Person } from '../scenario/world.ts'
import { type Guest, type Seeker, Simulation } from './simulation.ts'

const KINDS: readonly InvitationsOptions[] = [
  {},
  { multiUse: true },
  { authMethod: 'NONE' },
  { authMethod: 'NONE', multiUse: true, open: true },
  { approve: true },
  { authMethod: 'NONE', multiUse: true, approve: true },
  { persistent: false },
  { authMethod: 'NONE', multiUse: true, open: true, persistent: false },
  { authMethod: 'KNOWN_PUBLIC_KEY' },
]

/** Somebody with an identity of their own. */
class Newcomer implements Seeker {
  readonly person: Person

  constructor(person: Person) {
    this.person = person
  }

  get name(): string {
    return this.person.name
  }
  get isRunning(): boolean {
    return this.person.isRunning
  }
  get peer(): string {
    return this.person.peer
  }
  accept(link: string) {
    return this.person.accept(link)
  }
  setFate(fate: Fate): void {
    this.person.setFate(fate)
  }
  kill(): void {
    this.person.kill()
  }
  async restart(): Promise<void> {
    await this.person.start()
  }
}

/** Three people who are invited into a space. */
export class SpaceSimulation extends Simulation<Newcomer> {
  protected readonly calmMs = 10 * MINUTE
  readonly #options: InvitationsOptions

  constructor(seed: number) {
    super(seed)
    this.#options = this.pick(KINDS)
    this.trace.push(JSON.stringify(this.#options))
  }

  protected get multiUse(): boolean {
    return this.#options.multiUse === true
  }
  protected get persistent(): boolean {
    return this.#options.persistent !== false
  }
  protected get approve(): boolean {
    return this.#options.approve === true
  }

  protected async invite(): Promise<Invited> {
    const [first] = this.guests
    const isKnown = this.#options.authMethod === 'KNOWN_PUBLIC_KEY' && first !== undefined
    const whom = isKnown ? { guestKey: first.seeker.person.identityKey } : {}
    return this.host.invite(await this.host.createSpace(), { ...this.#options, ...whom })
  }

  protected async restore(): Promise<CancellableInvitationObservable | undefined> {
    const [restored] = await this.world.clock.settle(this.host.handler.restore())
    return restored
  }

  protected async seeker(name: string): Promise<Newcomer> {
    return new Newcomer(await this.person(name))
  }

  protected guestOf(admitted: string): Guest<Newcomer> | undefined {
    const guest = this.guests.find(({ seeker }) => seeker.person.identityKey.toHex() === admitted)
    if (this.#options.authMethod === 'KNOWN_PUBLIC_KEY') expect(guest).toBe(this.guests[0])
    return guest
  }

  protected entryOf({ identityKey }: GuestRequest): string {
    return String(identityKey?.toHex())
  }

  protected async checkGuest({ seeker }: Guest<Newcomer>, isIn: boolean, joined: boolean): Promise<void> {
    const members = namesOf(this.host.space)
    expect(members.includes(seeker.name), seeker.name).toBe(isIn)
    expect(namesOf(seeker.person.space), seeker.name).toEqual(joined ? members : [])
  }
}
