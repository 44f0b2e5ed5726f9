import type { PublicKey } from '@vestibule/keys'
import fc from 'fast-check'
import {
  type Claim,
  type Credential,
  Membership,
  ROLES,
  type Role,
  type UnknownClaim,
} from '../../src/index.ts'
import { keyOf } from '../cast.ts'

export const SPACE = keyOf(1000)
export const OTHER_SPACE = keyOf(1001)
/** The first is the founder. */
export const PEOPLE = [keyOf(1), keyOf(2), keyOf(3), keyOf(4), keyOf(5), keyOf(6)] as const
/** Two devices of each. */
export const deviceOf = (who: PublicKey, n: number): PublicKey => keyOf(2000 + 2 * PEOPLE.indexOf(who) + n)
const FEEDS = [keyOf(3000), keyOf(3001), keyOf(3002), keyOf(3003)]

/** A credential as the fold sees it. Ids are short words here instead of hashes. */
export function act(
  id: string,
  issuer: PublicKey,
  claim: Claim | UnknownClaim,
  parents: readonly string[],
  signer = issuer,
): Credential {
  return {
    id,
    type: claim.type,
    issuer,
    signer,
    issuedAtMs: 0,
    parents: [...new Set(parents)].sort(),
    claim,
    chain: [],
    encoded: new Uint8Array(),
  }
}

export const admit = (member: PublicKey, role: Role, space = SPACE): Claim => ({
  type: 'SpaceMember',
  space,
  member,
  role,
  profile: { displayName: role },
})
export const genesisClaim = (name: string): Claim => ({ type: 'SpaceGenesis', space: SPACE, name })
export const NOTE: UnknownClaim = { type: 'Unknown', typeName: 'Note' }
export const change = (member: PublicKey, role: Role): Claim => ({
  type: 'ChangedRole',
  space: SPACE,
  member,
  role,
  heads: [],
})
export const remove = (member: PublicKey): Claim => ({
  type: 'RemovedMember',
  space: SPACE,
  member,
  heads: [],
})
export const LEAVE: Claim = { type: 'LeftSpace', space: SPACE, heads: [] }
export const delegate = (role: Exclude<Role, 'OWNER'>, multiUse = false): Claim => ({
  type: 'DelegatedInvitation',
  space: SPACE,
  invitationId: new Uint8Array(16),
  role,
  multiUse,
  maxAttempts: 3,
  sealedSecrets: new Uint8Array(),
})
export const redeem = (delegation: string, member: PublicKey, role: Role): Claim => ({
  type: 'SpaceMember',
  space: SPACE,
  member,
  role,
  profile: { displayName: role },
  delegation,
})
export const cancel = (delegation: string): Claim => ({
  type: 'CancelledInvitation',
  space: SPACE,
  delegation,
})
export const attempts = (delegation: string, failed: number): Claim => ({
  type: 'InvitationAttempts',
  space: SPACE,
  delegation,
  failed,
})
export const revoke = (identity: PublicKey, device: PublicKey): Claim => ({
  type: 'RevokedDevice',
  identity,
  device,
})
export const EPOCH: Claim = {
  type: 'Epoch',
  space: SPACE,
  number: 1,
  keys: [],
  heads: [],
  commitment: new Uint8Array(32),
}
const AGREEMENT_KEY = new Uint8Array(32)
/** What the fold sees has been verified, so it looks at no proof. */
const PROOF = new Uint8Array(128)

/** Somebody names a device: the second, when nothing else is said. */
export const named = (identity: PublicKey, device = deviceOf(identity, 1)): Claim => ({
  type: 'AuthorizedDevice',
  identity,
  device,
  agreementKey: AGREEMENT_KEY,
})

const person = fc.oneof(fc.constantFrom(...PEOPLE), fc.constantFrom(...PEOPLE.slice(0, 3)))
const role = fc.constantFrom<Role>(...ROLES)
const claim: fc.Arbitrary<Claim | UnknownClaim> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(person, role).map(([who, at]) => admit(who, at)) },
  {
    weight: 7,
    arbitrary: fc
      .record({ who: person, n: fc.nat(2), feed: fc.constantFrom(...FEEDS), data: fc.boolean() })
      .map(
        ({ who, n, feed, data }): Claim => ({
          type: 'AdmittedFeed',
          space: SPACE,
          member: who,
          device: n === 2 ? who : deviceOf(who, n),
          feed,
          purpose: data ? 'DATA' : 'CONTROL',
          proof: PROOF,
        }),
      ),
  },
  { weight: 6, arbitrary: person.map(remove) },
  { weight: 4, arbitrary: fc.tuple(person, role).map(([who, at]) => change(who, at)) },
  { weight: 2, arbitrary: fc.constant(LEAVE) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('READER', 'EDITOR', 'ADMIN'), fc.boolean())
      .map(([at, many]) => delegate(at, many)),
  },
  // Which invitation, and which role or device, is settled when the history is there.
  { weight: 6, arbitrary: person.map((who) => redeem('', who, 'READER')) },
  { weight: 2, arbitrary: fc.constant(cancel('')) },
  { weight: 1, arbitrary: fc.nat(3).map((n) => attempts('', n)) },
  { weight: 2, arbitrary: person.map((who) => revoke(who, who)) },
  { weight: 1, arbitrary: fc.constant(EPOCH) },
  { weight: 1, arbitrary: fc.constant(NOTE) },
  { weight: 1, arbitrary: fc.tuple(person, role).map(([who, at]) => admit(who, at, OTHER_SPACE)) },
)

interface Op {
  readonly by: PublicKey
  readonly device: number
  readonly own: boolean
  readonly claim: Claim | UnknownClaim
  readonly parents: readonly number[]
  readonly salt: number
  /** 0: the space key was not destroyed; 1: another genesis; 2 to 5: a device is named; else nothing special */
  readonly odd: number
}

const op: fc.Arbitrary<Op> = fc.record({
  by: person,
  device: fc.nat(2),
  own: fc.boolean(),
  claim,
  parents: fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
  salt: fc.nat(999),
  odd: fc.nat(60),
})

/** Acts that somebody adds to a history, each with the last of its own device among its parents. */
export function extend(history: readonly Credential[], ops: readonly Op[], prefix: string): Credential[] {
  const out = [...history]
  const graph = out.filter(({ claim: c }) => !('space' in c) || c.space === SPACE)
  const last = new Map(graph.map((c) => [`${c.issuer.toHex()} ${c.signer.toHex()}`, c.id]))
  for (const [i, { by, device, own, claim: given, parents, salt, odd }] of ops.entries()) {
    const id = `${String((salt * 7919 + i * 104729) % 1000).padStart(3, '0')}${prefix}${i}`
    const seen = parents.map((n) => graph[n % graph.length]?.id ?? 'genesis')
    const signer = device === 2 ? by : deviceOf(by, device)
    const previous = last.get(`${by.toHex()} ${signer.toHex()}`)
    const mentioned = settle(own ? mine(given, by, signer) : given, by, graph, salt)
    const about = 'delegation' in mentioned && mentioned.delegation ? [mentioned.delegation] : []
    const known = [...seen, ...about, ...(previous === undefined ? [] : [previous])]
    let next = act(id, by, mentioned, known, signer)
    if (odd === 0)
      next = act(id, SPACE, admit(by, salt % 2 ? 'OWNER' : 'ADMIN'), salt % 3 ? ['genesis'] : seen)
    if (odd === 1) next = act(id, SPACE, genesisClaim(id), [])
    if (odd >= 2 && odd <= 5)
      next = act(
        id,
        by,
        named(by, deviceOf(by, odd === 5 ? 0 : 1)),
        odd > 2 ? known : [],
        odd === 5 ? by : deviceOf(by, salt % 3 ? 0 : 1),
      )
    out.push(next)
    if ('space' in next.claim && next.claim.space !== SPACE) continue
    graph.push(next)
    last.set(`${next.issuer.toHex()} ${next.signer.toHex()}`, id)
  }
  return out
}

/** Names an invitation that is there, or a device of whoever speaks. */
function settle(
  given: Claim | UnknownClaim,
  by: PublicKey,
  graph: readonly Credential[],
  salt: number,
): Claim | UnknownClaim {
  if (given.type === 'RevokedDevice') return revoke(by, salt % 5 === 0 ? by : deviceOf(by, salt % 2))
  if (!('delegation' in given) || given.delegation === undefined) return given
  const invitations = graph.filter(({ claim: c }) => c.type === 'DelegatedInvitation')
  const one = invitations[salt % Math.max(1, invitations.length)]
  if (one?.claim.type !== 'DelegatedInvitation') return NOTE
  const next = { ...given, delegation: one.id }
  return next.type === 'SpaceMember' && salt % 10 ? { ...next, role: one.claim.role } : next
}

/** A feed of one's own, mostly of the device that says so. */
const mine = (given: Claim | UnknownClaim, by: PublicKey, signer: PublicKey): Claim | UnknownClaim =>
  given.type === 'AdmittedFeed'
    ? { ...given, member: by, device: given.purpose === 'DATA' && signer !== by ? signer : deviceOf(by, 1) }
    : given

/** The genesis, the founder, and whom the founder admits at the given roles, one after the other. */
export function opening(roles: readonly (Role | undefined)[]): Credential[] {
  const founder = PEOPLE[0]
  const out = [
    act('genesis', SPACE, genesisClaim('Kitchen'), []),
    act('founder', SPACE, admit(founder, 'OWNER'), ['genesis']),
  ]
  for (const [i, at] of roles.entries()) {
    const who = PEOPLE[i + 1]
    if (at !== undefined && who !== undefined)
      out.push(act(`s${i}`, founder, admit(who, at), [out.at(-1)?.id ?? 'founder'], deviceOf(founder, 0)))
  }
  return out
}

const roles = fc.array(fc.constantFrom<Role | undefined>(undefined, ...ROLES, 'ADMIN', 'OWNER'), {
  minLength: 1,
  maxLength: 5,
})
export const opsArb = (min: number, max: number): fc.Arbitrary<Op[]> =>
  fc.array(op, { minLength: min, maxLength: max, size: 'max' })

/** Histories in which much happens at once: most acts know little of the others. */
export const histories = (max: number, withSecondRoots = true): fc.Arbitrary<Credential[]> =>
  fc
    .tuple(roles, opsArb(max >> 1, max), fc.array(fc.nat(3), { minLength: max, maxLength: max }))
    .map(([at, ops, reach]) => {
      const start = opening(at)
      const [founder, , second] = PEOPLE
      for (const [id, who] of [
        ['d0', founder],
        ['d1', second],
      ] as const)
        start.push(act(id, who, named(who), [start.at(-1)?.id ?? 'founder'], deviceOf(who, 0)))
      const near = ops.map((one, i) => ({
        ...one,
        ...(withSecondRoots ? {} : { odd: Math.max(one.odd, 2) }),
        parents: reach[i] === 0 ? one.parents : [start.length - 1 + (reach[i] === 1 ? 0 : one.salt % 4)],
      }))
      return extend(start, near, 'x')
    })

/** Any order at all: children may come before their parents, and some come twice. */
export const shuffled = <T>(list: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...list, ...list], { minLength: 2 * list.length, maxLength: 2 * list.length })

export const foldOf = (history: readonly Credential[]): Membership => {
  const membership = new Membership(SPACE)
  for (const one of history) membership.add(one)
  return membership
}

/** Everything that a fold says, to be compared. */
export const stateOf = (membership: Membership, history: readonly Credential[]) => ({
  members: [...membership.members()].map(([who, { role: at, since }]) => `${who.toHex()} ${at} ${since}`),
  feeds: [...membership.feeds()].map(([feed, { credential }]) => `${feed.toHex()} ${credential}`),
  counted: [...new Set(history.filter(({ id }) => membership.counts(id)).map(({ id }) => id))].sort(),
  heads: membership.heads,
  waiting: membership.waiting,
})

export const print = (history: readonly Credential[]): string =>
  history
    .map(({ id, issuer, signer, claim: c, parents }) => {
      const name = (key: PublicKey) => (key === SPACE ? 'space' : `${PEOPLE.indexOf(key)}`)
      const parts = [
        'member' in c ? name(c.member) : '',
        'role' in c ? c.role : '',
        'delegation' in c ? (c.delegation ?? '') : '',
        'device' in c ? `device ${c.device.toHex().slice(0, 4)}` : '',
        'feed' in c ? c.feed.toHex().slice(0, 4) : '',
      ]
      const about = parts.filter(Boolean).join(' ')
      return `${id}: ${name(issuer)}/${signer.toHex().slice(0, 4)} ${c.type} ${about} <- ${parents.join(',')}`
    })
    .join('\n')

/** How many histories a property is tried on: a tenth of `FUZZ_RUNS` where that is set. */
export function runsOf(usually: number): number {
  const fuzz = process.env['FUZZ_RUNS']
  return fuzz === undefined ? usually : Math.ceil(Number(fuzz) / 10)
}
