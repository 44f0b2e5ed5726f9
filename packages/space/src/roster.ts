import {
  type Credential,
  CredentialsError,
  Membership,
  type Profile,
  type Role,
  verifyAdmission,
  verifyCredential,
} from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { SpaceAdmission } from './admission/admission.ts'

/** A member of a space, as the application sees it. */
export interface Member {
  readonly identityKey: PublicKey
  readonly role: Role
  readonly profile: Profile
  /** The invitation by which it came, 16 bytes, when it came by one. They are shared: don't change them. */
  readonly invitationId?: Uint8Array
}

/** That somebody is no longer a member. */
export interface Departure {
  readonly identityKey: PublicKey
  /** Who removed it; itself, when it left; who admitted the other one, when it was superseded. */
  readonly by: PublicKey
  /** The id of the credential that ended it, for `Space.why`. */
  readonly credentialId: string
  /**
   * It came by an invitation for one at the same time as somebody else, whose admission stands: its own never counted.
   * It may be invited again. Absent for who was removed or left.
   */
  readonly reason?: 'SUPERSEDED'
}

/** Whose feed it is and what it may carry. */
export interface FeedInfo {
  readonly purpose: 'CONTROL' | 'DATA'
  /** Unknown for a control feed that so far only the own admission vouches for. */
  readonly member: PublicKey | undefined
  readonly device: PublicKey | undefined
}

/**
 * Who belongs to the space: the fold of its credentials, and until those are here what the own admission has
 * shown. In a space too large for its history to come with the admission, a new member knows its admitters, itself,
 * and from the host's list of heads which control feeds to ask for.
 */
export class Roster {
  readonly membership: Membership
  readonly #vouched = new Map<PublicKey, Member>()
  readonly #vouchedFeeds = new Map<PublicKey, FeedInfo>()
  readonly #genesisId: string
  #ownPath: readonly Credential[] = []
  /** The control feeds as whoever admitted this device had them. */
  promised: SpaceAdmission['heads'] = []

  /** @param membership what is known already; nothing unless given */
  constructor(space: PublicKey, genesisId: string, membership = new Membership(space, { genesisId })) {
    this.#genesisId = genesisId
    this.membership = membership
  }

  /** Takes the own admission, verified, as the word on what the fold does not know yet. */
  vouch(admission: SpaceAdmission): void {
    this.#ownPath = admission.path
    this.promised = admission.heads
    this.#vouched.clear()
    this.#vouchedFeeds.clear()
    for (const { claim } of admission.path) {
      if (claim.type !== 'SpaceMember') continue
      const { member: identityKey, role, profile } = claim
      this.#vouched.set(identityKey, { identityKey, role, profile, ...invitationIn(claim) })
    }
    for (const { feed } of admission.heads)
      this.#vouchedFeeds.set(feed, { purpose: 'CONTROL', member: undefined, device: undefined })
    for (const { claim } of admission.credentials)
      if (claim.type === 'AdmittedFeed') this.#vouchedFeeds.set(claim.feed, claim)
    for (const credential of [...admission.path, ...admission.credentials]) this.membership.add(credential)
  }

  /** Whether what is known still rests on the own admission, because its past is not here. */
  get provisional(): boolean {
    const own = this.#ownPath.at(-1)
    return own !== undefined && !this.membership.has(own.id)
  }

  add(credential: Credential): void {
    this.membership.add(credential)
  }

  members(): Member[] {
    const known = new Map<PublicKey, Member>(this.provisional ? this.#vouched : [])
    for (const [identityKey, { role, profile }] of this.membership.members())
      known.set(identityKey, {
        identityKey,
        role,
        profile,
        ...invitationIn(this.membership.admissionOf(identityKey)),
      })
    return [...known.values()]
  }

  /** What ended the membership of somebody who was a member; `undefined` for a member, and for a stranger. */
  departureOf(identityKey: PublicKey): Departure | undefined {
    if (this.roleOf(identityKey) !== undefined) return undefined
    const last = this.membership.departuresOf(identityKey).at(-1)
    const ending = last ?? this.membership.supersededBy(identityKey)
    return ending && departureBy(identityKey, ending)
  }

  roleOf(identity: PublicKey): Role | undefined {
    return (
      this.membership.roleOf(identity) ?? (this.provisional ? this.#vouched.get(identity)?.role : undefined)
    )
  }

  feed(key: PublicKey): FeedInfo | undefined {
    return this.membership.feeds().get(key) ?? (this.provisional ? this.#vouchedFeeds.get(key) : undefined)
  }

  /** Keys of all feeds of the space, control feeds first. */
  feedKeys(): PublicKey[] {
    const known = this.membership.feeds()
    const all: [PublicKey, { readonly purpose: FeedInfo['purpose'] }][] = [...known]
    if (this.provisional)
      for (const vouched of this.#vouchedFeeds) if (!known.has(vouched[0])) all.push(vouched)
    const of = (purpose: string) => all.flatMap(([key, feed]) => (feed.purpose === purpose ? key : []))
    return [...of('CONTROL'), ...of('DATA')]
  }

  /** Whether a grant is known here, or was the word that this device came in by. */
  hasHeardOf(id: string): boolean {
    return this.membership.has(id) || this.#ownPath.some((one) => one.id === id)
  }

  /** The line of admissions that leads to a member; empty when it is not known. */
  pathOf(identity: PublicKey): readonly Credential[] {
    const member = this.membership.members().get(identity)
    if (member !== undefined) return this.membership.admissionPath(member.since)
    const own = this.#ownPath.at(-1)?.claim
    return own?.type === 'SpaceMember' && own.member === identity ? this.#ownPath : []
  }

  /**
   * Whether a line of admissions shows somebody to be a member whose grant has not come here yet. What is known of
   * the line has to count here, and whoever continued it has to be in office here; a grant that is known and no
   * longer holds is no use to anybody.
   */
  async isAdmittedBy(identity: PublicKey, encoded: readonly Uint8Array[]): Promise<boolean> {
    const { membership } = this
    try {
      const path = await Promise.all(encoded.map((one) => verifyCredential(one)))
      const grant = path.at(-1)?.claim
      if (grant?.type !== 'SpaceMember') return false
      const { role } = grant
      const genesisId = this.#genesisId
      verifyAdmission(path, { space: membership.space, genesisId, member: identity, role })
      if (path.some(({ id }) => membership.has(id) && !membership.counts(id))) return false
      const next = path.find(({ id }) => !membership.has(id))
      return next?.claim.type === 'SpaceMember' && membership.may(next.issuer, next.claim.role)
    } catch (error) {
      if (error instanceof CredentialsError) return false
      throw error
    }
  }
}

/** What a credential that ended a membership says of it. */
export const departureBy = (identityKey: PublicKey, { id, issuer, claim }: Credential): Departure => ({
  identityKey,
  by: issuer,
  credentialId: id,
  ...(claim.type === 'SpaceMember' && { reason: 'SUPERSEDED' }),
})

const invitationIn = (admission: { readonly invitationId?: Uint8Array } | undefined) =>
  admission?.invitationId === undefined ? {} : { invitationId: admission.invitationId }

/** Whether nothing of it changed that an application sees. */
export function sameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => {
      const other = b[i]
      return (
        one.identityKey === other?.identityKey &&
        one.role === other.role &&
        one.profile.displayName === other.profile.displayName
      )
    })
  )
}
