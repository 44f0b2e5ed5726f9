import type { InvitationErrorCode } from '../errors.ts'
import type { InvitationState } from '../invitation.ts'
import type { Refusal } from '../protocol/messages.ts'
import type { Deadline, SessionId } from './host-state.ts'

/** Fixed for one acceptance. */
export interface GuestConfig {
  readonly hasCode: boolean
  /** Wrong codes after which the guest gives up. */
  readonly attempts: number
  /**
   * How often one code goes out in message 5 without a verdict coming back before the person is asked for it
   * again. A lost answer may have been "wrong code": repeating that blindly would use up the attempts of all.
   */
  readonly blindSends: number
  /** How many hosts may say that they can't admit this guest before it gives up; one where there is only one. */
  readonly hosts: number
}

export function guestConfig({
  hasCode,
  isDelegated = false,
}: {
  readonly hasCode: boolean
  readonly isDelegated?: boolean
}): GuestConfig {
  return { hasCode, attempts: 3, blindSends: 2, hosts: isDelegated ? 3 : 1 }
}

/**
 * How far the session with the proven host is: `ready` for message 3 (the code may be missing still), `sharing`
 * until message 4, `preparing` while the guest's keys become durable, `proving` until message 6, `waiting` from message
 * 5a to message 6: a person at the host decides.
 */
export type GuestStep = 'ready' | 'sharing' | 'preparing' | 'proving' | 'waiting'

export interface GuestSession {
  readonly session: SessionId
  readonly step: GuestStep
  /** From 1; counts the codes of this session. */
  readonly attempt: number
}

/** How it ended, and why if not well. */
export interface GuestOutcome {
  readonly state: 'SUCCESS' | 'CANCELLED' | 'TIMEOUT' | 'ERROR' | 'EXPIRED'
  readonly error?: InvitationErrorCode
}

/** The guest's half of one invitation, over all its connections. */
export interface GuestState {
  readonly config: GuestConfig
  /** What the application sees once the effects of a step are carried out. A lost connection never takes it back. */
  readonly state: InvitationState
  /** Connections whose other end has not proven to be the host. */
  readonly greeting: ReadonlySet<SessionId>
  /** The one connection with the host. */
  readonly active: GuestSession | undefined
  /** The person is being asked for a code. */
  readonly asked: boolean
  /** The driver holds a code that was not found wrong. */
  readonly codeHeld: boolean
  /** How often that code was sent. */
  readonly sends: number
  readonly wrong: number
  /** The guest's keys are durable; from message 5 on the host may have admitted them. */
  readonly prepared: boolean
  /** Message 5 may have reached the host: say `resume`. */
  readonly resume: boolean
  /** Storage is busy: with the keys, or with the membership. */
  readonly storing: 'keys' | 'membership' | undefined
  /** Peers of hosts that can't admit this guest; another may. */
  readonly refusedBy: ReadonlySet<string>
  readonly outcome: GuestOutcome | undefined
}

/** What happens to the guest. Events about sessions that are not there any more are ignored. */
export type GuestEvent =
  /** Once, first. */
  | { readonly type: 'started' }
  /** A connection on the invitation's topic; its other end may be anybody. */
  | { readonly type: 'opened'; readonly session: SessionId; readonly peer: string }
  /** Message 2. `valid`: the signature of `HK` holds. */
  | { readonly type: 'offered'; readonly session: SessionId; readonly valid: boolean }
  /** The person gave a code; the driver holds it, normalised. */
  | { readonly type: 'code' }
  /** Message 4. The share itself stays with the driver. `valid`: it is acceptable, and there are session keys. */
  | { readonly type: 'shared'; readonly session: SessionId; readonly valid: boolean }
  | { readonly type: 'prepared' }
  | { readonly type: 'prepareFailed' }
  /** Message 5a. */
  | { readonly type: 'waiting'; readonly session: SessionId }
  /** Message 6. `valid`: tag, signature, commitment, chain up to the genesis, subject and role all hold. */
  | { readonly type: 'answered'; readonly session: SessionId; readonly valid: boolean }
  /** `signed`: the refusal carries a signature of `HK` that holds. */
  | {
      readonly type: 'refused'
      readonly session: SessionId
      readonly peer: string
      readonly refusal: Refusal
      readonly signed: boolean
    }
  /** A frame that is no message, or one that is too long. */
  | { readonly type: 'garbled'; readonly session: SessionId }
  | { readonly type: 'lost'; readonly session: SessionId }
  | { readonly type: 'timedOut'; readonly session: SessionId }
  | { readonly type: 'personTimedOut' }
  | { readonly type: 'searchTimedOut' }
  /** The time of a `retryLater` has passed. */
  | { readonly type: 'retry'; readonly session: SessionId }
  | { readonly type: 'accepted' }
  | { readonly type: 'acceptFailed'; readonly reason: 'STORAGE_FAILED' | 'ANSWER_INVALID' }
  | { readonly type: 'cancel' }

/** What the driver has to do, in this order. */
export type GuestEffect =
  /** Make `nG` and send message 1. */
  | { readonly type: 'hello'; readonly session: SessionId; readonly resume: boolean }
  /** Tell the application `CONNECTED`, with the preview of this session: its other end is the host. */
  | { readonly type: 'connected'; readonly session: SessionId }
  /** Ask the person for the code; `attemptsLeft` after a wrong one. */
  | { readonly type: 'ask'; readonly attemptsLeft?: number }
  /** Forget the code that is held: it was wrong, or is not to be sent again. */
  | { readonly type: 'forgetCode' }
  /** Begin an agreement with fresh random bytes and send message 3. */
  | { readonly type: 'share'; readonly session: SessionId; readonly attempt: number }
  /** Make device, agreement and feed keys (or find those made before) and this acceptance durable, then `prepared`. */
  | { readonly type: 'prepare' }
  /** Sign and seal the request and send message 5. */
  | { readonly type: 'proof'; readonly session: SessionId }
  /** Store the verified membership durably, then `accepted` or `acceptFailed`. */
  | { readonly type: 'accept'; readonly session: SessionId }
  /** After this time, `retry`; dropped when the session ends. */
  | { readonly type: 'retryLater'; readonly session: SessionId; readonly afterMs: number }
  /** Close the connection, drop the session's secrets and its deadline. */
  | { readonly type: 'close'; readonly session: SessionId }
  /** Start the session's deadline anew (10 s or 3 min), then `timedOut`. */
  | { readonly type: 'arm'; readonly session: SessionId; readonly deadline: Deadline }
  | { readonly type: 'disarm'; readonly session: SessionId }
  /** Start the person's deadline anew (`timeout`, 3 min), then `personTimedOut`. */
  | { readonly type: 'armPerson' }
  | { readonly type: 'disarmPerson' }
  /** Start the deadline of everything that needs no person anew (`timeout`, 3 min), then `searchTimedOut`. */
  | { readonly type: 'armSearch' }
  | { readonly type: 'disarmSearch' }
  /** It is over: leave the swarm, drop all deadlines and secrets. The last effect there ever is but `close`. */
  | { readonly type: 'finished'; readonly outcome: GuestOutcome }

export type GuestStepResult = readonly [GuestState, readonly GuestEffect[]]

/**
 * The state to begin with.
 * @param resume an earlier run of this acceptance may have sent message 5 with the keys that are durable
 */
export function guestState(config: GuestConfig, { resume = false } = {}): GuestState {
  return {
    config,
    state: 'INIT',
    greeting: new Set(),
    active: undefined,
    asked: false,
    codeHeld: false,
    sends: 0,
    wrong: 0,
    prepared: false,
    resume,
    storing: undefined,
    refusedBy: new Set(),
    outcome: undefined,
  }
}
