import type { Redacted } from '@vestibule/keys'
import { InvitationError } from '../errors.ts'
import type { GuestRequest, Invitation } from '../invitation.ts'
import { encodeInvitation } from '../link/link.ts'
import { asking, type HostState, hostInvitationState, type SessionId } from '../machine/host-state.ts'
import type { CancellableInvitationObservable } from '../observable.ts'
import type { StoredInvitation } from '../records.ts'

interface Wait {
  readonly resolve: () => void
  readonly reject: (error: InvitationError) => void
}

/** What an application sees of an invitation that is served here, and what it waits for. */
export class HostFace {
  #observable: CancellableInvitationObservable
  #endWaits: Wait[] = []
  #rearming: (Wait & { code: Redacted<string>; observable: CancellableInvitationObservable }) | undefined

  constructor(observable: CancellableInvitationObservable) {
    this.#observable = observable
  }

  get observable(): CancellableInvitationObservable {
    return this.#observable
  }

  get invitation(): Invitation {
    return this.#observable.invitation
  }

  /** The code that an invitation which is being opened again is to have. */
  get newCode(): Redacted<string> | undefined {
    return this.#rearming?.code
  }

  /** Resolves with {@link ended}. @throws InvitationError `STORAGE_FAILED` with {@link notStored} */
  untilEnded(): Promise<void> {
    return new Promise((resolve, reject) => this.#endWaits.push({ resolve, reject }))
  }

  /** Resolves with {@link rearmed}, from when on it is shown in `observable`. @throws InvitationError as above */
  untilRearmed(code: Redacted<string>, observable: CancellableInvitationObservable): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rearming = { code, observable, resolve, reject }
    })
  }

  ended(): void {
    for (const wait of this.#endWaits.splice(0)) wait.resolve()
  }

  rearmed(): void {
    if (this.#rearming === undefined) return
    this.#observable = this.#rearming.observable
    this.#rearming.resolve()
    this.#rearming = undefined
  }

  notStored(): void {
    const error = new InvitationError('STORAGE_FAILED')
    for (const wait of this.#endWaits.splice(0)) wait.reject(error)
    this.#rearming?.reject(error)
    this.#rearming = undefined
  }

  /** One more guest of many was admitted. */
  admitted(): void {
    this.#observable.update(this.invitation.with({ state: 'SUCCESS', open: true }))
  }

  /** Shows where the invitation is, when that has changed. */
  show(
    { link, code, approve }: StoredInvitation,
    host: HostState,
    requestOf: (id: SessionId) => GuestRequest | undefined,
  ): void {
    const { invitation } = this
    const state = hostInvitationState(host)
    const now = approve ? asking(host).flatMap((id) => requestOf(id) ?? []) : undefined
    const requests = sameRequests(now, invitation.requests) ? invitation.requests : now
    if (state === invitation.state && requests === invitation.requests && invitation.open !== true) return
    const secrets = { link: encodeInvitation(link), ...(code && { authCode: code.unwrap() }) }
    const error =
      state === 'ERROR' ? 'LOCKED' : state === 'EXPIRED' || state === 'CANCELLED' ? state : undefined
    this.#observable.update(
      invitation.with({ state, open: false, ...(requests && { requests }) }, secrets),
      error === undefined ? undefined : new InvitationError(error),
    )
  }
}

function sameRequests(now: readonly GuestRequest[] | undefined, before: typeof now): boolean {
  return now?.length === before?.length && (now ?? []).every(({ id }, i) => id === before?.[i]?.id)
}
