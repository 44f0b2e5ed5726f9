import { seededRandom } from '@vestibule/network/testing'
import { expect } from 'vitest'
import type {
  AuthenticatingInvitationProvider,
  CancellableInvitationObservable,
  GuestRequest,
} from '../../src/index.ts'
import type { Fate } from '../scenario/disk.ts'
import { type Invited, MINUTE, type Person, World, wrong } from '../scenario/world.ts'
import { wrongCompares } from './compares.ts'

const STEPS = 40
const NAMES = ['bob', 'cem', 'dan']

/** Somebody who asks, on a device that may die and come back. */
export interface Seeker {
  readonly name: string
  readonly isRunning: boolean
  readonly peer: string
  accept(link: string): AuthenticatingInvitationProvider
  setFate(fate: Fate): void
  kill(): void
  /** Turns a device that died on again. */
  restart(): Promise<void>
}

export interface Guest<S extends Seeker> {
  readonly seeker: S
  /** Whether it was ever given the right code to type. */
  knew: boolean
  provider: AuthenticatingInvitationProvider | undefined
}

/** One run of a host and three guests: everything in it follows from the seed. */
export abstract class Simulation<S extends Seeker> {
  readonly trace: string[] = []
  protected readonly world: World
  protected readonly guests: Guest<S>[] = []
  protected host!: Person
  protected invited!: Invited
  readonly #random: () => number
  /** The spaces that each identity shares among its devices, by their keys in hex. */
  readonly #own: string[] = []
  #observable: CancellableInvitationObservable | undefined
  /** Who got a yes from the host’s person, by what the record of admissions has. */
  readonly #approved = new Set<string>()
  /** Who was admitted when the host was told that its cancellation is durable. */
  #admittedAtEnd: readonly string[] | undefined

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.world = new World({ seed, faults: { delayMs: [1, 150] } })
  }

  /** Makes what is led to, and an invitation that leads there. */
  protected abstract invite(): Promise<Invited>
  /** Serves again what the host's disk holds. */
  protected abstract restore(): Promise<CancellableInvitationObservable | undefined>
  protected abstract seeker(name: string): Promise<S>
  /** Who of the guests an entry in the record of admissions is. */
  protected abstract guestOf(admitted: string): Guest<S> | undefined
  /** The entry that a request would become. */
  protected abstract entryOf(request: GuestRequest): string
  protected abstract readonly multiUse: boolean
  protected abstract readonly approve: boolean
  /** Whether the invitation goes on when its host comes back. */
  protected abstract readonly persistent: boolean
  /** How long everybody has once nothing fails any more. */
  protected abstract readonly calmMs: number
  /** Checks that both ends agree on who is in. @param isIn whether the host has admitted the guest */
  protected abstract checkGuest(guest: Guest<S>, isIn: boolean, joined: boolean): Promise<void>

  protected pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  #upTo(max: number): number {
    return Math.floor(this.#random() * max)
  }

  async run(): Promise<void> {
    this.host = await this.person('ada')
    for (const name of NAMES)
      this.guests.push({ seeker: await this.seeker(name), knew: false, provider: undefined })
    this.invited = await this.invite()
    this.#decideOver(this.invited.observable)
    for (let i = 0; i < STEPS; i++) {
      await this.#step()
      await this.#checkAlways()
    }
    await this.#settleDown()
    await this.#checkAtEnd()
    await this.close()
  }

  protected close(): Promise<void> {
    return this.world.close()
  }

  /** Somebody whose own space is known by its key. */
  protected async person(name: string): Promise<Person> {
    const person = await this.world.person(name)
    const spaces = (await person.stored()).filter((key) => key.startsWith('spaces/'))
    this.#own.push(...spaces.map((key) => key.slice(7)))
    return person
  }

  async #step(): Promise<void> {
    const { clock, network, relay } = this.world
    const guest = this.pick(this.guests)
    const what = this.#upTo(100)
    if (what < 40) await this.#accept(guest, this.#random() < 0.3 ? this.#upTo(4) : 0)
    else if (what < 50) this.#setFate(this.pick([this.host, guest.seeker]))
    else if (what < 55) this.#kill(this.host)
    else if (what < 60) this.#kill(guest.seeker)
    else if (what < 75) {
      await this.#reviveHost()
      await this.#revive(guest.seeker)
    } else if (what < 80) {
      const [apart, together] = [this.#upTo(2), this.#upTo(2)]
      const ids = [this.host, ...this.guests.map(({ seeker }) => seeker)].flatMap((one) =>
        one.isRunning ? [one.peer] : [],
      )
      network.partition(ids.slice(0, 1 + apart), [...ids.slice(1 + apart + together), relay.id])
      this.trace.push(`${clock.now()} partition ${apart} ${together}`)
    } else if (what < 90) network.heal()
    else if (what < 95)
      network.setFaults({
        loss: this.#random() * 0.08,
        reordering: this.#random() * 0.05,
        duplication: this.#random() * 0.05,
      })
    else if (what < 98) this.#leave(guest)
    else if (what < 99) this.#cancel()
    await clock.advance(this.pick([0, 20, 200, 1_000, 5_000, 20_000]))
  }

  /** The guest opens the link, and types something each time that it is asked: the right code unless it guesses. */
  async #accept(guest: Guest<S>, guesses: number): Promise<void> {
    await this.#revive(guest.seeker)
    const before = guest.provider
    guest.provider = guest.seeker.accept(this.invited.link)
    if (guest.provider === before) return
    const { provider } = guest
    const { code } = this.invited
    if (code === undefined) {
      guest.knew = true
      return
    }
    let nth = 0
    provider.subscribe({
      onAuthenticating: () => {
        const isGuess = ++nth <= guesses
        this.world.clock.after(this.pick([0, 50, 3_000, 60_000]), () => {
          if (!isGuess) guest.knew = true
          // No code may be wanted by now.
          void provider.authenticate(isGuess ? wrong(code, nth) : code).catch(() => undefined)
        })
      },
    })
  }

  #setFate(one: Person | S): void {
    if (!one.isRunning) return
    const after = this.#upTo(4)
    const [at, end] = [this.pick(['lost', 'killed before', 'killed after'] as const), after + 1]
    let count = 0
    const fate: Fate = ({ what }) => {
      // What the devices of an identity keep for themselves has no place among the writes of an invitation.
      if (this.#own.some((space) => what.includes(space))) return 'done'
      const now = count++
      return now >= after && now < end ? at : 'done'
    }
    one.setFate(fate)
    this.trace.push(`${this.world.clock.now()} ${one.name}’s write ${after} is ${at}`)
  }

  #kill(one: Person | S): void {
    if (one.isRunning) this.trace.push(`${this.world.clock.now()} ${one.name} is killed`)
    one.kill()
  }

  async #revive(seeker: S): Promise<void> {
    if (seeker.isRunning) return
    this.trace.push(`${this.world.clock.now()} ${seeker.name} is back`)
    await seeker.restart()
  }

  async #reviveHost(): Promise<void> {
    if (this.host.isRunning) return
    this.trace.push(`${this.world.clock.now()} ${this.host.name} is back`)
    await this.host.start()
    const restored = await this.restore()
    this.#decideOver(restored)
    if (this.persistent) return
    expect(restored).toBeUndefined()
    this.#admittedAtEnd ??= await this.host.admitted()
  }

  /** From now on the person at the host says yes or no to whoever asks, sooner or later. */
  #decideOver(observable: CancellableInvitationObservable | undefined): void {
    this.#observable = observable
    const seen = new Set<string>()
    observable?.subscribe({
      onRequests: ({ requests = [] }) => {
        for (const request of requests.filter(({ id }) => !seen.has(id))) {
          seen.add(request.id)
          this.world.clock.after(this.pick([0, 50, 3_000, 60_000]), () => {
            if (this.#random() < 0.25) observable.decline(request)
            else if (observable.approve(request)) this.#approved.add(this.entryOf(request))
          })
        }
      },
    })
  }

  #leave({ seeker, provider }: Guest<S>): void {
    if (!seeker.isRunning || provider === undefined) return
    this.trace.push(`${this.world.clock.now()} ${seeker.name} leaves in ${provider.invitation.state}`)
    void provider.cancel()
  }

  #cancel(): void {
    if (this.#observable === undefined || !this.host.isRunning) return
    this.trace.push(`${this.world.clock.now()} cancel`)
    const acknowledged = async (): Promise<void> => {
      this.#admittedAtEnd ??= await this.host.admitted()
    }
    // A disk that fails says so; then nothing was promised.
    this.#observable.cancel().then(acknowledged, () => undefined)
  }

  /** Laws 1 to 5, whatever is going on. */
  async #checkAlways(): Promise<void> {
    const admitted = await this.host.admitted()
    expect(wrongCompares(), 'wrong codes compared').toBeLessThanOrEqual(
      3 + (this.multiUse ? admitted.length : 0),
    )
    if (!this.multiUse) expect(admitted.length, 'admissions').toBeLessThanOrEqual(1)
    const guests = admitted.map((entry) => this.guestOf(entry))
    for (const guest of guests) expect(guest?.knew).toBe(true)
    if (this.approve) for (const entry of admitted) expect(this.#approved).toContain(entry)
    if (this.#admittedAtEnd !== undefined) expect(admitted).toEqual(this.#admittedAtEnd)
    for (const guest of this.guests)
      if (guest.provider?.invitation.state === 'SUCCESS') expect(guests).toContain(guest)
  }

  /** Everybody is back, nothing fails any more, and whoever wants in tries once more. */
  async #settleDown(): Promise<void> {
    const { network, clock } = this.world
    network.heal()
    network.setFaults({ loss: 0, reordering: 0, duplication: 0 })
    for (const one of [this.host, ...this.guests.map(({ seeker }) => seeker)])
      one.isRunning && one.setFate(() => 'done')
    await this.#reviveHost()
    for (const { seeker } of this.guests) await this.#revive(seeker)
    await clock.advance(this.calmMs)
    for (const guest of this.guests) await this.#accept(guest, 0)
    await clock.advance(15 * MINUTE)
  }

  async #checkAtEnd(): Promise<void> {
    await this.#checkAlways()
    const admitted = (await this.host.admitted()).map((entry) => this.guestOf(entry))
    for (const guest of this.guests) {
      const { seeker, provider } = guest
      const { state = 'INIT', alreadyMember } = provider?.invitation ?? {}
      const told = `${seeker.name} ${state}${alreadyMember ? ' already' : ''} ${provider?.error?.code ?? ''}`
      this.trace.push(told)
      expect(['SUCCESS', 'CANCELLED', 'TIMEOUT', 'ERROR', 'EXPIRED'], told).toContain(state)
      // Whoever was admitted is in on both sides, and nobody else is on either; only where the codes are used up can
      // nobody have a lost answer again.
      const isIn = admitted.includes(guest)
      const joined = isIn && provider?.error?.code !== 'LOCKED'
      expect(state === 'SUCCESS', told).toBe(joined)
      await this.checkGuest(guest, isIn, joined)
    }
    this.trace.push(JSON.stringify((await this.host.record(this.invited.link))?.progress))
  }
}
