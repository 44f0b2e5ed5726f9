import type { PublicKey } from '@vestibule/keys'
import type { StorageWrite } from '@vestibule/space'
import type { GuestRequest, InvitationFields } from '../invitation.ts'
import type { Preview } from '../protocol/messages.ts'

/**
 * What differs between invitations into a space and of a device: what the sealed parts of messages 5 and 6 hold, and
 * where a guest is admitted. Everything else, the machines and their drivers, is the same for both.
 */

/** Somebody who asks, once everything that message 5 claims has been proven. */
export interface Applicant {
  /** Who it is to the machine and in the record of admissions: the identity of a member, the device of an identity. */
  readonly key: PublicKey
  /** What a person at the host is shown. */
  readonly shown: Omit<GuestRequest, 'id'>
  /**
   * Admits it, or gives what it was admitted with once more; in one transaction with `alsoWrite`.
   * @returns what message 6 brings
   * @throws SpaceError; storage and key errors
   */
  admit(alsoWrite?: readonly StorageWrite[]): Promise<Uint8Array>
}

/** Why somebody who asks can't be admitted, whoever else could. */
export type Unproven = 'PROOF_INVALID' | 'WRONG_GUEST'

/** The host's half. */
export interface HostKind {
  preview(): Preview
  /**
   * Checks the plaintext of message 5: every proof in it, over `TH2`.
   * @returns why not: `PROOF_INVALID` when one fails, `WRONG_GUEST` when the invitation is for another identity
   * @throws InvitationError `PROTOCOL_VIOLATION`
   */
  verify(proven: Uint8Array, th2: Uint8Array): Promise<Applicant | Unproven>
  /** Calls back whenever somebody who was admitted may have been removed. @returns a function that ends it */
  onRemovals(look: () => void): () => void
  /** Whether somebody else has removed it. */
  isRemoved(key: PublicKey): boolean
  /** Of an invitation that others serve as well. */
  readonly shared?: SharedInvitation
}

/** How an invitation stands by what all say who serve it, and what is said to them. */
export interface SharedInvitation {
  standing(): SharedStanding
  /** Calls back whenever that may have changed. @returns a function that ends it */
  onChange(look: () => void): () => void
  /** Calls it off for all, in one transaction with a write. @throws SpaceError; storage and key errors */
  cancel(alsoWrite: readonly StorageWrite[]): Promise<void>
  /** Says how many attempts failed here, in all. @throws SpaceError; storage and key errors */
  countAttempts(failed: number): Promise<void>
}

/** What is known of all who serve an invitation. */
export interface SharedStanding {
  /** Attempts that failed elsewhere. */
  readonly failed: number
  /** Who came by it, here or elsewhere. */
  readonly admitted: readonly PublicKey[]
  readonly ended?: 'REDEEMED' | 'CANCELLED' | 'LOCKED'
}

/** What a guest was given, checked as far as that goes before it is stored. */
export interface Membership {
  /**
   * Stores it, in one transaction with `alsoWrite`.
   * @param role what the preview said
   * @param addresses where the host can be found
   * @returns what the application is told with `SUCCESS`
   * @throws SpaceError when it is not what was promised, and then nothing is written; storage, key and network errors
   */
  store(options: {
    readonly role: Preview['role']
    readonly addresses: readonly string[]
    readonly alsoWrite: readonly StorageWrite[]
  }): Promise<Partial<InvitationFields>>
}

/** The guest's half, with the keys that it asks with. */
export interface GuestKind {
  /** Takes up the keys of an earlier try. @throws InvitationError `STORAGE_FAILED` */
  resume(record: Uint8Array): void
  /** Makes the keys. @returns the record to be kept until the end */
  prepare(): Promise<Uint8Array>
  /** Forgets the keys. */
  discard(): Promise<void>
  /** The plaintext of message 5, with every proof over `TH2`. */
  request(th2: Uint8Array): Promise<Uint8Array>
  /**
   * Checks what message 6 brings, the link's commitment included.
   * @returns `undefined` when it is not what the link promised
   * @throws SpaceError, InvitationError when it is no answer at all
   */
  read(answer: Uint8Array): Promise<Membership | undefined>
  /** What of the preview the application is shown. */
  shown(preview: Preview): Partial<InvitationFields>
}
