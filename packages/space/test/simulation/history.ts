import type { Role } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'

/** What was asked for, as the devices saw it at the time: what laws about the outcome are judged by. */
export interface Admission {
  readonly host: string
  readonly guest: string
  readonly role: Role
  /** The host's own role as it knew it when it was asked. */
  readonly hostRole: Role | undefined
  /** Without the history. */
  readonly isBare: boolean
  /** When: the length of the trace then. */
  readonly at: number
}

export interface Write {
  readonly device: string
  readonly text: string
  /** Ids of the messages that its author saw when it wrote this. */
  readonly knew: readonly string[]
  /** Who had been a member, as far as its author had ever heard, and was none when it wrote this. */
  readonly without: readonly PublicKey[]
  /** Whose admission its author had heard of, at the latest, when this was sealed. */
  heard: ReadonlySet<PublicKey> | undefined
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
  /** Who was removed or left, by name, and when: the length of the trace then. */
  readonly endings: { readonly member: string; readonly by: string; readonly at: number }[] = []
  readonly writes: Write[] = []
  /** The first law that was broken while something ran on its own. */
  broken: Broken | undefined

  /**
   * Whether somebody was removed once, and nobody admitted it since. Who left of its own accord is trusted until there
   * is a new read key.
   */
  isGoneForGood(name: string): boolean {
    const [ending, ...more] = this.endings.filter(({ member }) => member === name)
    if (ending === undefined || ending.by === name || more.length > 0) return false
    return this.admissions.every(({ guest, at }) => guest !== name || at < ending.at)
  }

  /** Whether nobody ever meant somebody to read what was written before it came. */
  isBare(name: string): boolean {
    const all = this.admissions.filter(({ guest }) => guest === name)
    return all.length > 0 && all.every(({ isBare }) => isBare)
  }

  law(name: string, holds: boolean, what: () => string): void {
    if (!holds) this.broken ??= new Broken(name, what())
  }

  /** @throws Broken */
  assertUnbroken(): void {
    if (this.broken !== undefined) throw this.broken
  }
}
