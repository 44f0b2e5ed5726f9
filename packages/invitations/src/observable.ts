import { InvitationError } from './errors.ts'
import type { GuestRequest, Invitation, InvitationState } from './invitation.ts'

/** Called as an invitation moves on; each with the invitation as it is then. */
export interface InvitationCallbacks {
  /** The host can be found, or the guest is looking for it. On the host, `invitation.link` may be shared from now on. */
  readonly onConnecting?: (invitation: Invitation) => void
  /** Host and guest have proven that both know the link. */
  readonly onConnected?: (invitation: Invitation) => void
  /**
   * On the guest: a code is wanted, see `authenticate`; called again after a wrong one, with
   * `invitation.attemptsLeft`. On the host: a guest is being asked for the code.
   */
  readonly onAuthenticating?: (invitation: Invitation) => void
  /** On the guest: a person at the host is being asked whether to let it in. */
  readonly onWaiting?: (invitation: Invitation) => void
  /** On the host of an invitation with `approve`: somebody asks, or no longer does; see `invitation.requests`. */
  readonly onRequests?: (invitation: Invitation) => void
  /** The guest is a member. On the host of a multi-use invitation: one more guest is. */
  readonly onSuccess?: (invitation: Invitation) => void
  readonly onCancelled?: (invitation: Invitation) => void
  readonly onTimeout?: (error: InvitationError) => void
  readonly onError?: (error: InvitationError) => void
}

const ENDS: ReadonlySet<InvitationState> = new Set(['SUCCESS', 'CANCELLED', 'TIMEOUT', 'ERROR', 'EXPIRED'])

/** Whether a state is the last one of its invitation. A multi-use invitation goes on after each `SUCCESS`. */
export function isEnded(invitation: Invitation): boolean {
  return ENDS.has(invitation.state) && !(invitation.state === 'SUCCESS' && invitation.open === true)
}

/**
 * An invitation in progress, on either side: its current value, callbacks, an async iterator over its states,
 * a promise for its end, and `cancel`.
 *
 * @example
 * for await (const { state } of observable) console.log(state)
 */
export class InvitationObservable implements AsyncIterable<Invitation> {
  #invitation: Invitation
  #error: InvitationError | undefined
  readonly #listeners = new Set<(invitation: Invitation) => void>()
  readonly #cancel: () => Promise<void>

  /** @internal made by a handler */
  constructor(invitation: Invitation, cancel: () => Promise<void>) {
    this.#invitation = invitation
    this.#cancel = cancel
  }

  /** The invitation as it is now; a new frozen object at each change. */
  get invitation(): Invitation {
    return this.#invitation
  }

  /** Why it ended, when it did not end well. */
  get error(): InvitationError | undefined {
    return this.#error
  }

  /**
   * Calls back at every change from now on, and once for the state that it is in already, after this returns.
   * @returns a function that ends it
   */
  subscribe(callbacks: InvitationCallbacks): () => void {
    let shown: Invitation | undefined
    const listener = (invitation: Invitation) => {
      const before = shown
      shown = invitation
      this.#call(callbacks, invitation, before)
    }
    this.#listeners.add(listener)
    queueMicrotask(() => {
      if (shown === undefined && this.#listeners.has(listener)) listener(this.#invitation)
    })
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Every state from the current one to the last. Ends, without throwing, however the invitation does. */
  async *[Symbol.asyncIterator](): AsyncIterator<Invitation, void, undefined> {
    const queue: Invitation[] = [this.#invitation]
    let wake: () => void = () => undefined
    const listener = (invitation: Invitation) => {
      queue.push(invitation)
      wake()
    }
    this.#listeners.add(listener)
    try {
      for (;;) {
        const next = queue.shift()
        if (next === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        yield next
        if (isEnded(next)) return
      }
    } finally {
      this.#listeners.delete(listener)
    }
  }

  /**
   * The invitation once it has ended well.
   * @throws InvitationError saying why, when it ended otherwise
   */
  async result(): Promise<Invitation> {
    for await (const invitation of this)
      if (isEnded(invitation) && invitation.state === 'SUCCESS') return invitation
    throw this.#error ?? new InvitationError('CANCELLED')
  }

  /**
   * Ends it. On the host: resolves when no guest can be admitted by it any more, now or after a restart; what
   * was admitted before stays. On the guest: stops, and keeps nothing of the space unless it was admitted already.
   */
  cancel(): Promise<void> {
    return this.#cancel()
  }

  /** @internal Shows `CONNECTED` on the way from `CONNECTING` to what needs a connection, however fast that was. */
  update(invitation: Invitation, error?: InvitationError): void {
    if (isEnded(this.#invitation)) return
    const { state } = invitation
    const connectedNow = state === 'READY_FOR_AUTHENTICATION' || state === 'AUTHENTICATING'
    if (connectedNow && this.#invitation.state === 'CONNECTING')
      this.#show(invitation.with({ state: 'CONNECTED' }))
    this.#show(invitation, error)
  }

  #show(invitation: Invitation, error?: InvitationError): void {
    this.#invitation = Object.freeze(invitation)
    this.#error = error
    for (const listener of [...this.#listeners]) {
      try {
        listener(invitation)
      } catch (thrown) {
        // A callback that throws is its owner's mistake, and stops neither the others nor the invitation.
        queueMicrotask(() => {
          throw thrown
        })
      }
    }
  }

  #call(callbacks: InvitationCallbacks, invitation: Invitation, before: Invitation | undefined): void {
    const { waiting = false, requests = [] } = invitation
    const { waiting: waited = false, requests: asked = [] } = before ?? {}
    const isAsked = requests !== asked && requests.length + asked.length > 0
    if (waiting && !waited) callbacks.onWaiting?.(invitation)
    if (isAsked) callbacks.onRequests?.(invitation)
    if ((waiting !== waited || isAsked) && invitation.state === before?.state) return
    switch (invitation.state) {
      case 'INIT':
      case 'AUTHENTICATING':
        break
      case 'CONNECTING':
        callbacks.onConnecting?.(invitation)
        break
      case 'CONNECTED':
        callbacks.onConnected?.(invitation)
        break
      case 'READY_FOR_AUTHENTICATION':
        callbacks.onAuthenticating?.(invitation)
        break
      case 'SUCCESS':
        callbacks.onSuccess?.(invitation)
        break
      case 'CANCELLED':
        callbacks.onCancelled?.(invitation)
        break
      case 'TIMEOUT':
        callbacks.onTimeout?.(this.#error ?? new InvitationError('TIMED_OUT'))
        break
      case 'EXPIRED':
      case 'ERROR':
        callbacks.onError?.(this.#error ?? new InvitationError('EXPIRED'))
        break
    }
  }
}

/** The host's side of an invitation. */
export class CancellableInvitationObservable extends InvitationObservable {
  readonly #decide: (id: string, yes: boolean) => boolean

  /** @internal made by a handler */
  constructor(
    invitation: Invitation,
    cancel: () => Promise<void>,
    decide: (id: string, yes: boolean) => boolean,
  ) {
    super(invitation, cancel)
    this.#decide = decide
  }

  /**
   * Lets a guest in that asks; of several for a single use the first that can be stored. How that went shows in the
   * states that follow.
   * @param request one of `invitation.requests`
   * @returns whether it was still asking
   * @example
   * observable.subscribe({
   *   onRequests: ({ requests = [] }) => {
   *     for (const request of requests) ask(request).then((yes) => yes ? observable.approve(request) : observable.decline(request))
   *   },
   * })
   */
  approve(request: Pick<GuestRequest, 'id'>): boolean {
    return this.#decide(request.id, true)
  }

  /**
   * Turns a guest away, which is told so. Its identity is told the same if it asks again, until a restart.
   * @param request one of `invitation.requests`
   * @returns whether it was still asking
   */
  decline(request: Pick<GuestRequest, 'id'>): boolean {
    return this.#decide(request.id, false)
  }
}

/** The guest's side of an invitation, which may ask for a code. */
export class AuthenticatingInvitationProvider extends InvitationObservable {
  readonly #authenticate: (code: string) => Promise<void>

  /** @internal made by a handler */
  constructor(
    invitation: Invitation,
    cancel: () => Promise<void>,
    authenticate: (code: string) => Promise<void>,
  ) {
    super(invitation, cancel)
    this.#authenticate = authenticate
  }

  /**
   * Gives the code that the host told over another channel. Spaces and hyphens don't matter. Whether it was
   * right shows in the states that follow; a wrong one brings `READY_FOR_AUTHENTICATION` again.
   * @throws InvitationError when no code is wanted now
   */
  authenticate(code: string): Promise<void> {
    return this.#authenticate(code)
  }
}
