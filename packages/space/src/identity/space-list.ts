import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { PublicKey } from '@vestibule/keys'
import { bytes, message, optional, uint32 } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import { parseVersioned } from '../versioned.ts'

/** Most bytes of an admission in the list: an entry is a message of the identity's own space. */
export const MAX_LISTED_BYTES = 56 * 1024

const VERSION = 1
/** Nobody leaves a space so often; an entry that says so is none. */
const MAX_STAYS = 2 ** 20

const ListEntry = message('SpaceListEntry', {
  version: uint32(1),
  space: bytes(2, { length: 32 }),
  stay: uint32(3),
  readKeys: uint32(4),
  admission: optional(bytes(5, { max: MAX_LISTED_BYTES })),
  grant: optional(bytes(6, { length: 32 })),
  leave: optional(bytes(7, { max: MAX_LISTED_BYTES })),
})

/** What a device says of a space of its identity. */
export interface ListEntry {
  readonly spaceKey: PublicKey
  /** From 1; one more for each time that the identity has left the space. */
  readonly stay: number
  /** How many read keys the admission has. */
  readonly readKeys: number
  /** Encoded, without control feeds: what another device needs to take the space up. None when it was left. */
  readonly admission?: Uint8Array
  /** The id of the `SpaceMember` credential by which the identity is in. */
  readonly grant?: string
  /** The `LeftSpace` credential by which it was left. */
  readonly leave?: Uint8Array
}

export const encodeListEntry = ({
  spaceKey,
  stay,
  readKeys,
  admission,
  grant,
  leave,
}: ListEntry): Uint8Array =>
  ListEntry.encode({
    version: VERSION,
    space: spaceKey.toBytes(),
    stay,
    readKeys,
    ...(admission && { admission }),
    ...(grant !== undefined && { grant: hexToBytes(grant) }),
    ...(leave && { leave }),
  })

/**
 * Which spaces an identity has, as its devices said: the same for everybody who has heard the same, in whatever order.
 * Leaving ends a stay, and everything that was said of that stay; joining again begins the next. Of what was said of
 * one stay the admission with the most read keys is the one to use.
 */
export class SpaceList {
  /** The last stay that was ended, by space. */
  readonly #left = new Map<PublicKey, number>()
  /** What was said when a space was left, in the order in which it was said. */
  readonly #leaves = new Map<PublicKey, readonly Uint8Array[]>()
  readonly #joined = new Map<PublicKey, ListEntry[]>()

  /** Takes in what a device said; what is no entry of this version says nothing. */
  add(encoded: Uint8Array): void {
    const entry = parse(encoded)
    if (entry === undefined) return
    const { spaceKey, stay, admission, leave } = entry
    if (leave !== undefined) this.#leaves.set(spaceKey, [...this.leavesOf(spaceKey), leave])
    if (admission === undefined) this.#left.set(spaceKey, Math.max(stay, this.#left.get(spaceKey) ?? 0))
    else this.#joined.set(spaceKey, [...(this.#joined.get(spaceKey) ?? []), entry])
  }

  /** The stay that lasts, or would begin with the next admission. */
  stayIn(space: PublicKey): number {
    return (this.#left.get(space) ?? 0) + 1
  }

  /** `LeftSpace` credentials, encoded and not verified. */
  leavesOf(space: PublicKey): readonly Uint8Array[] {
    return this.#leaves.get(space) ?? []
  }

  /** How to take up a space that the identity is in. */
  get(space: PublicKey): ListEntry | undefined {
    return this.entriesOf(space).reduce<ListEntry | undefined>(
      (best, entry) => (best === undefined || isBetter(entry, best) ? entry : best),
      undefined,
    )
  }

  /** Everything that was said of the stay that lasts, in the order in which it was said. */
  entriesOf(space: PublicKey): readonly ListEntry[] {
    const stay = this.stayIn(space)
    return this.#joined.get(space)?.filter((entry) => entry.stay >= stay) ?? []
  }

  /** All spaces that the identity is in. */
  all(): ListEntry[] {
    return [...this.#joined.keys()].flatMap((space) => this.get(space) ?? [])
  }
}

function isBetter(a: ListEntry, b: ListEntry): boolean {
  if (a.stay !== b.stay) return a.stay > b.stay
  if (a.readKeys !== b.readKeys) return a.readKeys > b.readKeys
  return bytesToHex(a.admission ?? new Uint8Array()) < bytesToHex(b.admission ?? new Uint8Array())
}

function parse(encoded: Uint8Array): ListEntry | undefined {
  try {
    const { space, stay, readKeys, admission, grant, leave } = parseVersioned(
      ListEntry,
      VERSION,
      encoded,
      'MALFORMED',
    )
    if (stay < 1 || stay > MAX_STAYS) return undefined
    return {
      ...{ spaceKey: PublicKey.from(space), stay, readKeys, ...(admission && { admission }) },
      ...(grant && { grant: bytesToHex(grant) }),
      ...(leave && { leave }),
    }
  } catch (error) {
    if (error instanceof SpaceError) return undefined
    throw error
  }
}
