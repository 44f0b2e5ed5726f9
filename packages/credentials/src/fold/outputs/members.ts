import type { PublicKey } from '@vestibule/keys'
import type { Profile } from '../../claims/claims.ts'
import type { Role } from '../../roles.ts'
import { type Grant, holderOf } from '../acts.ts'
import { Tally } from '../tally.ts'
import type { Verdicts } from '../verdicts.ts'
import { Editions, type Ranked } from './editions.ts'

/** A member of a space. */
export interface Member {
  readonly role: Role
  /**
   * The role that was granted, when no owner is left and this member stands in as one. It grants nothing above
   * that, and nobody loses a grant to it that is better than its own.
   */
  readonly acting?: Role
  readonly profile: Profile
  /** The id of the credential that decides the role. */
  readonly since: string
}

/** Who is a member: of everybody the best grant that stands. Kept up with the verdicts, act by act. */
export class Members {
  readonly #verdicts: Verdicts
  readonly #map: Editions<PublicKey, Grant, Member>
  readonly #best: Tally<PublicKey, Grant, Grant>
  readonly #admission: Tally<PublicKey, Grant, Grant>
  /** Its latest word on how it wants to be shown. */
  readonly #said: Tally<PublicKey, number, number>
  readonly #changed = new Set<PublicKey>()
  #owners = 0
  #acting: Grant | undefined

  constructor(verdicts: Verdicts) {
    const { acts } = verdicts
    this.#verdicts = verdicts
    this.#map = new Editions((a, b) => (a === b ? 0 : acts.better(a, b) ? -1 : 1))
    this.#best = new Tally(
      (who) => acts.grantsOf(who),
      (best, grant) =>
        (best === undefined || acts.better(grant, best)) && verdicts.stands(grant) ? grant : best,
    )
    this.#admission = new Tally(
      (who) => acts.grantsOf(who),
      (best, grant) =>
        grant.act.claim.type === 'SpaceMember' &&
        (best === undefined || acts.better(grant, best)) &&
        verdicts.counts(grant.index)
          ? grant
          : best,
    )
    this.#said = new Tally(
      (who) => acts.profilesOf.get(who) ?? NONE,
      (latest, at) =>
        (latest === undefined || acts.causality.order(latest, at) < 0) && verdicts.counts(at) ? at : latest,
    )
  }

  /** An act was judged: for the first time, or again. */
  judged(index: number, again: boolean): void {
    const act = this.#verdicts.acts.act(index)
    const { claim } = act
    const who = claim.type === 'MemberProfile' ? claim.member : holderOf(act)
    if (who === undefined) return
    this.#changed.add(who)
    if (again) for (const tally of [this.#best, this.#admission, this.#said]) tally.forget(who)
  }

  map(): ReadonlyMap<PublicKey, Member> {
    if (this.#changed.size > 0) this.#update()
    return this.#map.current
  }

  /** The grant whose holder stands in for an owner, when none is left. */
  acting(): Grant | undefined {
    this.map()
    return this.#acting
  }

  #update(): void {
    const { acts } = this.#verdicts
    const before = this.#acting
    let acting = before
    let isLost = false
    for (const who of this.#changed) {
      const shown = this.#map.entry(who)
      const old = shown?.rank
      const best = this.#bestOf(who)
      this.#show(who, best, shown)
      if (old?.role === 'OWNER') this.#owners--
      if (best?.role === 'OWNER') this.#owners++
      if (old !== best && old === acting) isLost = true
      else if (best !== undefined && (acting === undefined || acts.better(best, acting))) acting = best
    }
    if (this.#owners > 0) acting = undefined
    // Only when an owner, or who stood in for one, is gone has somebody else to be looked for among all.
    else if (isLost || before === undefined) acting = this.#bestOfAll()
    this.#changed.clear()
    if (acting === before) return
    this.#acting = acting
    for (const grant of [before, acting]) {
      const shown = grant === undefined ? undefined : this.#map.entry(grant.holder)
      if (shown !== undefined) this.#show(shown.rank.holder, shown.rank, shown)
    }
  }

  #bestOf(who: PublicKey): Grant | undefined {
    const grants = this.#verdicts.acts.grantsOf(who)
    const best = grants.length > 1 ? this.#best.of(who) : grants[0]
    if (best === undefined || this.#verdicts.stands(best)) return best
    if (grants.length === 1) return undefined
    this.#best.forget(who)
    return this.#best.of(who)
  }

  #bestOfAll(): Grant | undefined {
    let best: Grant | undefined
    for (const { rank: grant } of this.#map.all())
      if (best === undefined || this.#verdicts.acts.better(grant, best)) best = grant
    return best
  }

  /** Shows the best grant of somebody, or none, in the place of what is shown. */
  #show(who: PublicKey, grant: Grant | undefined, shown: Ranked<Grant, Member> | undefined): void {
    if (grant === undefined) return this.#map.set(who, undefined)
    const { role } = grant
    const profile = this.#profileOf(grant)
    const since = grant.act.id
    const isActing = shown?.value.acting !== undefined
    if (shown?.rank === grant && shown.value.profile === profile && isActing === (grant === this.#acting))
      return
    const value: Member =
      grant === this.#acting ? { role: 'OWNER', acting: role, profile, since } : { role, profile, since }
    this.#map.set(who, { rank: grant, value: Object.freeze(value) })
  }

  /** How a member wants to be shown: its latest word on it, or else what it was admitted with. */
  #profileOf(grant: Grant): Profile {
    const latest = this.#said.of(grant.holder)
    const said = latest === undefined ? undefined : this.#verdicts.acts.act(latest).claim
    if (said?.type === 'MemberProfile') return said.profile
    const { claim } = grant.act
    const admission = claim.type === 'SpaceMember' ? claim : this.#admission.of(grant.holder)?.act.claim
    return admission?.type === 'SpaceMember' ? admission.profile : NAMELESS
  }
}

const NONE: readonly number[] = []
const NAMELESS: Profile = Object.freeze({ displayName: '' })
