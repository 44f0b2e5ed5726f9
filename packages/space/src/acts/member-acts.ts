import type { Membership, Role, Why } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { MAX_READ_KEYS } from '../admission/admission.ts'
import { ReadKeyActs } from '../read-keys/read-key-acts.ts'
import type { Departure } from '../roster.ts'
import { historyOf, type SpaceAct } from './history.ts'
import { changeRole, handOver, invitedBy, leave, removeMembers, setProfile } from './members.ts'
import { removalOf } from './notice.ts'
import type { Actor } from './perform.ts'

/**
 * What a member does about members, itself among them. Each is durable on this device when it resolves, in one
 * transaction; when it rejects nothing has changed. What another device did meanwhile may void it: `Space.why` tells.
 *
 * All of them throw SpaceError `NOT_ALLOWED` when the own role does not allow it, `NOT_A_MEMBER` when whoever it is
 * about, or the own identity, is no member; `CLOSED`; key and storage errors.
 *
 * @see docs/credentials.md, "Roles"
 */
export abstract class MemberActs extends ReadKeyActs {
  /** @internal Whose own space it is; none for a space that is shared. */
  get owner(): PublicKey | undefined {
    return this.membership.owner
  }

  /** @internal */
  get membership(): Membership {
    return this.store.roster.membership
  }

  /** @internal Whether the own membership rests on the admission, because the history is not here yet. */
  get isProvisional(): boolean {
    return this.store.roster.provisional
  }

  /** @internal The id of the `SpaceMember` credential by which the own identity is in. */
  get grantId(): string | undefined {
    return this.store.roster.pathOf(this.self).findLast(({ type }) => type === 'SpaceMember')?.id
  }

  /** @internal Whether a grant is known here. */
  hasHeardOf(grant: string): boolean {
    return this.store.roster.hasHeardOf(grant)
  }

  /** @internal How many read keys an admission to this space gives. */
  get readKeyCount(): number {
    return Math.min(this.store.readKeys.size, MAX_READ_KEYS)
  }

  /** Whether the own identity may admit somebody at this role, as things are. */
  mayAdmit(role: Role): boolean {
    return this.membership.may(this.self, role)
  }

  /** @internal Runs a task when nothing else of the space is being changed. @throws SpaceError `CLOSED` */
  abstract act<T>(task: (actor: Actor) => Promise<T>): Promise<T>

  /**
   * Removes a member. What it wrote that is not here yet does not count, its devices are refused, and it is told so by
   * whoever it meets. It may be admitted again.
   */
  async removeMember(identityKey: PublicKey): Promise<void> {
    await this.act((actor) => removeMembers(actor, [identityKey]))
  }

  /**
   * Removes everybody who came in by an invitation and is a member still, or nobody when one of them may not be
   * removed.
   * @param invitationId 16 bytes, as of {@link Member.invitationId}
   * @returns the identities that were removed; none when nobody here came by it
   */
  async removeInvited(invitationId: Uint8Array): Promise<PublicKey[]> {
    return this.act(async (actor) => {
      const identities = invitedBy(actor, invitationId)
      if (identities.length > 0) await removeMembers(actor, identities)
      return identities
    })
  }

  /** Gives a member another role, or the own identity a lower one. To give one that it has already is no error. */
  changeRole(identityKey: PublicKey, role: Role): Promise<void> {
    return this.act((actor) => changeRole(actor, identityKey, role))
  }

  /**
   * Makes another member owner, and the own identity admin, at once. Only an owner can; whoever would be without any
   * role afterwards leaves then.
   */
  handOver(identityKey: PublicKey): Promise<void> {
    return this.act((actor) => handOver(actor, identityKey))
  }

  /**
   * Ends the own membership. Others hear of it when they meet this device: see `Space.delivered`. What was written
   * stays, here and with them. When no owner is left the best-ranked member acts as one.
   */
  leave(): Promise<void> {
    return this.act(leave)
  }

  /**
   * Says how the own identity is shown in this space.
   * @param profile `displayName`: at most 64 bytes of UTF-8
   */
  setProfile({ displayName }: { readonly displayName: string }): Promise<void> {
    return this.act((actor) => setProfile(actor, displayName))
  }

  /** Ids of the newest acts: what is done from now on comes after all of them. At most 256. */
  get heads(): string[] {
    return this.store.roster.membership.parentsFor()
  }

  /**
   * What ended the own membership; `undefined` for a member. All that is here stays readable, others refuse this device,
   * and nothing more can be written before it is admitted again.
   */
  get removal(): Departure | undefined {
    const { roster, notice } = this.store
    return removalOf(roster, this.self, notice)
  }

  /** What ended the membership of somebody who was a member; `undefined` for a member, and for a stranger. */
  departureOf(identityKey: PublicKey): Departure | undefined {
    return this.store.roster.departureOf(identityKey)
  }

  /** For any credential of the space whether it counts, and the one rule and credential that decided. */
  why(credentialId: string): Why {
    return this.store.roster.membership.why(credentialId)
  }

  /** Everything that was done to the space itself, each act behind what its author knew. */
  history(): SpaceAct[] {
    return historyOf(this.store.roster)
  }
}
