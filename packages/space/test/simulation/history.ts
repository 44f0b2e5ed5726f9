import type { Role } from '@vestibule/credentials'

/** What was asked for, as the devices saw it at the time: what laws about the outcome are judged by. */
export interface Admission {
  readonly host: string
  readonly guest: string
  readonly role: Role
  /** The host's own role as it knew it when it was asked. */
  readonly hostRole: Role | undefined
}

export interface Write {
  readonly device: string
  readonly text: string
  /** Ids of the messages that its author saw when it wrote this. */
  readonly knew: readonly string[]
  outcome: 'open' | 'refused' | { readonly id: string }
}

/** A broken law. */
export class Broken extends Error {
  readonly law: string
  constructor(law: string, what: string) {
    super(`${law}: ${what}`)
    this.law = law
  }
}

/** Everything that was done in a run, line by line, and what has to come of it. */
export class History {
  readonly trace: string[] = []
  readonly admissions: Admission[] = []
  readonly writes: Write[] = []
  /** The first law that was broken while something ran on its own. */
  broken: Broken | undefined

  law(name: string, holds: boolean, what: () => string): void {
    if (!holds) this.broken ??= new Broken(name, what())
  }

  /** @throws Broken */
  assertUnbroken(): void {
    if (this.broken !== undefined) throw this.broken
  }
}
