import type { PublicKey } from '@vestibule/keys'
import type { AdmittedFeed } from '../claims/claims.ts'
import { type Act, Acts, ADMIN, type Grant, isAbove, OWNER, rankOf } from './acts.ts'
import { decide } from './fits.ts'
import { reach } from './reach.ts'
import { Tally } from './tally.ts'
import { Witnesses } from './witnesses.ts'

/**
 * Which acts of a graph count. A verdict rests only on grants that are better than what it gives, and those never
 * change their rank: so it is the same for everybody who has the same acts, whatever order they came in, and no
 * two verdicts can rest on each other.
 *
 * - `ends(ender, grant)`: the ender does not come before the grant, leaves less, and is by the holder itself or by
 *   somebody above it.
 * - `backs(grant, act)`: the grant counts, the actor knew it, and nobody ended it except knowing the act.
 * - `fits`: what an act may do. `counts`: it fits, and nothing that fits is before it in its contest (one genesis,
 *   one founder, one admission of a feed).
 *
 * @see docs/credentials.md, "The rules"
 */
export class Verdicts {
  readonly acts: Acts
  /** The only genesis to accept, when it is known. */
  readonly genesisId: string | undefined
  /** Whose own space this is: nobody else is admitted, and nothing ends the membership of its owner. */
  owner: PublicKey | undefined
  readonly #fits: (boolean | undefined)[] = []
  readonly #roots = new Map<'genesis' | 'founder', number>()
  readonly #feeds: Tally<PublicKey, number, number>
  readonly #endings: Tally<Grant, number, number[]>
  readonly witnesses = new Witnesses()

  constructor(space: PublicKey, genesisId?: string) {
    this.acts = new Acts(space)
    this.genesisId = genesisId
    this.#feeds = new Tally(
      (feed) => this.acts.feedsOf.get(feed) ?? [],
      (first, one) =>
        (first === undefined || this.acts.causality.order(one, first) < 0) && this.fits(one) ? one : first,
    )
    this.#endings = new Tally(
      (grant) => grant.enders,
      (ending, ender, grant) => {
        if (!this.ends(ender, grant)) return ending
        if (ending === undefined) return [ender]
        ending.push(ender)
        return ending
      },
    )
  }

  /**
   * Judges one more act, whose parents are there, and again whatever it reaches.
   * @param parents their indices
   * @returns its index, and those of the acts that were judged again
   */
  add(late: Act, parents: readonly number[]): { readonly index: number; readonly again: readonly number[] } {
    const { index, moved } = this.acts.add(late, parents)
    if (this.#seat(index)) return { index, again: this.#judgeAll() }
    this.fits(index)
    // With nothing beside it, and every key in its place, an act reaches nothing.
    if (this.acts.causality.heads.size <= 1 && !moved) return { index, again: NONE }
    const again = [...reach(this, index, moved)]
    this.#judgeAgain(index, again)
    return { index, again }
  }

  counts(index: number): boolean {
    if (!this.fits(index)) return false
    const { claim, issuer } = this.acts.act(index)
    if (claim.type === 'SpaceGenesis') return this.#roots.get('genesis') === index
    if (claim.type === 'SpaceMember' && issuer === this.acts.space)
      return this.#roots.get('founder') === index
    return claim.type !== 'AdmittedFeed' || this.feedWinner(claim.feed) === index
  }

  fits(index: number): boolean {
    const known = this.#fits[index]
    if (known !== undefined) return known
    const verdict = decide(this, index)
    this.#fits[index] = verdict
    return verdict
  }

  /** Whether a grant holds now, after everything that is known. */
  stands(grant: Grant): boolean {
    return this.counts(grant.index) && this.endings(grant).length === 0
  }

  /** The acts that end a grant, in order of arrival. */
  endings(grant: Grant): readonly number[] {
    return this.#endings.of(grant) ?? NONE
  }

  /** The index of the genesis that counts. */
  get genesis(): number | undefined {
    return this.#roots.get('genesis')
  }

  /** The admission of a feed that has it: the first in the order of those that fit. */
  feedWinner(feed: PublicKey): number | undefined {
    return this.#feeds.of(feed)
  }

  /** The best grant by which its issuer could give this grant, an acting owner's too; none for the founder's. */
  admitter(given: Grant): Grant | undefined {
    const { index, act } = given
    if (act.issuer === this.acts.space) return undefined
    const self = act.issuer === given.holder
    const enough = (own: Grant) =>
      self ? rankOf(own.role) > rankOf(given.role) : rankOf(own.role) >= ADMIN && this.acts.better(own, given)
    return this.best(act.issuer, index, enough) ?? (self ? undefined : this.heir(index, given))
  }

  best(who: PublicKey, act: number, enough: (own: Grant) => boolean): Grant | undefined {
    let best: Grant | undefined
    for (const grant of this.acts.grantsOf(who))
      if ((best === undefined || this.acts.better(grant, best)) && enough(grant) && this.backs(grant, act))
        best = grant
    return best
  }

  /** No senior device of the same identity revoked the one that signed, or all that named it, not knowing the act. */
  deviceOk(index: number): boolean {
    const { devices } = this.acts
    const { issuer, signer } = this.acts.act(index)
    if (!devices.isRevoking(issuer)) return true
    if (this.revokedBy(index) !== undefined) return false
    const level = devices.level(issuer, signer)
    if (level === undefined || level < 1) return true
    return devices.namingsAbove(issuer, signer).some((naming) => this.fits(naming))
  }

  /** The act that revoked the device behind another. One that no act names falls with any of its identity. */
  revokedBy(index: number): number | undefined {
    const { devices } = this.acts
    const { issuer, signer } = this.acts.act(index)
    const isNamed = devices.level(issuer, signer) !== undefined
    return devices
      .revocations(issuer, isNamed ? signer : undefined)
      .find((at) => !this.acts.before(index, at) && this.revokes(at))
  }

  /** A revocation is the word of a key above the one that it is about. */
  revokes(index: number): boolean {
    const { claim, issuer, signer } = this.acts.act(index)
    if (claim.type !== 'RevokedDevice' || !this.acts.devices.isSenior(issuer, signer, claim.device))
      return false
    return this.fits(index)
  }

  ends(ender: number, grant: Grant): boolean {
    if (ender === grant.index || this.acts.before(ender, grant.index) || !this.deviceOk(ender)) return false
    if (this.owner !== undefined) return false
    const { issuer } = this.acts.act(ender)
    if (issuer === grant.holder) return true
    return this.holds(ender, (own) => this.acts.outranks(own, grant)) || this.heir(ender, grant) !== undefined
  }

  backs(grant: Grant, act: number): boolean {
    if (!this.acts.before(grant.index, act) || !this.counts(grant.index)) return false
    return !this.endings(grant).some(
      (ender) => !this.acts.before(act, ender) && !this.acts.isSparedBy(act, ender),
    )
  }

  holds(act: number, enough: (own: Grant) => boolean): boolean {
    const { issuer } = this.acts.act(act)
    return this.acts.grantsOf(issuer).some((own) => enough(own) && this.backs(own, act))
  }

  /**
   * The grant by which the issuer of an act stood in for an owner: none was left in the act's past, and this was
   * the best that was. Over a grant it has power only when it is better.
   */
  heir(act: number, over?: Grant): Grant | undefined {
    if (over?.role === 'OWNER') return undefined
    const { acts } = this
    const own = acts
      .grantsOf(acts.act(act).issuer)
      .filter(
        (grant) =>
          rankOf(grant.role) < OWNER &&
          (over === undefined || acts.better(grant, over)) &&
          acts.before(grant.index, act),
      )
    if (own.length === 0) return undefined
    const untouched = acts.owners.find(
      (owner) =>
        acts.before(owner.index, act) &&
        this.counts(owner.index) &&
        !owner.enders.some((ender) => acts.before(ender, act)),
    )
    if (untouched !== undefined) {
      // A founder's grant is void only under another root, and then everything is judged anew.
      if (untouched.act.issuer !== acts.space) this.witnesses.add(untouched.index, act)
      return undefined
    }
    this.witnesses.add(-1, act)
    if (acts.owners.some((owner) => this.standsIn(owner, act))) return undefined
    return own.find((grant) => this.backs(grant, act) && !this.#hasBetterIn(grant, act))
  }

  /** Everything about a redemption but the race for a single use. */
  fitsRedemption(grant: Grant): boolean {
    const { index, act, holder } = grant
    const { claim, issuer } = act
    if (claim.type !== 'SpaceMember' || claim.delegation === undefined) return false
    const invitation = this.acts.at(claim.delegation)
    if (holder === issuer || holder === this.acts.space) return false
    if (!this.deviceOk(index) || !this.deviceOk(invitation)) return false
    const above = (own: Grant) => isAbove(own, rankOf(grant.role))
    return (
      this.isAuthorInOffice(invitation, (own) => this.backs(own, index)) &&
      this.cancelledBy(claim.delegation, index) === undefined &&
      this.holds(index, above)
    )
  }

  /** Whether who wrote an invitation still had a grant for it, by a test of the grant. */
  isAuthorInOffice(invitation: number, test: (own: Grant) => boolean): boolean {
    const { claim, issuer } = this.acts.act(invitation)
    const role = claim.type === 'DelegatedInvitation' ? rankOf(claim.role) : OWNER
    return this.acts
      .grantsOf(issuer)
      .some((own) => isAbove(own, role) && this.acts.before(own.index, invitation) && test(own))
  }

  /** A cancellation that counts, and was not made in the knowledge of an act. */
  cancelledBy(delegation: string, act?: number): number | undefined {
    return this.acts.cancels
      .get(delegation)
      ?.find((cancel) => (act === undefined || !this.acts.before(act, cancel)) && this.fits(cancel))
  }

  /** The redemption that was before another in the race for a single use. */
  beatenBy(grant: Grant): Grant | undefined {
    const { claim } = grant.act
    if (claim.type !== 'SpaceMember' || claim.delegation === undefined) return undefined
    if (this.acts.invitation(claim.delegation, grant.index)?.multiUse !== false) return undefined
    return this.acts.redemptions
      .get(claim.delegation)
      ?.find(
        (other) =>
          other.holder !== grant.holder &&
          this.acts.causality.order(other.index, grant.index) < 0 &&
          this.fitsRedemption(other),
      )
  }

  /** Its own key, the one that signs for it here, or one that it named earlier in this graph. */
  isDevice(index: number, { device, member }: AdmittedFeed): boolean {
    const { issuer, signer } = this.acts.act(index)
    if (device === member || (issuer === member && device === signer)) return true
    return this.acts.devices
      .namingsOf(member, device)
      .some((at) => this.acts.before(at, index) && this.fits(at))
  }

  /** Whether a grant held in the past of an act. */
  standsIn(grant: Grant, act: number): boolean {
    const { acts } = this
    if (!acts.before(grant.index, act) || !this.counts(grant.index)) return false
    return !this.endings(grant).some((ender) => acts.before(ender, act))
  }

  #hasBetterIn(grant: Grant, act: number): boolean {
    for (const grants of this.acts.grants.values())
      for (const other of grants)
        if (other !== grant && this.acts.better(other, grant) && this.standsIn(other, act)) return true
    return false
  }

  /** Gives a genesis or a founder its seat, if it is the first; whether everything has to be judged anew. */
  #seat(index: number): boolean {
    const { claim, issuer } = this.acts.act(index)
    const isGenesis = claim.type === 'SpaceGenesis'
    if (!isGenesis && (claim.type !== 'SpaceMember' || issuer !== this.acts.space)) return false
    const seat = isGenesis ? 'genesis' : 'founder'
    if (!this.fits(index)) return false
    const holder = this.#roots.get(seat)
    if (holder !== undefined && this.acts.causality.order(holder, index) <= 0) return false
    this.#roots.set(seat, index)
    if (isGenesis) this.owner = claim.identity
    return holder !== undefined
  }

  /** Another root turns over every verdict. It takes a space key that was not destroyed, hence the plain way. */
  #judgeAll(): readonly number[] {
    this.#fits.fill(undefined)
    this.#feeds.clear()
    this.#endings.clear()
    this.witnesses.clear()
    this.#roots.clear()
    this.owner = undefined
    const all = Array.from({ length: this.acts.size }, (_, index) => index)
    for (const type of ['SpaceGenesis', 'SpaceMember'])
      for (const index of [...(this.acts.byType.get(type) ?? [])].sort((a, b) =>
        this.acts.causality.order(a, b),
      ))
        if (type === 'SpaceGenesis' || this.acts.act(index).issuer === this.acts.space) this.#seat(index)
    this.#settle(all)
    return all
  }

  #judgeAgain(late: number, reached: readonly number[]): void {
    if (reached.length === 0) return
    const all = [late, ...reached]
    for (const index of all) {
      this.#fits[index] = undefined
      for (const grant of this.acts.filed(index)) this.#endings.forget(grant)
      const { claim } = this.acts.act(index)
      if (claim.type === 'AdmittedFeed') this.#feeds.forget(claim.feed)
    }
    this.#settle(all)
  }

  /** The best grants first: what the others rest on is known then, and nothing is nested deeply. */
  #settle(indices: readonly number[]): void {
    const { acts } = this
    const grants = new Set(indices.flatMap((index) => [acts.grant(index) ?? [], ...acts.filed(index)].flat()))
    for (const grant of [...grants].sort((a, b) => (a === b ? 0 : acts.better(a, b) ? -1 : 1))) {
      this.fits(grant.index)
      this.endings(grant)
    }
    for (const index of indices) this.fits(index)
  }
}

const NONE: readonly number[] = []
