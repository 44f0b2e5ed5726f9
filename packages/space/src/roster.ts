import { type Credential, Membership, type Profile, type Role } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { SpaceAdmission } from './admission/admission.ts'

/** A member of a space, as the application sees it. */
export interface Member {
  readonly identityKey: PublicKey
  readonly role: Role
  readonly profile: Profile
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
  #ownGrantId: string | undefined

  constructor(space: PublicKey, genesisId: string) {
    this.membership = new Membership(space, { genesisId })
  }

  /** Takes the own admission, verified, as the word on what the fold does not know yet. */
  vouch(admission: SpaceAdmission): void {
    for (const { id, claim } of admission.path) {
      if (claim.type !== 'SpaceMember') continue
      const { member: identityKey, role, profile } = claim
      this.#vouched.set(identityKey, { identityKey, role, profile })
      this.#ownGrantId = id
    }
    for (const { feed } of admission.heads)
      this.#vouchedFeeds.set(feed, { purpose: 'CONTROL', member: undefined, device: undefined })
    for (const { claim } of admission.credentials)
      if (claim.type === 'AdmittedFeed') this.#vouchedFeeds.set(claim.feed, claim)
    for (const credential of [...admission.path, ...admission.credentials]) this.membership.add(credential)
  }

  /** Whether what is known still rests on the own admission, because its past is not here. */
  get provisional(): boolean {
    return this.#ownGrantId !== undefined && !this.membership.has(this.#ownGrantId)
  }

  add(credential: Credential): void {
    this.membership.add(credential)
  }

  members(): Member[] {
    const known = new Map<PublicKey, Member>(this.provisional ? this.#vouched : [])
    for (const [identityKey, { role, profile }] of this.membership.members())
      known.set(identityKey, { identityKey, role, profile })
    return [...known.values()]
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
    const all = new Set<PublicKey>(this.membership.feeds().keys())
    if (this.provisional) for (const key of this.#vouchedFeeds.keys()) all.add(key)
    const of = (purpose: string) => [...all].filter((key) => this.feed(key)?.purpose === purpose)
    return [...of('CONTROL'), ...of('DATA')]
  }
}
