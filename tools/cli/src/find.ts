import type { IdentityDevice, Member, Space } from '@vestibule/space'
import { CliError, EXIT } from './exit-codes.ts'
import type { Peer } from './peer.ts'

/** How a kind of thing is looked for, and what to say when one is not found. */
interface Kind<T> {
  /** In capitals and singular, as in the codes. */
  readonly what: 'SPACE' | 'MEMBER' | 'DEVICE'
  readonly nameOf: (one: T) => string
  /** Text of which the beginning is enough; the first is hex, and taken in capitals too. */
  readonly keysOf: (one: T) => readonly string[]
  /** What to use when a name is not enough. */
  readonly key: string
}

/**
 * The space that a person means: by its name, or by the beginning of its key in hex.
 * @throws CliError when there is none, or more than one
 */
export const findSpace = (peer: Peer, wanted: string): Space =>
  find(peer.spaceManager.list(), wanted, {
    what: 'SPACE',
    nameOf: ({ name }) => name,
    keysOf: ({ key }) => [key.toHex()],
    key: 'key',
  })

/**
 * The member that a person means: by its name, or by the beginning of its identity, as hex or `did:key`.
 * @throws CliError when there is none, or more than one
 */
export const findMember = (space: Space, wanted: string): Member =>
  find(space.members(), wanted, {
    what: 'MEMBER',
    nameOf: ({ profile }) => profile.displayName,
    keysOf: ({ identityKey }) => [identityKey.toHex(), identityKey.toDid()],
    key: 'identity',
  })

/**
 * The device that a person means: by its name, or by the beginning of its key, as hex or `did:key`.
 * @throws CliError when there is none, or more than one
 */
export const findDevice = (devices: readonly IdentityDevice[], wanted: string): IdentityDevice =>
  find(devices, wanted, {
    what: 'DEVICE',
    nameOf: ({ label }) => label,
    keysOf: ({ key }) => [key.toHex(), key.toDid()],
    key: 'key',
  })

function find<T>(all: readonly T[], wanted: string, { what, nameOf, keysOf, key }: Kind<T>): T {
  const byName = all.filter((one) => wanted !== '' && nameOf(one) === wanted)
  const isBegun = (one: T): boolean =>
    keysOf(one).some((text) => text.startsWith(wanted) || text.startsWith(wanted.toLowerCase()))
  const found = byName.length > 0 ? byName : all.filter(isBegun)
  const [only, second] = found
  const [noun, quoted] = [what.toLowerCase(), JSON.stringify(wanted)]
  if (only === undefined) throw new CliError(`NO_${what}`, `no ${noun} is called ${quoted}`, EXIT.state)
  if (second !== undefined)
    throw new CliError(
      `AMBIGUOUS_${what}`,
      `${found.length} ${noun}s match ${quoted}; use the beginning of the ${key}`,
      EXIT.state,
    )
  return only
}
