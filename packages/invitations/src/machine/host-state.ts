import type { InvitationState } from '../invitation.ts'
import type { Refusal } from '../protocol/messages.ts'

/** Names one connection of a guest; chosen by the driver, never used twice. */
export type SessionId = string

/**
 * Where an invitation is in its life. `LOCKED` can be left by arming it again with a new code, or by ending;
 * the last three are never left.
 */
export type HostLife = 'OPEN' | 'LOCKED' | 'REDEEMED' | 'EXPIRED' | 'CANCELLED'

/** What of an invitation is durable, beside its link and code. Small: it is written at every charge. */
export interface HostRecord {
  readonly life: HostLife
  /** Charges written and not given back: wrong codes, and those whose outcome is open (or was lost in a crash). */
  readonly charged: number
  /** How many charges there may be. Three; one more for each admission of a multi-use invitation. */
  readonly allowed: number
  /** How many guests were admitted. */
  readonly admissions: number
}

/** Fixed for the life of an invitation. */
export interface HostConfig {
  readonly multiUse: boolean
  /** How many guests a multi-use invitation admits; any number when absent. */
  readonly uses?: number | undefined
  /** Whether there is a code to be guessed. Without one nothing is charged: the link is the secret. */
  readonly hasCode: boolean
  /** Whether others serve it as well: what fails here is told to them. */
  readonly shared?: boolean
  /** Whether a person is asked about each guest whose link, code and keys are proven. */
  readonly approve: boolean
  /** Wrong codes over all peers, connections and restarts, and in one session. */
  readonly attempts: number
  /** Sessions between message 3 and message 6. */
  readonly slots: number
  /** Sessions whose person is typing. */
  readonly maxTyping: number
  /** Sessions that have not proven the link. */
  readonly maxGreeting: number
  /** Guests about whom a person is being asked. Whoever comes beyond them is told to come back, and buries nobody. */
  readonly maxAsking: number
  /** What a guest is told that finds all slots taken. */
  readonly retryAfterMs: number
}

/** The limits of protocol.md, "Rules that the machine enforces". */
export function hostConfig(
  kind: Pick<HostConfig, 'multiUse' | 'hasCode' | 'uses' | 'shared'> & Partial<Pick<HostConfig, 'approve'>>,
): HostConfig {
  const slots = kind.multiUse ? 64 : 8
  const bounds = { attempts: 3, slots, maxTyping: 1024, maxGreeting: 256, maxAsking: 128 }
  return { approve: false, ...kind, ...bounds, retryAfterMs: 2_000 }
}

/**
 * How far a session is.
 *
 * | step | waits for | holds |
 * | --- | --- | --- |
 * | `greeting` | message 1 | |
 * | `typing` | message 3; a person may be typing | |
 * | `sharing` | message 5 | a slot |
 * | `queued` | budget or reservation to become free | a slot |
 * | `charging` | the charge to be durable | a slot, a charge |
 * | `comparing` | the comparison | a slot, a charge |
 * | `matched` | the reservation of another guest to end | a slot, a charge |
 * | `proving` | the verification of the request | a slot, a charge, the reservation |
 * | `refunding` | the charge to be given back, before a person is asked | a slot |
 * | `asking` | a person's yes or no | |
 * | `committing` | the transaction | a slot, a charge, the reservation |
 *
 * Where a person is asked nothing is reserved, and the charge is back before: of those who got a yes the first commits.
 */
export type SessionStep =
  | 'greeting'
  | 'typing'
  | 'sharing'
  | 'queued'
  | 'charging'
  | 'comparing'
  | 'matched'
  | 'proving'
  | 'refunding'
  | 'asking'
  | 'committing'

export interface HostSession {
  readonly peer: string
  readonly step: SessionStep
  /** The guest says that it may have been admitted before. */
  readonly resume: boolean
  /** Number of the attempt that is due or under way, from 1. */
  readonly attempt: number
  /** False once the connection is gone while something that can't be stopped is still under way. */
  readonly connected: boolean
  /** Who asks, once that is verified: the text of its public key. */
  readonly identity?: string
}

/** Something to be stored. One at a time is under way, so that each record follows from the one before. */
export type StoreIntent =
  | { readonly type: 'charge'; readonly session: SessionId }
  /** `session`: a person is to be asked about it next. */
  | { readonly type: 'refund'; readonly session?: SessionId }
  | { readonly type: 'life' }
  | { readonly type: 'rearm' }
  /** Others are told how many attempts failed here. */
  | { readonly type: 'attempts' }
  | { readonly type: 'commit'; readonly session: SessionId; readonly identity: string }

/** What is known of others who serve the same invitation. */
export interface Elsewhere {
  /** Wrong codes there. */
  readonly failed: number
  /** How many guests were admitted, here and there. */
  readonly admissions: number
}

/** The host's half of one invitation, over all its sessions. */
export interface HostState {
  readonly config: HostConfig
  /** As last known to be durable. */
  readonly record: HostRecord
  readonly elsewhere: Elsewhere
  /** Identities admitted by this invitation, elsewhere too. */
  readonly admitted: ReadonlySet<string>
  /** Identities that a person said no to. They are told so again without asking, as long as this process runs. */
  readonly declined: ReadonlySet<string>
  /** Oldest first. */
  readonly sessions: ReadonlyMap<SessionId, HostSession>
  /** Single use: the session for which the invitation is reserved, from the match to the commit. */
  readonly reserved: SessionId | undefined
  /** Decided but not yet durable; nobody new is admitted from here on. */
  readonly closing: Exclude<HostLife, 'OPEN'> | undefined
  readonly storing: (StoreIntent & { readonly record: HostRecord }) | undefined
  readonly intents: readonly StoreIntent[]
}

/** A session's deadline: 10 s for a machine, `timeout` (3 min) for a person. */
export type Deadline = 'machine' | 'person'

/**
 * What happens to the host. The driver makes sure that the clock is asked before each event: past the expiry,
 * `expired` comes first. Events about sessions that have ended are ignored.
 */
export type HostEvent =
  /** Once, first: settles what a restart left. */
  | { readonly type: 'started' }
  | { readonly type: 'opened'; readonly session: SessionId; readonly peer: string }
  /** Message 1. `macValid`: version, invitation id and MAC are right. */
  | {
      readonly type: 'hello'
      readonly session: SessionId
      readonly macValid: boolean
      readonly resume: boolean
    }
  /** Message 3. The share itself stays with the driver. */
  | { readonly type: 'share'; readonly session: SessionId; readonly attempt: number }
  /** Asked to answer a share, the driver found it unacceptable. */
  | { readonly type: 'shareRefused'; readonly session: SessionId }
  /** Message 5, unopened. */
  | { readonly type: 'proof'; readonly session: SessionId }
  /** A frame that is no message, or one that is too long. */
  | { readonly type: 'garbled'; readonly session: SessionId }
  | { readonly type: 'lost'; readonly session: SessionId }
  | { readonly type: 'timedOut'; readonly session: SessionId }
  /** Outcome of the `write` under way. */
  | { readonly type: 'written' }
  | { readonly type: 'writeFailed' }
  | { readonly type: 'compared'; readonly session: SessionId; readonly match: boolean }
  /** The comparison gave no answer (a fault of ours). Nobody knows what it would have been, so the charge stays. */
  | { readonly type: 'compareFailed'; readonly session: SessionId }
  /** Message 5 opened and every proof in it holds. `identity` is the text of its public key. */
  | { readonly type: 'verified'; readonly session: SessionId; readonly identity: string }
  | {
      readonly type: 'unverified'
      readonly session: SessionId
      readonly reason: 'PROOF_INVALID' | 'PROTOCOL_VIOLATION' | 'NOT_ALLOWED' | 'WRONG_GUEST'
    }
  /** A person's yes or no to a session at `asking`; ignored at any other. */
  | { readonly type: 'approved'; readonly session: SessionId }
  | { readonly type: 'declined'; readonly session: SessionId }
  /** Outcome of the `commit` under way. */
  | { readonly type: 'committed' }
  | { readonly type: 'commitFailed'; readonly reason: CommitFailure }
  /** How a shared invitation stands by what all say who serve it; first right after `started`. */
  | {
      readonly type: 'shared'
      readonly failed: number
      readonly admitted: readonly string[]
      readonly ended?: 'REDEEMED' | 'CANCELLED' | 'LOCKED' | undefined
    }
  | { readonly type: 'expired' }
  | { readonly type: 'cancel' }
  /** A new code was chosen, after `life: LOCKED` was told; ignored otherwise. */
  | { readonly type: 'rearm' }

/** Why a guest could not be admitted at the last moment. */
export type CommitFailure = 'HOST_FAILED' | 'NOT_ALLOWED' | Exclude<HostLife, 'OPEN'>

/** What the driver has to do, in this order. */
export type HostEffect =
  /** Make `nH`, sign and send message 2. */
  | { readonly type: 'offer'; readonly session: SessionId }
  /** Check the share of message 3, complete the agreement and send message 4; or answer `shareRefused`. */
  | { readonly type: 'answerShare'; readonly session: SessionId; readonly attempt: number }
  /** Send a refusal. With `signed`, under a signature of `HK` (it answers message 1 of a guest that has the link). */
  | {
      readonly type: 'refuse'
      readonly session: SessionId
      readonly refusal: Refusal
      readonly signed: boolean
    }
  /** Close the connection once what was sent is out, drop the session's secrets and its deadline. */
  | { readonly type: 'close'; readonly session: SessionId }
  /** Start the session's deadline anew; there is one for each session. */
  | { readonly type: 'arm'; readonly session: SessionId; readonly deadline: Deadline }
  | { readonly type: 'disarm'; readonly session: SessionId }
  /** Make the record durable, then `written` or `writeFailed`. `rearm`: the new code goes into the same write. */
  | {
      readonly type: 'write'
      readonly purpose: 'charge' | 'refund' | 'life' | 'rearm'
      readonly record: HostRecord
    }
  /** Tell the others, durably, that so many attempts failed here in all; then `written` or `writeFailed`. */
  | { readonly type: 'tell'; readonly failed: number }
  /** Compare `Tg` with the session's own, in constant time, then always `compared` or `compareFailed`. */
  | { readonly type: 'compare'; readonly session: SessionId }
  /** Open message 5, verify every proof and the chain, then `verified`, `unverified` or (a fault of ours) `lost`. */
  | { readonly type: 'verify'; readonly session: SessionId }
  /** Send message 5a: a person is asked now. Whom to show follows from the state, see `asking`. */
  | { readonly type: 'waiting'; readonly session: SessionId }
  /** In one transaction: the guest's credentials, the admission (invitation, identity) and the record. Then `committed` or `commitFailed`. */
  | {
      readonly type: 'commit'
      readonly session: SessionId
      readonly identity: string
      readonly record: HostRecord
    }
  /** Send message 6 with the credentials of this admission, then close as `close` does. */
  | { readonly type: 'answer'; readonly session: SessionId; readonly identity: string }
  /** Tell the application: one more identity was admitted. Its connection may be gone. */
  | { readonly type: 'admitted'; readonly identity: string }
  /**
   * Tell the application: this life is durable. With a life that is never left nobody can be newly admitted any
   * more; `cancel()` resolves. Keep serving resumed guests until the link is 48 h past its expiry.
   */
  | { readonly type: 'life'; readonly life: HostLife }
  /**
   * The write of an end, a lock or a new code failed. The invitation stays closed as long as this process runs;
   * the same event again tries again.
   */
  | { readonly type: 'notStored'; readonly purpose: 'life' | 'rearm' }

export type HostStep = readonly [HostState, readonly HostEffect[]]

/** Before its first use, the record of an invitation. */
export function newHostRecord(config: HostConfig): HostRecord {
  return { life: 'OPEN', charged: 0, allowed: config.attempts, admissions: 0 }
}

/**
 * The state to begin with, also after a restart: sessions, reservation and whatever was under way are gone,
 * charges are not.
 */
export function hostState(
  config: HostConfig,
  record: HostRecord = newHostRecord(config),
  admitted: Iterable<string> = [],
): HostState {
  return {
    config,
    record,
    elsewhere: { failed: 0, admissions: 0 },
    admitted: new Set(admitted),
    declined: new Set(),
    sessions: new Map(),
    reserved: undefined,
    closing: undefined,
    storing: undefined,
    intents: [],
  }
}

/** The life as it is decided, durable or not. */
export function effectiveLife(state: HostState): HostLife {
  return state.closing ?? state.record.life
}

/** The sessions about which a person is being asked, who came first first. */
export function asking(state: HostState): SessionId[] {
  return [...state.sessions].flatMap(([id, { step }]) => (step === 'asking' ? id : []))
}

/** Whether a life is never left. */
export function isEndedLife(life: HostLife): life is 'REDEEMED' | 'EXPIRED' | 'CANCELLED' {
  return life === 'REDEEMED' || life === 'EXPIRED' || life === 'CANCELLED'
}

/** How many guests an invitation admits. */
export function usesOf({ multiUse, uses }: Pick<HostConfig, 'multiUse' | 'uses'>): number {
  return multiUse ? (uses ?? Number.POSITIVE_INFINITY) : 1
}

/** What an application sees of an invitation that can be found: the session that is furthest decides. */
export function hostInvitationState(state: HostState): InvitationState {
  const life = state.record.life
  if (life === 'REDEEMED') return 'SUCCESS'
  if (life === 'LOCKED') return 'ERROR'
  if (life !== 'OPEN') return life
  const steps = new Set([...state.sessions.values()].filter((s) => s.connected).map((s) => s.step))
  steps.delete('greeting')
  if (steps.size === 0) return 'CONNECTING'
  if (!state.config.hasCode) return 'CONNECTED'
  return steps.size === 1 && steps.has('typing') ? 'READY_FOR_AUTHENTICATION' : 'AUTHENTICATING'
}
