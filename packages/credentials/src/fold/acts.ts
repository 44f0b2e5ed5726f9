import type { PublicKey } from '@vestibule/keys'
import type { DelegatedInvitation } from '../claims/claims.ts'
import type { Credential } from '../credential.ts'
import { ROLES, type Role } from '../roles.ts'
import { readGenuine } from '../statement.ts'
import { Causality } from './causality.ts'
import { Devices } from './devices.ts'

/** What the fold reads of a credential. */
type Read = Pick<Credential, 'id' | 'issuer' | 'signer' | 'parents' | 'claim'>

/** What the fold reads of a credential, and that credential, or its bytes, verified before. */
export interface Act extends Read {
  source: Credential | Uint8Array
}

/** Acts are read all the time: records of one shape, whatever they were made from, are read fastest. */
export function actOf(
  { id, issuer, signer, parents }: Omit<Read, 'claim'>,
  claim: Read['claim'],
  source: Act['source'],
): Act {
  return { id, issuer, signer, parents, claim, source }
}

/** An act that gives somebody a role. Its rank (role, then place in the order) never changes. */
export interface Grant {
  readonly index: number
  readonly role: Role
  readonly holder: PublicKey
  readonly act: Act
  /** The acts that could ever end it, whatever arrives: grants of their issuers are known by then, and keep their rank. */
  readonly enders: number[]
}

/** What a feed's author has signed, in order of arrival. */
interface Log {
  readonly signer: PublicKey
  readonly acts: number[]
  forked: boolean
}

/** 0 for no role at all, 1 for READER to 4 for OWNER. */
export const rankOf = (role: Role | undefined): number => (role === undefined ? 0 : ROLES.indexOf(role) + 1)
export const ADMIN = rankOf('ADMIN')
export const OWNER = rankOf('OWNER')

const NO_GRANTS: readonly Grant[] = []

/** Whether a grant gives power over a rank. */
export const isAbove = (own: Grant, rank: number): boolean =>
  rankOf(own.role) >= ADMIN && rankOf(own.role) > rank

/** The acts of a space with everything about them that no later act changes, and where to find them. */
export class Acts {
  readonly space: PublicKey
  readonly causality = new Causality()
  readonly devices = new Devices(this.causality)
  readonly grants = new Map<PublicKey, Grant[]>()
  readonly owners: Grant[] = []
  readonly founders: Grant[] = []
  /** By the id of the invitation. */
  readonly redemptions = new Map<string, Grant[]>()
  /** Of those who are to read nothing from before. */
  readonly withoutHistory: Grant[] = []
  readonly cancels = new Map<string, number[]>()
  readonly attempts = new Map<string, number[]>()
  readonly delegationsBy = new Map<PublicKey, string[]>()
  readonly feedsOf = new Map<PublicKey, number[]>()
  /** Feeds that somebody else admitted, by member. */
  readonly hosted = new Map<PublicKey, number[]>()
  /** What members said of how they want to be shown. */
  readonly profilesOf = new Map<PublicKey, number[]>()
  readonly byType = new Map<string, number[]>()
  readonly #acts: Act[] = []
  readonly #index = new Map<string, number>()
  readonly #grants: (Grant | undefined)[] = []
  readonly #enders = new Map<PublicKey, number[]>()
  readonly #filed = new Map<number, Grant[]>()
  readonly #logs = new Map<PublicKey, Log[]>()

  constructor(space: PublicKey) {
    this.space = space
  }

  get size(): number {
    return this.#acts.length
  }

  /**
   * Takes in an act, whose parents are there. Says whether it moves devices of its issuer.
   */
  add(act: Act, parents: readonly number[]): { index: number; moved: boolean } {
    const { id, claim, issuer } = act
    const index = this.causality.add(id, parents)
    this.#acts.push(act)
    this.#index.set(id, index)
    this.#grants.push(undefined)
    push(this.byType, claim.type, index)
    const holder = holderOf(act)
    if (holder !== undefined) this.#addAbout(holder, act, index)
    else if (claim.type === 'CancelledInvitation') push(this.cancels, claim.delegation, index)
    else if (claim.type === 'MemberProfile') push(this.profilesOf, claim.member, index)
    else if (claim.type === 'InvitationAttempts') push(this.attempts, claim.delegation, index)
    else if (claim.type === 'DelegatedInvitation') push(this.delegationsBy, issuer, id)
    else if (claim.type === 'AdmittedFeed') {
      push(this.feedsOf, claim.feed, index)
      if (claim.member !== issuer) push(this.hosted, claim.member, index)
    }
    this.#log(act, index)
    return { index, moved: this.devices.add(act, index) }
  }

  has(id: string): boolean {
    return this.#index.has(id)
  }

  find(id: string): number | undefined {
    return this.#index.get(id)
  }

  at(id: string): number {
    const index = this.#index.get(id)
    if (index === undefined) throw new RangeError(`no act ${id}`)
    return index
  }

  act(index: number): Act {
    const act = this.#acts[index]
    if (act === undefined) throw new RangeError(`no act ${index}`)
    return act
  }

  /** The credential that an act is. */
  credential(index: number): Credential {
    const act = this.act(index)
    if (act.source instanceof Uint8Array) act.source = readGenuine(act.source)
    return act.source
  }

  grant(index: number): Grant | undefined {
    return this.#grants[index]
  }

  grantsOf(who: PublicKey): readonly Grant[] {
    return this.grants.get(who) ?? NO_GRANTS
  }

  /** The grants that an act is filed under as one that could end them. */
  filed(ender: number): readonly Grant[] {
    return this.#filed.get(ender) ?? NO_GRANTS
  }

  before(a: number, b: number): boolean {
    return this.causality.before(a, b)
  }

  /** `a` is worth more than `b`: the higher role, then the earlier in the order. */
  better(a: Grant, b: Grant): boolean {
    if (a.role !== b.role) return rankOf(a.role) > rankOf(b.role)
    return this.causality.order(a.index, b.index) < 0
  }

  /** Whether the holder of `a` may take `b` away from its holder. */
  outranks(a: Grant, b: Grant): boolean {
    return a.role === 'OWNER' ? this.better(a, b) : a.role === 'ADMIN' && rankOf(b.role) < ADMIN
  }

  /**
   * Whether an act is a member's own lowering of itself, and the ender no more than that by the same member, not
   * known to it: it does not undo itself, and of two at once the lower stands.
   */
  isSparedBy(act: number, ender: number): boolean {
    const { claim, issuer } = this.act(act)
    if (claim.type !== 'ChangedRole' || claim.member !== issuer || this.before(ender, act)) return false
    const by = this.act(ender)
    return by.issuer === issuer && rankOf(limitOf(by) ?? undefined) >= rankOf(claim.role)
  }

  /** The invitation that an act refers to, when it comes after it. */
  invitation(id: string, act: number): DelegatedInvitation | undefined {
    const index = this.#index.get(id)
    if (index === undefined || !this.before(index, act)) return undefined
    const { claim } = this.act(index)
    return claim.type === 'DelegatedInvitation' ? claim : undefined
  }

  /** What somebody signed, by the keys that `which` picks, that an act does not know. */
  unknownTo(act: number, who: PublicKey, which: (signer: PublicKey) => boolean = () => true): number[] {
    const out: number[] = []
    for (const { signer, acts, forked } of this.#logs.get(who) ?? []) {
      if (!which(signer)) continue
      for (let n = acts.length - 1; n >= 0; n--) {
        const one = acts[n] ?? 0
        if (!this.before(one, act)) out.push(one)
        else if (!forked) break
      }
    }
    return out
  }

  /** Everything that somebody signed. */
  by(who: PublicKey): number[] {
    return (this.#logs.get(who) ?? []).flatMap(({ acts }) => acts)
  }

  #roleOf({ claim }: Act, index: number): Role | undefined {
    if (claim.type === 'ChangedRole') return claim.role
    if (claim.type !== 'SpaceMember') return undefined
    if (claim.delegation === undefined) return claim.role
    return this.invitation(claim.delegation, index)?.role === claim.role ? claim.role : undefined
  }

  /** Takes in what gives somebody a role, or takes one. */
  #addAbout(holder: PublicKey, act: Act, index: number): void {
    const role = this.#roleOf(act, index)
    if (role !== undefined) this.#addGrant({ index, role, holder, act, enders: [] })
    if (limitOf(act) === undefined) return
    for (const other of this.grantsOf(holder)) this.#file(index, other)
    push(this.#enders, holder, index)
  }

  #addGrant(grant: Grant): void {
    const { holder, index, role, act } = grant
    this.#grants[index] = grant
    push(this.grants, holder, grant)
    for (const ender of this.#enders.get(holder) ?? []) this.#file(ender, grant)
    if (role === 'OWNER') this.owners.push(grant)
    if (act.issuer === this.space) this.founders.push(grant)
    const { claim } = act
    if (claim.type !== 'SpaceMember') return
    if (claim.history === 'none') this.withoutHistory.push(grant)
    if (claim.delegation !== undefined) push(this.redemptions, claim.delegation, grant)
  }

  #file(ender: number, grant: Grant): void {
    const credential = this.act(ender)
    if (ender === grant.index || this.before(ender, grant.index)) return
    if (rankOf(limitOf(credential) ?? undefined) >= rankOf(grant.role)) return
    const { issuer } = credential
    const could =
      issuer === grant.holder ||
      this.grantsOf(issuer).some(
        (own) =>
          this.before(own.index, ender) &&
          (this.outranks(own, grant) || (this.better(own, grant) && this.#knowsOfAnEnd(ender))),
      )
    if (!could) return
    grant.enders.push(ender)
    push(this.#filed, ender, grant)
  }

  /** Whether there could be no owner left in an act's past; on the safe side. */
  #knowsOfAnEnd(act: number): boolean {
    return this.founders.some(({ enders }) => enders.some((ender) => this.before(ender, act)))
  }

  #log({ issuer, signer }: Act, index: number): void {
    const logs = this.#logs.get(issuer)
    const log = logs?.[0]?.signer === signer ? logs[0] : logs?.find((one) => one.signer === signer)
    if (log === undefined) return push(this.#logs, issuer, { signer, acts: [index], forked: false })
    const last = log.acts.at(-1)
    if (last !== undefined && !this.before(last, index)) log.forked = true
    log.acts.push(index)
  }
}

/** Whose grants an act gives or ends. */
export function holderOf({ claim, issuer }: Act): PublicKey | undefined {
  if (claim.type === 'LeftSpace') return issuer
  return claim.type === 'SpaceMember' || claim.type === 'ChangedRole' || claim.type === 'RemovedMember'
    ? claim.member
    : undefined
}

/** What an act leaves its subject with: a role, or `null` for none; `undefined` when it takes nothing. */
export function limitOf({ claim }: Act): Role | null | undefined {
  if (claim.type === 'RemovedMember' || claim.type === 'LeftSpace') return null
  return claim.type === 'ChangedRole' ? claim.role : undefined
}

/** Adds to the list under a key. */
export function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
