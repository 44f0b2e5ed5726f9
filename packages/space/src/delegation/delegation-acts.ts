import type { Role } from '@vestibule/credentials'
import type { Redacted } from '@vestibule/keys'
import { MemberActs } from '../acts/member-acts.ts'
import type { Device } from '../read-keys/open-epoch.ts'
import type { StorageWrite } from '../storage/storage.ts'
import { cancelDelegation, countAttempts, type DelegateOptions, delegate } from './delegate.ts'
import { type Delegation, delegationOf, mayServe, outlineOf } from './delegation.ts'
import { openSecrets } from './sealed-secrets.ts'

/**
 * Invitations that any member serves who may invite at their role: an owner those below owner, an admin those below
 * admin. What they throw beside SpaceError `NOT_ALLOWED` is as in `MemberActs`.
 *
 * @see docs/credentials.md, "Invitations that any member serves"
 */
export abstract class DelegationActs extends MemberActs {
  #outline = ''
  /** @internal This device. */
  protected abstract readonly device: Device

  /** Whether the own identity may delegate invitations at this role, and serve and cancel those of others, as things are. */
  mayDelegate(role: Role): boolean {
    return this.removal === undefined && mayServe(this.membership, this.self, role)
  }

  /** The delegated invitations that are here, also those that are over, in the order. */
  delegations(): Delegation[] {
    return this.membership.delegations().flatMap(({ credential }) => this.delegation(credential.id) ?? [])
  }

  /** One of them, by the id of its credential. Whoever may not serve it finds it called off. */
  delegation(id: string): Delegation | undefined {
    const standing = this.membership.invitation(id)
    const delegation = standing && delegationOf(standing, this.device.signingContext.deviceKey)
    if (delegation === undefined || delegation.ended !== undefined || this.mayDelegate(delegation.role))
      return delegation
    return { ...delegation, ended: 'CANCELLED' }
  }

  /** @internal Whether anything about them has changed since this was asked the last time. */
  protected haveDelegationsChanged(): boolean {
    const before = this.#outline
    this.#outline = outlineOf(this.delegations())
    return this.#outline !== before
  }

  /** @internal What serving an invitation needs, where it is sealed to this device. @throws KeysError of the key store */
  async servingSecrets(id: string): Promise<Redacted<Uint8Array> | undefined> {
    const claim = this.membership.invitation(id)?.claim
    return claim && openSecrets(claim.sealedSecrets, claim, this.device)
  }

  /** @internal Delegates an invitation. @returns the id of its credential @throws SpaceError `NOT_ALLOWED`, `TOO_LARGE` */
  delegate(options: DelegateOptions): Promise<string> {
    return this.act((actor) => delegate(actor, options))
  }

  /**
   * Calls a delegated invitation off: its author, or anybody who may serve it. Those who serve it stop when they hear of
   * it. One that is over already stays as it is.
   * @param options `alsoWrite`: in the same transaction
   */
  cancelDelegation(
    id: string,
    { alsoWrite = [] }: { readonly alsoWrite?: readonly StorageWrite[] } = {},
  ): Promise<void> {
    return this.act((actor) => cancelDelegation(actor, id, alsoWrite))
  }

  /** @internal Says how many attempts failed on this device, in all. */
  countAttempts(delegation: string, failed: number): Promise<void> {
    return this.act((actor) => countAttempts(actor, { delegation, failed }))
  }
}
