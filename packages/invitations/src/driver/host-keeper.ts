import type { PublicKey, Redacted } from '@vestibule/keys'
import { SpaceError, type StorageWrite } from '@vestibule/space'
import type { Applicant, HostKind } from '../kind/kind.ts'
import { deriveLinkKeys } from '../link/link-keys.ts'
import type { CommitFailure, HostRecord } from '../machine/host-state.ts'
import { invitationWrite, recordKeys, type StoredInvitation } from '../records.ts'
import type { Parts } from './parts.ts'

/** Makes durable what the machine of a host decides: its record, who came, and what others who serve it are told. */
export class HostKeeper {
  readonly #parts: Pick<Parts, 'storage' | 'clock'>
  readonly #kind: HostKind
  readonly #invitationId: Uint8Array
  #stored: StoredInvitation
  /** Who came by it here. */
  readonly admittedBy: Set<PublicKey>
  /** It was called off here, not by others. */
  callsOff = false

  constructor(
    parts: Pick<Parts, 'storage' | 'clock'>,
    kind: HostKind,
    stored: StoredInvitation,
    admitted: Iterable<PublicKey>,
  ) {
    this.#parts = parts
    this.#kind = kind
    this.#stored = stored
    this.#invitationId = deriveLinkKeys(stored.link.secret).invitationId
    this.admittedBy = new Set(admitted)
  }

  /** As it is durable. */
  get stored(): StoredInvitation {
    return this.#stored
  }

  /** @param newCode the code that it has from now on @returns whether it is durable */
  async write(record: HostRecord, newCode?: Redacted<string>): Promise<boolean> {
    const stored = { ...this.#stored, ...(newCode && { code: newCode }), progress: record }
    const { shared } = this.#kind
    const isCallingOff =
      record.life === 'CANCELLED' && this.callsOff && shared?.standing().ended === undefined
    const write = invitationWrite(stored)
    try {
      // What is called off here others hear of, from the moment on in which it is.
      await (shared && isCallingOff ? shared.cancel([write]) : this.#parts.storage.transact([write]))
      this.#stored = stored
      return true
    } catch {
      return false
    }
  }

  /** Tells others how many attempts failed here, in all. @returns whether that is durable */
  async tell(failed: number): Promise<boolean> {
    try {
      await this.#kind.shared?.countAttempts(failed)
      return true
    } catch {
      return false
    }
  }

  /** Admits somebody, in one transaction with the record. @returns what message 6 brings, or why not */
  async commit(applicant: Applicant, record: HostRecord): Promise<Uint8Array | CommitFailure> {
    if (this.#parts.clock.now() >= this.#stored.link.expiresAtMs) return 'EXPIRED'
    const stored = { ...this.#stored, progress: record }
    const admitted: StorageWrite = {
      key: recordKeys.admittedBy(this.#invitationId) + applicant.key.toHex(),
      value: new Uint8Array(0),
    }
    try {
      const admission = await applicant.admit([invitationWrite(stored), admitted])
      this.#stored = stored
      this.admittedBy.add(applicant.key)
      return admission
    } catch (error) {
      if (!(error instanceof SpaceError) || !REFUSED_BY_SPACE.has(error.code)) return 'HOST_FAILED'
      return this.#kind.shared?.standing().ended ?? 'NOT_ALLOWED'
    }
  }

  /** Why somebody who was admitted here before is not any more. */
  refusalOf(applicant: Applicant): 'NOT_ALLOWED' | 'REDEEMED' {
    const standing = this.#kind.shared?.standing()
    // Another guest of a single use may stand in its place.
    const isSuperseded = standing?.ended === 'REDEEMED' && !standing.admitted.includes(applicant.key)
    return isSuperseded ? 'REDEEMED' : 'NOT_ALLOWED'
  }
}

const REFUSED_BY_SPACE: ReadonlySet<string> = new Set(['NOT_ALLOWED', 'ALREADY_MEMBER', 'BAD_CANDIDATE'])
