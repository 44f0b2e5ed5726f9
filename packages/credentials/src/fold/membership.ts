import type { PublicKey } from '@vestibule/keys'
import type { FeedPurpose, Profile } from '../claims.ts'
import type { Credential } from '../credential.ts'
import { MAX_PARENTS } from '../envelope.ts'
import { mayAdmit, type Role } from '../roles.ts'
import { type Grant, Verdicts } from './verdicts.ts'

/** A member of a space. */
export interface Member {
  readonly role: Role
  readonly profile: Profile
  /** The id of the credential that decides the role. */
  readonly since: string
}

/** A feed that belongs to a space. */
export interface Feed {
  readonly member: PublicKey
  readonly device: PublicKey
  readonly purpose: FeedPurpose
  /** The id of the credential that admitted it. */
  readonly credential: string
}

/** What came of adding one credential. */
export interface Added {
  /** Ids of what entered the graph now, parents first: the credential, and what had waited for it. */
  readonly placed: readonly string[]
  /** Those of them that count as things are. */
  readonly counted: readonly string[]
}

/**
 * Who belongs to a space, and which feeds: a pure function of the set of its credentials. They may come in
 * any order and more than once; one whose parents are not there yet waits. It reads no clock and never fails.
 * Signatures, the proofs of feeds among them, were verified before: see `verifyCredential`.
 *
 * A credential of another space, and a presentation, is passed over. One of an unknown type takes its place
 * in the graph, so that others may come after it, and grants nothing.
 *
 * What the fold itself does not bound is how many credentials it is given: a feed is an unbroken chain whose
 * every entry has the one before among its parents, and it is for whoever reads feeds to hold them to that.
 *
 * @see README, "What counts"
 * @example
 * const membership = new Membership(space)
 * membership.add(genesis)
 * membership.add(founder)
 * membership.roleOf(identity) // 'OWNER'
 */
export class Membership {
  readonly space: PublicKey
  readonly #verdicts: Verdicts
  readonly #index = new Map<string, number>()
  readonly #waiting = new Map<string, Credential[]>()
  readonly #waitingIds = new Set<string>()
  #members: ReadonlyMap<PublicKey, Member> | undefined
  #feeds: ReadonlyMap<PublicKey, Feed> | undefined

  /**
   * @param space the key of the space
   * @param options `genesisId`: the only genesis to accept, for whoever knows it (from an invitation, or from
   *   storage). Without it, of several that the space key signed, the first in the order is the root.
   */
  constructor(space: PublicKey, options: { readonly genesisId?: string } = {}) {
    this.space = space
    this.#verdicts = new Verdicts(space, options.genesisId)
  }

  /** Takes in a credential that was verified. */
  add(credential: Credential): Added {
    const placed: string[] = []
    const ready = this.#knows(credential.id) || this.#isForeign(credential) ? [] : [credential]
    for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
      const missing = next.parents.find((parent) => !this.#index.has(parent))
      if (missing !== undefined) {
        this.#wait(next, missing)
        continue
      }
      this.#place(next)
      placed.push(next.id)
      for (const freed of this.#waiting.get(next.id) ?? []) ready.push(freed)
      this.#waiting.delete(next.id)
    }
    return { placed, counted: placed.filter((id) => this.counts(id)) }
  }

  /** Whether a credential is in the graph. One that waits is not. */
  has(id: string): boolean {
    return this.#index.has(id)
  }

  get(id: string): Credential | undefined {
    const index = this.#index.get(id)
    return index === undefined ? undefined : this.#verdicts.credential(index)
  }

  /** Whether a credential is in the graph and allowed, as things are. */
  counts(id: string): boolean {
    const index = this.#index.get(id)
    return index !== undefined && this.#verdicts.counts(index)
  }

  /** How many credentials wait for parents. */
  get waiting(): number {
    return this.#waitingIds.size
  }

  /** Ids of the credentials that nothing comes after yet, ascending. */
  get heads(): string[] {
    return [...this.#verdicts.causality.heads].map((index) => this.#verdicts.credential(index).id).sort()
  }

  /**
   * What a new credential should name as its parents: the heads, with the entry of the author's feed before
   * it. Never more than a credential may have; what is left out stays a head, for the next one.
   *
   * @param previous the id of the last credential in the author's own feed
   */
  parentsFor(previous?: string): string[] {
    const first = previous === undefined ? [] : [previous]
    return [...new Set([...first, ...this.heads])].slice(0, MAX_PARENTS).sort()
  }

  /** The genesis that everything rests on, once it is there. */
  get genesis(): Credential | undefined {
    return this.#verdicts.genesis()
  }

  /** The name of the space, once its genesis is there. */
  get name(): string | undefined {
    const claim = this.genesis?.claim
    return claim?.type === 'SpaceGenesis' ? claim.name : undefined
  }

  /** The members, the best grant of each deciding; the most senior first. A snapshot, not to be changed. */
  members(): ReadonlyMap<PublicKey, Member> {
    this.#members ??= this.#foldMembers()
    return this.#members
  }

  roleOf(identity: PublicKey): Role | undefined {
    return this.members().get(identity)?.role
  }

  /** Whether an identity may admit others at a role, as things are. */
  may(identity: PublicKey, role: Role): boolean {
    const own = this.roleOf(identity)
    return own !== undefined && mayAdmit(own, role)
  }

  /** The feeds that belong to the space, by their keys, in the order of their admission. A snapshot. */
  feeds(): ReadonlyMap<PublicKey, Feed> {
    this.#feeds ??= this.#foldFeeds()
    return this.#feeds
  }

  /**
   * The line of admissions from the genesis to a grant, as `verifyAdmission` wants it.
   * @param id of a `SpaceMember` that counts
   * @throws TypeError when it is something else
   */
  admissionPath(id: string): Credential[] {
    const path: Credential[] = []
    const { genesis } = this
    let at = this.#index.get(id)
    while (at !== undefined) {
      const credential = this.#verdicts.credential(at)
      const { claim } = credential
      if (claim.type !== 'SpaceMember' || !this.#verdicts.counts(at)) break
      path.push(credential)
      at = this.#verdicts.admitter(at, claim.role)?.index
    }
    if (path.length === 0 || genesis === undefined)
      throw new TypeError('expected the id of an admission that counts')
    return [genesis, ...path.reverse()]
  }

  #knows(id: string): boolean {
    return this.#index.has(id) || this.#waitingIds.has(id)
  }

  #isForeign({ claim }: Credential): boolean {
    return claim.type === 'Auth' || ('space' in claim && claim.space !== this.space)
  }

  #wait(credential: Credential, missing: string): void {
    this.#waitingIds.add(credential.id)
    const others = this.#waiting.get(missing)
    if (others === undefined) this.#waiting.set(missing, [credential])
    else others.push(credential)
  }

  #place(credential: Credential): void {
    const parents: number[] = []
    for (const parent of credential.parents) {
      const index = this.#index.get(parent)
      if (index !== undefined) parents.push(index)
    }
    this.#index.set(credential.id, this.#verdicts.add(credential, parents))
    this.#waitingIds.delete(credential.id)
    this.#members = undefined
    this.#feeds = undefined
  }

  #foldMembers(): ReadonlyMap<PublicKey, Member> {
    const best = new Map<PublicKey, Grant>()
    for (const [member, grants] of this.#verdicts.grants())
      for (const grant of grants) {
        if (!this.#verdicts.stands(grant)) continue
        const other = best.get(member)
        if (other === undefined || this.#verdicts.better(grant, other)) best.set(member, grant)
      }
    const bySeniority = [...best].sort(([, a], [, b]) => (this.#verdicts.better(a, b) ? -1 : 1))
    return new Map(
      bySeniority.map(([member, { role, claim, credential }]) => [
        member,
        Object.freeze({ role, profile: claim.profile, since: credential.id }),
      ]),
    )
  }

  #foldFeeds(): ReadonlyMap<PublicKey, Feed> {
    const acts = this.#verdicts.feeds().sort((a, b) => this.#verdicts.causality.order(a.index, b.index))
    return new Map(
      acts.map(({ claim, credential }) => [
        claim.feed,
        Object.freeze({
          member: claim.member,
          device: claim.device,
          purpose: claim.purpose,
          credential: credential.id,
        }),
      ]),
    )
  }
}
