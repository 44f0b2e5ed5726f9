import type { PublicKey } from '@vestibule/keys'
import type { AdmittedFeed, Credential, Role, SpaceMember } from '../index.ts'

const RANK: Record<Role, number> = { READER: 1, EDITOR: 2, ADMIN: 3, OWNER: 4 }
const { EDITOR, ADMIN, OWNER } = RANK

type Of<C> = Credential & { readonly claim: C }
const isFeed = (c: Credential): c is Of<AdmittedFeed> => c.claim.type === 'AdmittedFeed'
type Test = (h: Credential) => boolean

/**
 * The rules, written for reading: recursion over sets of ancestors, nothing incremental, nothing remembered
 * but results. The oracle for the fold. It wants whole histories: every parent is there. What it costs grows with the
 * cube of their length.
 *
 * @see docs/credentials.md, "The rules"
 * @example
 * expect(membership.members()).toEqual(new Spec(space, history).members())
 */
export class Spec {
  readonly #all: readonly Credential[]
  readonly #past = new Map<Credential, Set<Credential>>()
  readonly #depth = new Map<Credential, number>()
  readonly #verdicts = new Map<Credential, boolean>()
  readonly #fits = new Map<Credential, boolean>()
  readonly #devicesOk = new Map<Credential, boolean>()
  readonly #space: PublicKey
  #genesis: Credential | undefined

  constructor(space: PublicKey, history: readonly Credential[]) {
    this.#space = space
    this.#all = history.filter(({ claim }) => !('space' in claim) || claim.space === space)
    const byId = new Map(this.#all.map((c) => [c.id, c]))
    const visit = (c: Credential): Set<Credential> => {
      const known = this.#past.get(c)
      if (known) return known
      const past = new Set<Credential>()
      let depth = 0
      for (const id of c.parents) {
        const parent = byId.get(id)
        if (!parent) throw new Error(`${c.id} lacks ${id}`)
        for (const one of visit(parent)) past.add(one)
        past.add(parent)
        depth = Math.max(depth, (this.#depth.get(parent) ?? 0) + 1)
      }
      this.#past.set(c, past)
      this.#depth.set(c, depth)
      return past
    }
    this.#all.forEach(visit)
  }

  before(a: Credential, b: Credential): boolean {
    return this.#past.get(b)?.has(a) === true
  }

  /** (depth, id) */
  first(a: Credential, b: Credential): boolean {
    const [x, y] = [this.#depth.get(a) ?? 0, this.#depth.get(b) ?? 0]
    return x !== y ? x < y : a.id < b.id
  }

  counts(c: Credential): boolean {
    const known = this.#verdicts.get(c)
    if (known !== undefined) return known
    const verdict = this.fits(c) && !this.rivals(c).some((o) => this.first(o, c) && this.fits(o))
    this.#verdicts.set(c, verdict)
    return verdict
  }

  /** Those of which only one can count. */
  rivals(c: Credential): Credential[] {
    return this.#all.filter((o) => {
      if (o === c || o.claim.type !== c.claim.type) return false
      if (c.claim.type === 'SpaceMember') return c.issuer === this.#space && o.issuer === this.#space
      if (isFeed(c) && isFeed(o)) return c.claim.feed === o.claim.feed
      return c.claim.type === 'SpaceGenesis'
    })
  }

  /** Whose own space it is: nobody else is admitted, and nothing ends the owner's grant. */
  owner(): PublicKey | undefined {
    this.#genesis ??= this.#all.find((c) => c.claim.type === 'SpaceGenesis' && this.counts(c))
    return this.#genesis?.claim.type === 'SpaceGenesis' ? this.#genesis.claim.identity : undefined
  }

  // What is known of an act without any verdict.

  /** The role that an act gives, as a number; 0 when it gives none. */
  role(c: Credential): number {
    if (c.claim.type === 'ChangedRole') return RANK[c.claim.role]
    if (c.claim.type !== 'SpaceMember') return 0
    if (c.claim.delegation === undefined) return RANK[c.claim.role]
    const d = this.invitation(c)
    return d?.claim.type === 'DelegatedInvitation' && d.claim.role === c.claim.role ? RANK[c.claim.role] : 0
  }

  holder(c: Credential): PublicKey | undefined {
    if (c.claim.type === 'LeftSpace') return c.issuer
    const { claim } = c
    return claim.type === 'SpaceMember' || claim.type === 'ChangedRole' || claim.type === 'RemovedMember'
      ? claim.member
      : undefined
  }

  limit(c: Credential): number | undefined {
    if (c.claim.type === 'RemovedMember' || c.claim.type === 'LeftSpace') return 0
    return c.claim.type === 'ChangedRole' ? RANK[c.claim.role] : undefined
  }

  /** The invitation that an act refers to and comes after. */
  invitation(c: Credential): Credential | undefined {
    const id = 'delegation' in c.claim ? c.claim.delegation : undefined
    return this.#all.find((d) => d.id === id && d.claim.type === 'DelegatedInvitation' && this.before(d, c))
  }

  better(a: Credential, b: Credential): boolean {
    const [x, y] = [this.role(a), this.role(b)]
    return x !== y ? x > y : this.first(a, b)
  }

  outranks(h: Credential, g: Credential): boolean {
    return this.role(h) === OWNER ? this.better(h, g) : this.role(h) === ADMIN && this.role(g) < ADMIN
  }

  grantsOf(who: PublicKey): Credential[] {
    return this.#all.filter((g) => this.role(g) > 0 && this.holder(g) === who)
  }

  endersOf(g: Credential): Credential[] {
    return this.#all.filter((e) => this.limit(e) !== undefined && this.holder(e) === this.holder(g))
  }

  // Devices.

  /** -1 for the recovery key, 0 for the identity's own, one more than its namer for a device. */
  level(who: PublicKey, key: PublicKey, below: readonly PublicKey[] = []): number {
    if (key === who) return 0
    if (below.includes(key) || below.length > 8) return Number.POSITIVE_INFINITY
    const levels = this.#all.map((a) => {
      if (a.issuer !== who) return Number.POSITIVE_INFINITY
      if (a.claim.type === 'IdentityRecovery' && a.claim.recoveryKey === key) return -1
      if (a.claim.type !== 'AuthorizedDevice' || a.claim.device !== key) return Number.POSITIVE_INFINITY
      return Math.max(0, this.level(who, a.signer, [...below, key])) + 1
    })
    const level = Math.min(Number.POSITIVE_INFINITY, ...levels)
    return level > 8 ? Number.POSITIVE_INFINITY : level
  }

  senior(who: PublicKey, a: PublicKey, b: PublicKey): boolean {
    const [x, y] = [this.level(who, a), this.level(who, b)]
    if (x !== y || a === b || x === Number.POSITIVE_INFINITY) return x < y
    const naming = (key: PublicKey) =>
      this.#all
        .filter(
          ({ issuer, signer, claim }) =>
            issuer === who &&
            ((claim.type === 'AuthorizedDevice' &&
              claim.device === key &&
              Math.max(0, this.level(who, signer)) + 1 === x) ||
              (claim.type === 'IdentityRecovery' && claim.recoveryKey === key)),
        )
        .sort((c, d) => (this.first(c, d) ? -1 : 1))[0]
    const [c, d] = [naming(a), naming(b)]
    return c !== undefined && d !== undefined && c !== d && this.first(c, d)
  }

  revokes(v: Credential): boolean {
    return (
      v.claim.type === 'RevokedDevice' && this.senior(v.issuer, v.signer, v.claim.device) && this.deviceOk(v)
    )
  }

  deviceOk(c: Credential): boolean {
    const known = this.#devicesOk.get(c)
    if (known !== undefined) return known
    const verdict = this.#isDeviceOk(c)
    this.#devicesOk.set(c, verdict)
    return verdict
  }

  #isDeviceOk(act: Credential): boolean {
    const { issuer, signer } = act
    const revocations = this.#all.filter((v) => v.issuer === issuer && v.claim.type === 'RevokedDevice')
    if (revocations.length === 0) return true
    const level = this.level(issuer, signer)
    const isUnnamed = level === Number.POSITIVE_INFINITY
    const revoked = revocations.some(
      (v) =>
        (isUnnamed || (v.claim.type === 'RevokedDevice' && v.claim.device === signer)) &&
        !this.before(act, v) &&
        this.revokes(v),
    )
    if (revoked) return false
    if (isUnnamed || level < 1) return true
    return this.#all.some(
      (a) =>
        a.claim.type === 'AuthorizedDevice' &&
        a.issuer === issuer &&
        a.claim.device === signer &&
        this.level(issuer, a.signer) < level &&
        this.deviceOk(a),
    )
  }

  // Verdicts.

  ends(e: Credential, g: Credential): boolean {
    if (e === g || this.before(e, g) || (this.limit(e) ?? OWNER) >= this.role(g) || !this.deviceOk(e))
      return false
    if (this.owner() !== undefined) return false
    return e.issuer === this.holder(g) || this.holds(e, (h) => this.outranks(h, g)) || this.heir(e, g)
  }

  backs(h: Credential, act: Credential): boolean {
    if (!this.before(h, act) || !this.counts(h)) return false
    const spared = (e: Credential) =>
      act.claim.type === 'ChangedRole' &&
      act.claim.member === act.issuer &&
      e.issuer === act.issuer &&
      !this.before(e, act) &&
      (this.limit(e) ?? 0) >= this.role(act)
    return !this.endersOf(h).some((e) => !this.before(act, e) && !spared(e) && this.ends(e, h))
  }

  holds(c: Credential, enough: Test): boolean {
    return this.grantsOf(c.issuer).some((h) => enough(h) && this.backs(h, c))
  }

  /** A grant as it stood in the past of an act. */
  inPast(o: Credential, c: Credential): boolean {
    if (!this.before(o, c) || !this.counts(o)) return false
    return !this.endersOf(o).some((e) => this.before(e, c) && this.ends(e, o))
  }

  heir(c: Credential, over?: Credential): boolean {
    const above = (h: Credential) => this.role(h) < OWNER && (over === undefined || this.better(h, over))
    const grants = this.#all.filter((o) => this.role(o) > 0)
    return this.grantsOf(c.issuer).some(
      (h) =>
        above(h) &&
        this.before(h, c) &&
        !grants.some((o) => this.role(o) === OWNER && this.inPast(o, c)) &&
        this.backs(h, c) &&
        !grants.some((o) => o !== h && this.better(o, h) && this.inPast(o, c)),
    )
  }

  may(c: Credential, enough: Test, over?: Credential): boolean {
    return this.holds(c, enough) || this.heir(c, over)
  }

  fits(c: Credential): boolean {
    const known = this.#fits.get(c)
    if (known !== undefined) return known
    const verdict = this.#decide(c)
    this.#fits.set(c, verdict)
    return verdict
  }

  #decide(c: Credential): boolean {
    const { claim, issuer, parents } = c
    const above: Test = (h) => this.role(h) >= ADMIN
    if (claim.type === 'SpaceGenesis')
      return parents.length === 0 && issuer === this.#space && c.signer === this.#space
    if (claim.type === 'SpaceMember' && issuer === this.#space) return this.fitsFounder(c, claim)
    if (!this.deviceOk(c)) return false
    switch (claim.type) {
      case 'SpaceMember':
        if (this.owner() !== undefined) return false
        if (claim.member === issuer || claim.member === this.#space) return false
        if (claim.delegation === undefined) return this.may(c, (h) => above(h) && this.better(h, c), c)
        return this.redeems(c) && !this.contenders(c).some((o) => this.first(o, c) && this.redeems(o))
      case 'ChangedRole':
        if (claim.member === this.#space || this.owner() !== undefined) return false
        return claim.member === issuer
          ? this.holds(c, (h) => this.role(h) > this.role(c))
          : this.may(c, (h) => above(h) && this.better(h, c), c)
      case 'RemovedMember':
        return this.may(c, above)
      case 'Epoch': {
        const own = this.#all.some((v) => parents.includes(v.id) && v.issuer === issuer && this.revokes(v))
        return this.may(c, above) || (own && this.holds(c, () => true))
      }
      case 'DelegatedInvitation':
        return this.holds(c, (h) => above(h) && this.role(h) > RANK[claim.role])
      case 'CancelledInvitation':
      case 'InvitationAttempts': {
        const d = this.invitation(c)?.claim
        if (d?.type !== 'DelegatedInvitation') return false
        return this.holds(c, (h) => above(h) && this.role(h) > RANK[d.role])
      }
      case 'AdmittedFeed':
        return this.fitsFeed(c, claim)
      case 'Unknown':
      case 'Auth':
        return false
      default:
        return true
    }
  }

  fitsFounder(c: Credential, { member, role, delegation }: SpaceMember): boolean {
    const [parent, ...more] = this.#all.filter(({ id }) => c.parents.includes(id))
    const root = parent?.claim.type === 'SpaceGenesis' && more.length === 0 && this.counts(parent)
    const isOwned = root && parent.claim.type === 'SpaceGenesis' && parent.claim.identity !== undefined
    if (isOwned && this.owner() !== member) return false
    return root && member !== this.#space && c.signer === this.#space && role === 'OWNER' && !delegation
  }

  contenders(c: Credential): Credential[] {
    const d = this.invitation(c)
    if (d?.claim.type !== 'DelegatedInvitation' || d.claim.multiUse) return []
    return this.#all.filter(
      (o) => this.role(o) > 0 && this.invitation(o) === d && this.holder(o) !== this.holder(c),
    )
  }

  /** Everything about a redemption except the race for a single use. */
  redeems(c: Credential): boolean {
    const d = this.invitation(c)
    if (d === undefined || this.role(c) === 0 || this.holder(c) === c.issuer) return false
    if (this.holder(c) === this.#space || !this.deviceOk(c) || !this.deviceOk(d)) return false
    const above: Test = (h) => this.role(h) >= ADMIN && this.role(h) > this.role(c)
    const cancelled = this.#all.some(
      (x) =>
        x.claim.type === 'CancelledInvitation' &&
        x.claim.delegation === d.id &&
        !this.before(c, x) &&
        this.counts(x),
    )
    const author = this.grantsOf(d.issuer).some((h) => above(h) && this.before(h, d) && this.backs(h, c))
    return author && !cancelled && this.holds(c, above)
  }

  fitsFeed(c: Credential, { member, device, purpose }: AdmittedFeed): boolean {
    const enough: Test = (g) => this.role(g) >= (purpose === 'DATA' ? EDITOR : 1)
    const named = this.#all.some(
      (d) =>
        d.claim.type === 'AuthorizedDevice' &&
        d.claim.device === device &&
        d.issuer === member &&
        this.before(d, c) &&
        this.deviceOk(d),
    )
    const own = c.issuer === member
    if (device !== member && !named && !(own && device === c.signer)) return false
    if (own) return this.holds(c, enough)
    return (
      this.may(c, (h) => this.role(h) >= ADMIN) &&
      this.grantsOf(member).some((g) => g.issuer === c.issuer && enough(g) && this.inPast(g, c))
    )
  }

  // The state after everything.

  stands(g: Credential): boolean {
    return this.counts(g) && !this.endersOf(g).some((e) => this.ends(e, g))
  }

  members(): Map<PublicKey, { role: Role; since: string }> {
    const standing = this.#all.filter((g) => this.role(g) > 0 && this.stands(g))
    standing.sort((a, b) => (this.better(a, b) ? -1 : 1))
    const out = new Map<PublicKey, { role: Role; since: string }>()
    for (const g of standing) {
      const { claim } = g
      if (claim.type !== 'SpaceMember' && claim.type !== 'ChangedRole') continue
      // The best of all is an owner, or stands in for one.
      const role = out.size === 0 ? 'OWNER' : claim.role
      if (!out.has(claim.member)) out.set(claim.member, { role, since: g.id })
    }
    return out
  }

  feeds(): Map<PublicKey, string> {
    return new Map(this.#all.filter(isFeed).flatMap((c) => (this.counts(c) ? [[c.claim.feed, c.id]] : [])))
  }

  heads(): string[] {
    const parents = new Set(this.#all.flatMap((c) => c.parents))
    return this.#all.flatMap(({ id }) => (parents.has(id) ? [] : [id])).sort()
  }

  counted(): string[] {
    return this.#all.flatMap((c) => (this.counts(c) ? [c.id] : [])).sort()
  }
}
