import type { PublicKey } from '@vestibule/keys'
import type { AuthMethod, InvitationKind, InvitationType } from './link/link-layout.ts'
import type { Preview } from './protocol/messages.ts'

/**
 * How far an invitation is, on either side.
 *
 * | state | host | guest |
 * | --- | --- | --- |
 * | `INIT` | not yet to be found | not yet looking |
 * | `CONNECTING` | waits for a guest | looks for the host |
 * | `CONNECTED` | a guest is there | the host has proven itself |
 * | `READY_FOR_AUTHENTICATION` | a guest is asked for the code | a code is wanted |
 * | `AUTHENTICATING` | a guest's code and keys are checked | the code was given |
 * | `SUCCESS` | a guest was admitted | is a member |
 * | `CANCELLED`, `EXPIRED`, `ERROR` | ended | ended |
 * | `TIMEOUT` | never | nobody answered, or no code was given, in time |
 */
export type InvitationState =
  | 'INIT'
  | 'CONNECTING'
  | 'CONNECTED'
  | 'READY_FOR_AUTHENTICATION'
  | 'AUTHENTICATING'
  | 'SUCCESS'
  | 'CANCELLED'
  | 'TIMEOUT'
  | 'ERROR'
  | 'EXPIRED'

/** The role that a guest gets; decided by the host's record, never by the guest. */
export type InvitationRole = Preview['role']

/**
 * Somebody who asks to be let in, and about whom a person has to decide. It has proven the link, the code and these keys;
 * what it is called is its own word.
 */
export interface GuestRequest {
  /** Names it among those of its invitation. */
  readonly id: string
  /** Absent in the device kind: the device has no identity yet. */
  readonly identityKey?: PublicKey
  readonly deviceKey: PublicKey
  /** At most 64 bytes of UTF-8, and may be empty. */
  readonly displayName: string
}

/** What an {@link Invitation} is made of. Fields have the names of the documented interface. */
export interface InvitationFields {
  /** 32 hex digits; the same on both sides. */
  readonly invitationId: string
  readonly kind: InvitationKind
  readonly type: InvitationType
  readonly authMethod: AuthMethod
  readonly multiUse: boolean
  readonly state: InvitationState
  /** How long a person has, in milliseconds. */
  readonly timeout: number
  /** Whether it goes on after a restart of its host; only the host knows. */
  readonly persistent?: boolean
  /** When it was made; only the host knows. */
  readonly created?: Date
  /** How long it lives from `created` on, in seconds; only the host knows. */
  readonly lifetime?: number
  /** When it ends, by the host's clock. */
  readonly expires: Date
  /** On the guest from `CONNECTED` on. */
  readonly role?: InvitationRole
  /** On the guest from `CONNECTED` on: what the host says, shown before a code is asked for. */
  readonly spaceName?: string
  /** On the guest from `CONNECTED` on: who invites, in the inviter's own words. */
  readonly inviterName?: string
  /** `did:key` of the space: on the host always, on the guest once it is a member. */
  readonly spaceKey?: string
  /** What the application should open after joining. */
  readonly target?: string
  /** Device kind, on the host, and on the guest with `SUCCESS`: the identity's public key. */
  readonly identityKey?: string
  /** On the host of an invitation for one identity: that identity's public key. */
  readonly guestKey?: string
  /** How many more codes are compared, after a wrong one. */
  readonly attemptsLeft?: number
  /** On the guest: code and keys were right, and a person at the host is being asked. */
  readonly waiting?: boolean
  /** On the host of an invitation with `approve`: who asks, oldest first. See `CancellableInvitationObservable.approve`. */
  readonly requests?: readonly GuestRequest[]
  /** A multi-use invitation goes on after `SUCCESS`. */
  readonly open?: boolean
  /** On the guest with `SUCCESS`: it was a member already, and nothing was asked of the host. */
  readonly alreadyMember?: boolean
}

/** What of an invitation is secret: only its host has it, and only to show it to a person. */
export interface InvitationSecrets {
  /** The text to share. */
  readonly link?: string
  /** The code to tell the guest over another channel. */
  readonly authCode?: string
}

/**
 * An invitation as an application sees it: a frozen value, a new one at each change.
 *
 * `link` and `authCode` can be read but are not enumerable: printing, spreading and `JSON.stringify` leave them
 * out. Use `with` to change a field and keep them.
 */
export class Invitation implements InvitationFields, InvitationSecrets {
  declare readonly invitationId: string
  declare readonly kind: InvitationKind
  declare readonly type: InvitationType
  declare readonly authMethod: AuthMethod
  declare readonly multiUse: boolean
  declare readonly state: InvitationState
  declare readonly timeout: number
  declare readonly persistent?: boolean
  declare readonly created?: Date
  declare readonly lifetime?: number
  declare readonly expires: Date
  declare readonly role?: InvitationRole
  declare readonly spaceName?: string
  declare readonly inviterName?: string
  declare readonly spaceKey?: string
  declare readonly target?: string
  declare readonly identityKey?: string
  declare readonly guestKey?: string
  declare readonly attemptsLeft?: number
  declare readonly waiting?: boolean
  declare readonly requests?: readonly GuestRequest[]
  declare readonly open?: boolean
  declare readonly alreadyMember?: boolean
  /** The text to share; on the host, once the invitation is durable. */
  declare readonly link?: string
  /** The code; on the host of an invitation that has one. */
  declare readonly authCode?: string

  constructor(fields: InvitationFields, secrets: InvitationSecrets = {}) {
    Object.assign(this, fields)
    for (const [name, value] of Object.entries(secrets)) Object.defineProperty(this, name, { value })
    Object.freeze(this)
  }

  /** The same invitation with some fields changed; its secrets are kept unless others are given. */
  with(changes: Partial<InvitationFields>, secrets: InvitationSecrets = {}): Invitation {
    const kept: InvitationSecrets = {
      ...(this.link !== undefined && { link: this.link }),
      ...(this.authCode !== undefined && { authCode: this.authCode }),
    }
    return new Invitation({ ...this, ...changes }, { ...kept, ...secrets })
  }
}
