import type { PublicKey } from '@vestibule/keys'
import type { AdmittedFeed, Credential, Role, SpaceMember } from '../src/index.ts'

const RANK: Record<Role, number> = { READER: 1, EDITOR: 2, ADMIN: 3, OWNER: 4 }

type Of<C> = Credential & { readonly claim: C }
const isGrant = (c: Credential): c is Of<SpaceMember> => c.claim.type === 'SpaceMember'
const isFeed = (c: Credential): c is Of<AdmittedFeed> => c.claim.type === 'AdmittedFeed'

/**
 * The rules, written for reading: recursion over sets of ancestors, nothing incremental, nothing remembered
 * but results. The oracle for the fold. It wants whole histories: every parent is there.
 */
export class Spec {
  readonly #all: readonly Credential[]
  readonly #past = new Map<Credential, Set<Credential>>()
  readonly #depth = new Map<Credential, number>()
  readonly #verdicts = new Map<Credential, boolean>()
  readonly #space: PublicKey

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
      if (isGrant(c)) return c.issuer === this.#space && o.issuer === this.#space
      if (isFeed(c) && isFeed(o)) return c.claim.feed === o.claim.feed
      return c.claim.type === 'SpaceGenesis'
    })
  }

  fits(c: Credential): boolean {
    if (c.claim.type === 'AuthorizedDevice') return true
    if (c.claim.type === 'SpaceGenesis')
      return c.parents.length === 0 && c.issuer === this.#space && c.signer === this.#space
    if (isGrant(c)) return this.fitsGrant(c)
    if (isFeed(c)) return this.fitsFeed(c)
    return false
  }

  fitsGrant(c: Of<SpaceMember>): boolean {
    if (c.claim.member === c.issuer || c.claim.member === this.#space) return false
    if (c.issuer === this.#space) {
      const [parent, ...more] = this.#all.filter(({ id }) => c.parents.includes(id))
      const root = parent?.claim.type === 'SpaceGenesis' && more.length === 0 && this.counts(parent)
      return root && c.signer === this.#space && c.claim.role === 'OWNER'
    }
    return this.holds(c, (h) => RANK[h.claim.role] >= RANK.ADMIN && this.better(h, c))
  }

  fitsFeed(c: Of<AdmittedFeed>): boolean {
    const { member, device, purpose } = c.claim
    const enough = (g: Of<SpaceMember>) =>
      RANK[g.claim.role] >= (purpose === 'DATA' ? RANK.EDITOR : RANK.READER)
    if (c.issuer === member) {
      const named = this.#all.some(
        (d) =>
          d.claim.type === 'AuthorizedDevice' &&
          d.claim.device === device &&
          d.issuer === member &&
          this.before(d, c),
      )
      return (device === c.signer || named) && this.holds(c, enough)
    }
    return (
      this.holds(c, (h) => RANK[h.claim.role] >= RANK.ADMIN) &&
      this.#all.some(
        (g) =>
          isGrant(g) && g.claim.member === member && g.issuer === c.issuer && enough(g) && this.backs(g, c),
      )
    )
  }

  better(a: Of<SpaceMember>, b: Of<SpaceMember>): boolean {
    const [x, y] = [RANK[a.claim.role], RANK[b.claim.role]]
    return x !== y ? x > y : this.first(a, b)
  }

  backs(h: Credential, act: Credential): boolean {
    return this.before(h, act) && this.counts(h)
  }

  holds(c: Credential, enough: (h: Of<SpaceMember>) => boolean): boolean {
    return this.#all.some((h) => isGrant(h) && h.claim.member === c.issuer && enough(h) && this.backs(h, c))
  }

  members(): Map<PublicKey, { role: Role; since: string }> {
    const best = new Map<PublicKey, Of<SpaceMember>>()
    for (const g of this.#all)
      if (isGrant(g) && this.counts(g)) {
        const other = best.get(g.claim.member)
        if (!other || this.better(g, other)) best.set(g.claim.member, g)
      }
    return new Map([...best].map(([who, g]) => [who, { role: g.claim.role, since: g.id }]))
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
