import type { PublicKey } from '@vestibule/keys'
import type { Profile } from '../claims/claims.ts'
import type { Credential } from '../credential.ts'
import { supersededBy } from './outputs/comings.ts'
import {
  type Device,
  devicesOf,
  isRevoked,
  profileOf,
  recoveriesOf,
  revocationsOf,
} from './outputs/devices.ts'
import {
  type InvitationStanding,
  type LiveInvitation,
  liveInvitations,
  standingOf,
  standings,
} from './outputs/invitations.ts'
import type { Verdicts } from './verdicts.ts'

/** What a membership says of devices and of invitations that any member serves. */
export abstract class MembershipViews {
  /** @internal */
  protected abstract readonly verdicts: Verdicts

  /**
   * Whether a key of an identity may no longer sign for it here: a senior one revoked it, or all that named it. Of a
   * key that no act of the graph names nothing is known, and this is false.
   */
  isRevoked(identity: PublicKey, device: PublicKey): boolean {
    return isRevoked(this.verdicts, identity, device)
  }

  /** The devices that an identity has named here, those that were revoked too, in the order. */
  devicesOf(identity: PublicKey): Device[] {
    return devicesOf(this.verdicts, identity)
  }

  /**
   * Whether one key of an identity is above another, as things are, and so may revoke it: the recovery key is above
   * the identity's own, that above the devices which it named, and on one level the first named is above the others.
   */
  isSenior(identity: PublicKey, key: PublicKey, other: PublicKey): boolean {
    return this.verdicts.acts.devices.isSenior(identity, key, other)
  }

  /** The `RevokedDevice` credentials of an identity that hold, in the order, also of keys that no act names here. */
  revocationsOf(identity: PublicKey): Credential[] {
    return revocationsOf(this.verdicts, identity)
  }

  /** The latest `IdentityProfile` of an identity here; none while it has not said any. */
  profileOf(identity: PublicKey): Profile | undefined {
    return profileOf(this.verdicts, identity)
  }

  /** The `IdentityRecovery` credentials of members that hold, in the order: of two the first is senior. */
  recoveries(): Credential[] {
    return recoveriesOf(this.verdicts)
  }

  /**
   * The delegated invitations that may be served and redeemed, in the order. Expiry binds those who serve: with
   * `nowMs` the expired ones are left out.
   */
  invitations(options: { readonly nowMs?: number } = {}): LiveInvitation[] {
    return liveInvitations(this.verdicts, options.nowMs)
  }

  /** The delegated invitations that are here, also those that are over, in the order. */
  delegations(): InvitationStanding[] {
    return standings(this.verdicts)
  }

  /** A delegated invitation by the id of its credential, also one that is over; `undefined` when it is not here. */
  invitation(id: string): InvitationStanding | undefined {
    return standingOf(this.verdicts, id)
  }

  /**
   * Of somebody who came by a single use at the same time as somebody else, and is not the one who stands: the redemption
   * that does. `undefined` for others.
   */
  supersededBy(identity: PublicKey): Credential | undefined {
    return supersededBy(this.verdicts, identity)
  }
}
