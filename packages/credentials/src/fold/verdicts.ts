import type { PublicKey } from '@vestibule/keys'
import type { AdmittedFeed, SpaceMember } from '../claims.ts'
import type { Credential } from '../credential.ts'
import { isAtLeast, mayAdmit, type Role } from '../roles.ts'
import { Causality } from './causality.ts'

/** An admission, as authority: its role and its place in the order never change, whatever arrives later. */
export interface Grant {
  readonly index: number
  readonly role: Role
  readonly claim: SpaceMember
  readonly credential: Credential
}

/** Of these only the first in the order counts, among those that fit: one genesis, one founder, one of a feed. */
type Contest = 'genesis' | 'founder' | PublicKey

/**
 * Which acts of a graph count. A verdict rests only on the act's own past, on grants that are better than
 * what it gives, and on contests that the order decides: so it is the same for everybody who has the same
 * acts, whatever order they came in.
 *
 * - `fits`: what an act may do by its past alone. Never changes, except under another root.
 * - `counts`: it fits, and nothing that fits is before it in its contest.
 * - `backs(grant, act)`: the grant counts, and the actor knew it. Whatever ends grants is asked here and in
 *   `stands`.
 *
 * @see README, "What counts"
 */
export class Verdicts {
  readonly causality = new Causality()
  readonly #space: PublicKey
  readonly #genesisId: string | undefined
  readonly #credentials: Credential[] = []
  readonly #fits: boolean[] = []
  readonly #grants = new Map<PublicKey, Grant[]>()
  readonly #devices = new Map<PublicKey, number[]>()
  readonly #winners = new Map<Contest, number>()

  constructor(space: PublicKey, genesisId?: string) {
    this.#space = space
    this.#genesisId = genesisId
  }

  /** Judges one more act; its parents, as indices, have to be there. */
  add(credential: Credential, parents: readonly number[]): number {
    const index = this.causality.add(credential.id, parents)
    const { claim } = credential
    this.#credentials.push(credential)
    if (claim.type === 'SpaceMember')
      push(this.#grants, claim.member, { index, role: claim.role, claim, credential })
    if (claim.type === 'AuthorizedDevice') push(this.#devices, claim.device, index)
    const unseated = this.#judge(index)
    // Everything rests on the genesis and the founder, so another one turns over every verdict. It takes a
    // space key that was not destroyed, hence the plain way.
    if (unseated === 'genesis' || unseated === 'founder') this.#judgeAll()
    return index
  }

  counts(index: number): boolean {
    if (this.#fits[index] !== true) return false
    const contest = this.#contest(index)
    return contest === undefined || this.#winners.get(contest) === index
  }

  /** Whether a grant holds now, after everything that is known. */
  stands(grant: Grant): boolean {
    return this.counts(grant.index)
  }

  /** Every identity that was ever named in a grant, with its grants. */
  grants(): Iterable<[PublicKey, readonly Grant[]]> {
    return this.#grants
  }

  /** The feeds that count. */
  feeds(): AdmittedFeedAct[] {
    const out: AdmittedFeedAct[] = []
    for (const index of this.#winners.values()) {
      const credential = this.credential(index)
      if (credential.claim.type === 'AdmittedFeed') out.push({ index, claim: credential.claim, credential })
    }
    return out
  }

  genesis(): Credential | undefined {
    const index = this.#winners.get('genesis')
    return index === undefined ? undefined : this.credential(index)
  }

  credential(index: number): Credential {
    const credential = this.#credentials[index]
    if (credential === undefined) throw new RangeError(`no act ${index}`)
    return credential
  }

  /** `a` is worth more than `b`: the higher role, then the earlier in the order. */
  better(a: Grant, b: Grant): boolean {
    if (a.role !== b.role) return isAtLeast(a.role, b.role)
    return this.causality.order(a.index, b.index) < 0
  }

  /** The best grant by which its issuer could admit at this role when it did; none for the founder's. */
  admitter(index: number, role: Role): Grant | undefined {
    return this.#best(this.credential(index).issuer, index, (own) => mayAdmit(own, role))
  }

  #judge(index: number): Contest | undefined {
    const fits = this.#decide(index)
    this.#fits[index] = fits
    const contest = this.#contest(index)
    if (!fits || contest === undefined) return undefined
    const winner = this.#winners.get(contest)
    if (winner !== undefined && this.causality.order(winner, index) <= 0) return undefined
    this.#winners.set(contest, index)
    return winner === undefined ? undefined : contest
  }

  /** In the order itself every contest is won by the first that comes, and nothing is judged before its past. */
  #judgeAll(): void {
    this.#fits.fill(false)
    this.#winners.clear()
    const all = this.#credentials.map((_, index) => index).sort((a, b) => this.causality.order(a, b))
    for (const index of all) this.#judge(index)
  }

  #contest(index: number): Contest | undefined {
    const { claim, issuer } = this.credential(index)
    switch (claim.type) {
      case 'SpaceGenesis':
        return 'genesis'
      case 'SpaceMember':
        return issuer === this.#space ? 'founder' : undefined
      case 'AdmittedFeed':
        return claim.feed
      default:
        return undefined
    }
  }

  #decide(index: number): boolean {
    const credential = this.credential(index)
    const { claim } = credential
    switch (claim.type) {
      case 'SpaceGenesis':
        return this.#fitsGenesis(credential)
      case 'SpaceMember':
        return this.#fitsMember(index, credential, claim)
      case 'AdmittedFeed':
        return this.#fitsFeed(index, credential, claim)
      case 'AuthorizedDevice':
        return true
      case 'Auth':
      case 'Unknown':
        return false
    }
  }

  #fitsGenesis({ id, issuer, signer, parents }: Credential): boolean {
    if (this.#genesisId !== undefined && id !== this.#genesisId) return false
    return issuer === this.#space && signer === this.#space && parents.length === 0
  }

  #fitsMember(index: number, credential: Credential, { member, role }: SpaceMember): boolean {
    const { issuer, signer, parents } = credential
    if (member === issuer || member === this.#space) return false
    if (issuer !== this.#space) return this.admitter(index, role) !== undefined
    return (
      signer === this.#space && role === 'OWNER' && parents.length === 1 && parents[0] === this.genesis()?.id
    )
  }

  #fitsFeed(index: number, credential: Credential, claim: AdmittedFeed): boolean {
    const { issuer } = credential
    const least = claim.purpose === 'DATA' ? 'EDITOR' : 'READER'
    const own = issuer === claim.member
    if (own && !this.#isDevice(index, credential, claim)) return false
    if (!own && this.#best(issuer, index, (role) => isAtLeast(role, 'ADMIN')) === undefined) return false
    return (this.#grants.get(claim.member) ?? []).some(
      (grant) =>
        isAtLeast(grant.role, least) &&
        this.#backs(grant, index) &&
        // Whoever admitted somebody named their device with them. Nobody else says which feeds are theirs.
        (own || grant.credential.issuer === issuer),
    )
  }

  /** A member speaks of the device that it speaks by, or of one that it authorised earlier in this graph. */
  #isDevice(index: number, { signer }: Credential, { device, member }: AdmittedFeed): boolean {
    if (device === signer) return true
    return (this.#devices.get(device) ?? []).some(
      (at) => this.causality.before(at, index) && this.credential(at).issuer === member,
    )
  }

  #backs(grant: Grant, act: number): boolean {
    return this.causality.before(grant.index, act) && this.counts(grant.index)
  }

  #best(who: PublicKey, act: number, enough: (role: Role) => boolean): Grant | undefined {
    let best: Grant | undefined
    for (const grant of this.#grants.get(who) ?? [])
      if (enough(grant.role) && this.#backs(grant, act) && (best === undefined || this.better(grant, best)))
        best = grant
    return best
  }
}

/** An admitted feed at its place in the graph. */
export interface AdmittedFeedAct {
  readonly index: number
  readonly claim: AdmittedFeed
  readonly credential: Credential
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
