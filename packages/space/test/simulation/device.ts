import { proveFeed } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { VirtualClock } from '@vestibule/network/testing'
import { type Candidate, SigningContext, type Space, SpaceManager } from '../../src/index.ts'
import { SeededKeyring } from './chance.ts'
import { Disk, Life } from './disk.ts'
import type { Swarms } from './swarms.ts'

/** A device while its process runs. */
export interface Running {
  readonly life: Life
  readonly signingContext: SigningContext
  readonly manager: SpaceManager
}

/** The world that devices live in. */
export interface Surroundings {
  readonly clock: VirtualClock
  readonly swarms: Swarms
  /** Something that happened, for the trace. */
  note(what: string): void
}

/** One device of one person: a disk, a keyring, a clock that may be wrong, and a process that comes and goes. */
export class Device {
  readonly name: string
  readonly disk: Disk
  readonly keyring: SeededKeyring
  /** Milliseconds by which its clock is off. */
  skewMs = 0
  running: Running | undefined
  /** How it is to be admitted; once made it stays the same, so that an admission can be repeated. */
  candidacy: Candidate | undefined
  /** Whether it is to come without the history, by whoever admits this candidate. */
  isBare: boolean | undefined
  /** Ids of the messages whose writing was acknowledged, by what was written. */
  readonly acknowledged = new Map<string, string>()
  /** Everybody whom it has ever known as a member. */
  readonly met = new Set<PublicKey>()
  readonly #world: Surroundings
  #life: Life | undefined

  constructor(world: Surroundings, name: string, seed: number) {
    this.#world = world
    this.name = name
    this.disk = new Disk(seed, world.clock)
    this.keyring = new SeededKeyring(seed + 1)
  }

  get clock() {
    const { clock } = this.#world
    return { now: () => clock.now() + this.skewMs, after: clock.after.bind(clock) }
  }

  get space(): Space | undefined {
    return this.running?.manager.list()[0]
  }

  get identity(): PublicKey | undefined {
    return this.running?.signingContext.identityKey
  }

  /** Whom it has known as members, and knows to be none. */
  meet(): PublicKey[] {
    const members = new Set(this.space?.members().map(({ identityKey }) => identityKey))
    for (const member of members) this.met.add(member)
    return [...this.met].filter((one) => !members.has(one))
  }

  /** Whether a process runs, or is about to. */
  get isUp(): boolean {
    return this.#life?.alive === true
  }

  /** Begins a process. The device runs when this resolves; it never does when the process dies before. */
  async start(): Promise<void> {
    if (this.isUp) return
    const life = new Life()
    this.#life = life
    life.onDeath(() => {
      this.running = undefined
    })
    const own = { keyring: this.keyring, storage: this.disk.open(life), clock: this.clock }
    const isNew = (await own.storage.get('identity')) === undefined
    const signingContext = isNew
      ? await SigningContext.create({ ...own, displayName: this.name })
      : await SigningContext.open(own)
    const networkManager = this.#world.swarms.of(this.name, life)
    const manager = new SpaceManager({ ...own, signingContext, networkManager })
    await manager.open()
    if (life.alive) this.running = { life, signingContext, manager }
  }

  /** The process ends at once, whatever it is doing. */
  crash(): void {
    this.#life?.kill()
  }

  /** The process ends in an orderly way. */
  async stop(): Promise<void> {
    const { running } = this
    this.running = undefined
    await running?.manager.close()
    running?.life.kill()
  }

  async candidate(): Promise<Candidate> {
    const { signingContext } = this.running as Running
    this.candidacy ??= await this.#newCandidate(signingContext)
    return this.candidacy
  }

  async #newCandidate(signingContext: SigningContext): Promise<Candidate> {
    const { identityKey, chain, deviceKey, agreementKey, profile } = signingContext
    const [controlFeedKey, dataFeedKey] = [await this.keyring.createKey(), await this.keyring.createKey()]
    const own = { signer: this.keyring, member: identityKey, device: deviceKey }
    return {
      ...{ identityKey, chain, deviceKey, agreementKey, profile, controlFeedKey, dataFeedKey },
      controlFeedProof: await proveFeed({ ...own, feed: controlFeedKey, purpose: 'CONTROL' }),
      dataFeedProof: await proveFeed({ ...own, feed: dataFeedKey, purpose: 'DATA' }),
    }
  }
}
