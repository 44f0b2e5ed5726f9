import type { PublicKey } from '@vestibule/keys'
import type { Credential } from '../credential.ts'
import { MAX_PARENTS } from '../envelope.ts'
import { CredentialsError } from '../errors.ts'
import { isAtLeast, mayAdmit, type Role } from '../roles.ts'
import { rawClaim } from '../statement.ts'
import { type Act, actOf, push } from './acts.ts'
import { type Admission, admissionOf, departuresOf } from './outputs/comings.ts'
import { type Cut, cutsOf } from './outputs/cuts.ts'
import { type EpochState, epochsOf, mayRead } from './outputs/epochs.ts'
import { type Feed, Feeds } from './outputs/feeds.ts'
import { type Fork, forksOf } from './outputs/forks.ts'
import { type Member, Members } from './outputs/members.ts'
import { pathTo } from './outputs/path.ts'
import { mayChange, mayRemove } from './outputs/standing.ts'
import { type Why, why } from './outputs/why.ts'
import { packSnapshot, unpackSnapshot } from './snapshot/snapshot.ts'
import { Verdicts } from './verdicts.ts'
import { MembershipViews } from './views.ts'

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
 * @see docs/credentials.md, "The rules"
 * @example
 * const membership = new Membership(space)
 * membership.add(genesis)
 * membership.add(founder)
 * membership.roleOf(identity) // 'OWNER'
 */
export class Membership extends MembershipViews {
  readonly space: PublicKey
  /** @internal */
  protected readonly verdicts: Verdicts
  readonly #waiting = new Map<string, Act[]>()
  readonly #waitingIds = new Set<string>()
  readonly #members: Members
  readonly #feeds: Feeds

  /**
   * @param space the key of the space
   * @param options `genesisId`: the only genesis to accept, for whoever knows it (from an invitation, or from
   *   storage). Without it, of several that the space key signed, the first in the order is the root.
   */
  constructor(space: PublicKey, options: { readonly genesisId?: string | undefined } = {}) {
    super()
    this.space = space
    this.verdicts = new Verdicts(space, options.genesisId)
    this.#members = new Members(this.verdicts)
    this.#feeds = new Feeds(this.verdicts)
  }

  /**
   * Opens what {@link snapshot} wrote: the same as adding its credentials one by one, without verifying them anew.
   * So it belongs where nobody else writes, beside the keys. Whatever is wrong with it is no loss: the credentials
   * themselves, added from where they are kept, give the same.
   * @param snapshot copied
   * @param options as of the constructor
   * @throws CredentialsError `DAMAGED`, `OTHER_VERSION`; `WRONG_SPACE` or `WRONG_GENESIS` when it is of another
   */
  static async open(
    space: PublicKey,
    snapshot: Uint8Array,
    options: { readonly genesisId?: string } = {},
  ): Promise<Membership> {
    const { acts, genesis, space: found } = await unpackSnapshot(new Uint8Array(snapshot))
    if (found !== space) throw new CredentialsError('WRONG_SPACE', `a snapshot of ${found.toHex()}`)
    if (genesis !== undefined && options.genesisId !== undefined && genesis !== options.genesisId)
      throw new CredentialsError('WRONG_GENESIS', `a snapshot with the genesis ${genesis}`)
    const membership = new Membership(space, options)
    for (const act of acts) membership.#take(act)
    return membership
  }

  /**
   * Everything that is here, as bytes for {@link Membership.open}: the credentials, those that wait too, and no
   * verdict on them. They are for this device, not for others, and may be thrown away.
   */
  snapshot(): Promise<Uint8Array> {
    const { genesis } = this.verdicts
    const root = genesis !== undefined && { genesis: this.#acts.act(genesis).id }
    return packSnapshot({ space: this.space, ...root, acts: this.#all() })
  }

  /** Another one with the same credentials, to see what would come of more. */
  copy(): Membership {
    const copy = new Membership(this.space, this.verdicts)
    for (const act of this.#all()) copy.#take(act)
    return copy
  }

  /** Takes in a credential that was verified. */
  add(credential: Credential): Added {
    return this.#take(actOf(credential, rawClaim(credential), credential))
  }

  /** Whether a credential is in the graph. One that waits is not. */
  has(id: string): boolean {
    return this.#acts.has(id)
  }

  get(id: string): Credential | undefined {
    return this.has(id) ? this.#acts.credential(this.#acts.at(id)) : undefined
  }

  /** Whether a credential is in the graph and allowed, as things are. */
  counts(id: string): boolean {
    return this.has(id) && this.verdicts.counts(this.#acts.at(id))
  }

  /** How many credentials wait for parents. */
  get waiting(): number {
    return this.#waitingIds.size
  }

  /** Ids of the credentials that nothing comes after yet, ascending. */
  get heads(): string[] {
    return [...this.#acts.causality.heads].map((index) => this.#acts.act(index).id).sort()
  }

  /**
   * Where the graph parts, and whether it came together again: credentials that come right after the same one and
   * do not know each other. They are no error; what counts of them is the same for everybody.
   */
  forks(): Fork[] {
    return forksOf(this.#acts)
  }

  /**
   * What a new credential should name as its parents: the heads, with `previous`, the last credential in the author's own
   * feed. Never more than a credential may have; what is left out stays a head, for the next one.
   */
  parentsFor(previous?: string): string[] {
    const first = previous === undefined ? [] : [previous]
    return [...new Set([...first, ...this.heads])].slice(0, MAX_PARENTS).sort()
  }

  /** The genesis that everything rests on, once it is there. */
  get genesis(): Credential | undefined {
    const index = this.verdicts.genesis
    return index === undefined ? undefined : this.#acts.credential(index)
  }

  /** The name of the space, once its genesis is there. */
  get name(): string | undefined {
    const { claim } = this.genesis ?? {}
    return claim?.type === 'SpaceGenesis' ? claim.name : undefined
  }

  /** Whose own space this is: its only member, whatever is said. None for a space that is shared. */
  get owner(): PublicKey | undefined {
    return this.verdicts.owner
  }

  /**
   * The members, the best grant of each deciding; the most senior first. Costs what has changed, and iterating what
   * there is. It stays as it is, whatever is added: the same object until something of it changes.
   */
  members(): ReadonlyMap<PublicKey, Member> {
    return this.#members.map()
  }

  roleOf(identity: PublicKey): Role | undefined {
    return this.members().get(identity)?.role
  }

  /** Whether an identity may admit others at a role, as things are. */
  may(identity: PublicKey, role: Role): boolean {
    if (this.owner !== undefined) return false
    const { acting, role: own } = this.members().get(identity) ?? {}
    return acting === undefined ? own !== undefined && mayAdmit(own, role) : isAtLeast(acting, role)
  }

  /** Whether an identity may remove a member, as things are; whoever it is may leave. */
  mayRemove(identity: PublicKey, member: PublicKey): boolean {
    if (this.owner !== undefined) return false
    return mayRemove(this.verdicts, this.#members.acting(), identity, member)
  }

  /** Whether a `ChangedRole` of a member by an identity would make the role what it says, as things are. */
  mayChange(identity: PublicKey, member: PublicKey, role: Role): boolean {
    if (this.owner !== undefined) return false
    const mayGrant = this.may(identity, role)
    return mayChange(this.verdicts, this.#members.acting(), identity, member, role, mayGrant)
  }

  /** How a member came in, and by which invitation; `undefined` for others. */
  admissionOf(member: PublicKey): Admission | undefined {
    const since = this.members().get(member)?.since
    return since === undefined ? undefined : admissionOf(this.verdicts, since)
  }

  /**
   * The `RemovedMember` and `LeftSpace` credentials by which an identity lost what it was, in the order; of one who
   * was admitted again, too. Empty for whoever never lost anything, a stranger among them.
   */
  departuresOf(identity: PublicKey): Credential[] {
    return departuresOf(this.verdicts, identity)
  }

  /** Whether a credential comes after another, both in the graph: its author knew the other. */
  comesAfter(id: string, earlier: string): boolean {
    const [at, other] = [this.#acts.find(id), this.#acts.find(earlier)]
    return at !== undefined && other !== undefined && this.#acts.before(other, at)
  }

  /** All credentials in the graph, in the order: each behind everything that its author knew. */
  credentials(): Credential[] {
    const all = Array.from({ length: this.#acts.size }, (_, index) => index)
    all.sort((a, b) => this.#acts.causality.order(a, b))
    return all.map((index) => this.#acts.credential(index))
  }

  /** The epochs of the space, and which one to write under; the same object until another credential comes. */
  epochs(): EpochState {
    return epochsOf(this.verdicts)
  }

  /** Whether a member may be given an epoch's read key (without an id, the founding one) by whoever holds it. */
  mayRead(identity: PublicKey, epoch?: string): boolean {
    return mayRead(this.verdicts, identity, epoch)
  }

  /** Where the data feeds of removed and demoted members end. A feed that is not in it is not cut. */
  cuts(): ReadonlyMap<PublicKey, Cut> {
    return cutsOf(this.verdicts, this.feeds())
  }

  /** For any credential whether it counts, and the one rule and credential that decided. */
  why(id: string): Why {
    const index = this.#acts.find(id)
    if (index !== undefined) return why(this.verdicts, index)
    return this.#waitingIds.has(id)
      ? { counts: false, code: 'WAITS', text: 'It waits for a credential that it comes after.' }
      : { counts: false, code: 'NOT_HERE', text: 'It is not here, or belongs to another space.' }
  }

  /** The feeds that belong to the space, by their keys, in the order of their admission; as {@link members}. */
  feeds(): ReadonlyMap<PublicKey, Feed> {
    return this.#feeds.map()
  }

  /**
   * The line of grants from the genesis to one of them, as `verifyAdmission` wants it.
   * @throws TypeError when the id is not that of a `SpaceMember` or `ChangedRole` that counts
   */
  admissionPath(id: string): Credential[] {
    return pathTo(this.verdicts, id)
  }

  #all(): Act[] {
    const placed = Array.from({ length: this.#acts.size }, (_, index) => this.#acts.act(index))
    return [...placed, ...[...this.#waiting.values()].flat()]
  }

  get #acts() {
    return this.verdicts.acts
  }

  #take(late: Act): Added {
    if (this.#knows(late.id) || this.#isForeign(late)) return NOTHING
    const parents = this.#parentsOf(late)
    if (parents === undefined) return NOTHING
    const index = this.#place(late, parents)
    if (this.#waiting.size === 0) {
      const placed = [late.id]
      return { placed, counted: this.verdicts.counts(index) ? placed : NONE }
    }
    const indices = [index]
    this.#placeFreed(indices)
    const placed = indices.map((index) => this.#acts.act(index).id)
    return { placed, counted: placed.filter((_, n) => this.verdicts.counts(indices[n] ?? 0)) }
  }

  /** Places what waited for any of these, and puts it behind them. */
  #placeFreed(placed: number[]): void {
    for (const index of placed) {
      const { id } = this.#acts.act(index)
      const freed = this.#waiting.get(id) ?? []
      this.#waiting.delete(id)
      for (const next of freed) {
        const parents = this.#parentsOf(next)
        if (parents !== undefined) placed.push(this.#place(next, parents))
      }
    }
  }

  #knows(id: string): boolean {
    return this.#acts.has(id) || (this.#waitingIds.size > 0 && this.#waitingIds.has(id))
  }

  #isForeign({ claim }: Act): boolean {
    return claim.type === 'Auth' || ('space' in claim && claim.space !== this.space)
  }

  /** Indices of the parents; when one is not there, the act waits for it. */
  #parentsOf(late: Act): number[] | undefined {
    const indices = new Array<number>(late.parents.length)
    for (const [n, parent] of late.parents.entries()) {
      const index = this.#acts.find(parent)
      if (index === undefined) {
        this.#waitingIds.add(late.id)
        push(this.#waiting, parent, late)
        return undefined
      }
      indices[n] = index
    }
    return indices
  }

  #place(late: Act, parents: readonly number[]): number {
    const { index, again } = this.verdicts.add(late, parents)
    if (this.#waitingIds.size > 0) this.#waitingIds.delete(late.id)
    this.#judged(index, false)
    for (const one of again) if (one !== index) this.#judged(one, true)
    return index
  }

  #judged(index: number, again: boolean): void {
    this.#members.judged(index, again)
    this.#feeds.judged(index)
  }
}

const NONE: readonly string[] = Object.freeze([])
const NOTHING: Added = Object.freeze({ placed: NONE, counted: NONE })
