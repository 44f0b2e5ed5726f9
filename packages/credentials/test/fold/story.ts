import type { Claim, Credential, Membership, Role } from '../../src/index.ts'
import { keyOf } from '../cast.ts'
import { act, admit, genesisClaim, type NOTE, SPACE } from './history.ts'

export const NAMES = ['F', 'P', 'Q', 'S', 'M', 'N', 'X', 'Y', 'Z'] as const
export type Name = (typeof NAMES)[number]
export const who = (name: string) => keyOf(1 + NAMES.indexOf(name as Name))
/** The device of somebody with a number: 0 is the identity’s own key. */
export const device = (name: string, n: number) =>
  n === 0 ? who(name) : keyOf(500 + 10 * NAMES.indexOf(name as Name) + n)
const ROLE = { O: 'OWNER', A: 'ADMIN', E: 'EDITOR', R: 'READER' } as const satisfies Record<string, Role>

/** Writes a history down: acts by name, each after the last of its own author’s device. */
export class Story {
  readonly acts: Credential[] = [
    act('genesis', SPACE, genesisClaim('Kitchen'), []),
    act('+F', SPACE, admit(who('F'), 'OWNER'), ['genesis']),
  ]
  readonly #last = new Map<string, string>([['F.0', '+F']])
  #common = '+F'

  /** `by` is a name, with a device’s number after a dot; without parents an act comes after the cast. */
  say(
    id: string,
    by: string,
    claim: Claim | typeof NOTE,
    parents: readonly string[] = [this.#common],
  ): string {
    const [name = 'F', n = '0'] = by.split('.')
    const own = this.#last.get(`${name}.${n}`)
    this.acts.push(
      act(id, who(name), claim, own === undefined ? parents : [...parents, own], device(name, Number(n))),
    )
    this.#last.set(`${name}.${n}`, id)
    return id
  }

  /** F admits them one after the other: `P:O M:A X:E`. */
  cast(people: string): void {
    for (const one of people.split(' ').filter(Boolean)) {
      const [name = '', role = 'R'] = one.split(':')
      this.#common = this.say(`+${name}`, 'F', admit(who(name), ROLE[role as keyof typeof ROLE]))
    }
  }

  /** From here on this is what everybody knows. */
  common(id: string): void {
    this.#common = id
  }
}

/** Who is a member: `F:O X:E`; an acting owner has an exclamation mark. */
export const shown = (membership: Membership) =>
  NAMES.flatMap((name) => {
    const member = membership.members().get(who(name))
    return member === undefined ? [] : [`${name}:${member.role[0]}${member.acting === undefined ? '' : '!'}`]
  }).join(' ')
