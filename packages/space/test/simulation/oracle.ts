import type { Credential, FeedHead, Role } from '@vestibule/credentials'
import { Spec } from '@vestibule/credentials/testing'
import type { PublicKey } from '@vestibule/keys'

/** Who belongs to the space, and how much of each feed counts, by the rules as they are written for reading. */
export class Oracle {
  readonly #all: readonly Credential[]
  readonly #spec: Spec
  readonly members: ReadonlyMap<PublicKey, { readonly role: Role }>
  readonly #feeds: ReadonlyMap<PublicKey, string>
  readonly #reads = new Map<string, boolean>()

  /** @param credentials of all control feeds of the space, in any order */
  constructor(space: PublicKey, credentials: Iterable<Credential>) {
    this.#all = whole([...credentials])
    this.#spec = new Spec(space, this.#all)
    this.members = this.#spec.members()
    this.#feeds = this.#spec.feeds()
  }

  /** How many entries of a data feed count: all of them unless it is cut, none of a feed that is not admitted. */
  included(feed: PublicKey): number {
    const admission = this.#all.find(({ id }) => id === this.#feeds.get(feed))
    if (admission?.claim.type !== 'AdmittedFeed' || admission.claim.purpose !== 'DATA') return 0
    const losses = this.#losses(admission.claim.member).filter((loss) => !this.#spec.before(loss, admission))
    return Math.min(Number.POSITIVE_INFINITY, ...losses.map((loss) => this.#cutAt(loss, feed)))
  }

  /** Whether a member is to read what was written under an epoch, by what admitted it. @param id empty for the founding */
  reads(member: PublicKey, id: string): boolean {
    const what = `${member.toHex()} ${id}`
    const known = this.#reads.get(what) ?? this.#mayRead(member, id)
    this.#reads.set(what, known)
    return known
  }

  #mayRead(member: PublicKey, id: string): boolean {
    const epoch = this.#all.find((one) => one.id === id)
    const grants = this.#spec.grantsOf(member).filter((grant) => this.#spec.stands(grant))
    return grants.some((grant) => this.#gives(grant, epoch))
  }

  #gives(grant: Credential, epoch: Credential | undefined): boolean {
    const { claim, issuer } = grant
    if (epoch !== undefined && this.#spec.before(grant, epoch)) return true
    if (claim.type === 'SpaceMember' && (claim.history === 'none' || claim.member === issuer))
      return claim.history !== 'none'
    const giver = claim.type === 'ChangedRole' ? claim.member : issuer
    const earlier = this.#spec.grantsOf(giver).filter((one) => this.#spec.before(one, grant))
    const held = earlier.filter((one) => this.#spec.counts(one) && !this.#isOver(one, grant))
    return held.some((one) => this.#gives(one, epoch))
  }

  /** Whether a membership was at its end before something. */
  #isOver(grant: Credential, later: Credential): boolean {
    const enders = this.#spec.endersOf(grant).filter((one) => this.#spec.limit(one) === 0)
    return enders.some((one) => this.#spec.before(one, later) && this.#spec.ends(one, grant))
  }

  /** What took a member's right to write, but for what a grant that stands came after. */
  #losses(member: PublicKey): Credential[] {
    const writes = (grant: Credential) => this.#spec.role(grant) >= EDITOR && this.#spec.counts(grant)
    const grants = this.#spec.grantsOf(member).filter(writes)
    return this.#all.filter(
      (loss) =>
        this.#spec.holder(loss) === member &&
        (this.#spec.limit(loss) ?? EDITOR) < EDITOR &&
        grants.some((grant) => this.#spec.ends(loss, grant)) &&
        grants.every((grant) => !this.#spec.stands(grant) || this.#spec.before(loss, grant)),
    )
  }

  #cutAt(loss: Credential, feed: PublicKey): number {
    const epochs = this.#all.filter(
      (one) => one.claim.type === 'Epoch' && this.#spec.counts(one) && this.#spec.before(one, loss),
    )
    const latest = epochs.sort((a, b) => (this.#spec.first(a, b) ? 1 : -1))[0]
    return Math.max(lengthIn(loss, feed), latest === undefined ? 0 : lengthIn(latest, feed))
  }
}

const EDITOR = 2

const lengthIn = ({ claim }: Credential, feed: PublicKey): number => {
  const heads: readonly FeedHead[] = 'heads' in claim ? claim.heads : []
  return heads.find((head) => head.feed === feed)?.length ?? 0
}

/** Without those that come after something which nobody has. */
function whole(credentials: readonly Credential[]): Credential[] {
  const placed = new Map<string, Credential>()
  for (let before = -1; before !== placed.size; ) {
    before = placed.size
    for (const one of credentials) if (one.parents.every((id) => placed.has(id))) placed.set(one.id, one)
  }
  return [...placed.values()]
}
