import type { Role } from '@vestibule/credentials'
import { PublicKey } from '@vestibule/keys'
import { generateCode, MIN_CODE_VALUES, MULTI_USE_CODE_VALUES } from './link/codes.ts'
import type { AuthMethod, InvitationType } from './link/link-layout.ts'

const HOUR_S = 60 * 60
/** How long an invitation lives unless said otherwise: 24 h. In seconds. */
export const DEFAULT_LIFETIME_S = 24 * HOUR_S
/** How long one may live at most: 7 days. In seconds. */
export const MAX_LIFETIME_S = 7 * 24 * HOUR_S
/** How long the invitation of a device lives, and at most: 10 min. In seconds. */
export const DEVICE_LIFETIME_S = 10 * 60
/** How long a person has, and how long a guest looks for its host: 3 min. In milliseconds. */
export const DEFAULT_TIMEOUT_MS = 3 * 60_000
const MAX_USES = 1_000_000
const MAX_TIMEOUT_MS = HOUR_S * 1000

/** How an invitation is made or accepted. Everything has a default. */
export interface InvitationsOptions {
  /** Host: the role that guests get; `EDITOR` unless given. */
  readonly role?: Role
  /** Host: `none` for guests who read only what is written once they are in; `all` unless given, what the host may read. */
  readonly history?: 'all' | 'none'
  /**
   * Host: `DELEGATED` for an invitation that every member serves who may invite at its role, while this device is away;
   * the own role has to be above that. `INTERACTIVE`, served by this device alone, unless given.
   */
  readonly type?: InvitationType
  /**
   * Host: `SHARED_SECRET` (a code, told over another channel), `NONE` (the link is the secret), or `KNOWN_PUBLIC_KEY`
   * (see `guestKey`). The last where a `guestKey` is given, else the first.
   */
  readonly authMethod?: AuthMethod
  /**
   * Host: the identity key of whom the invitation is for, who needs no code: any of its devices may accept, and nobody
   * else is admitted. Or `carried`, for compatibility: a key pair is made that the link carries, which adds nothing to
   * its secret.
   */
  readonly guestKey?: PublicKey | 'carried'
  /** Host: any number of guests instead of one. */
  readonly multiUse?: boolean
  /** Host: how many guests a `multiUse` invitation admits, from 2 to a million; any number unless given. */
  readonly uses?: number
  /** Host: has to be true for an invitation that is `multiUse`, without a code and without `approve`: whoever gets the link gets in. */
  readonly open?: boolean
  /**
   * Host: a person says yes or no to each guest, once who it is has been verified: see
   * `CancellableInvitationObservable.approve`. It has `timeout` to do so.
   */
  readonly approve?: boolean
  /**
   * Host: the code's length in digits (or what `codeAlphabet` has), so that there are a million codes at least;
   * 6 digits or 2 words unless given, 8 or 3 for a multi-use invitation.
   */
  readonly codeLength?: number
  /** Host: what the code is made of: characters, or words (`CODE_WORDS`); the ten digits unless given. */
  readonly codeAlphabet?: string | readonly string[]
  /** Host: how long the invitation lives, in seconds; 24 h unless given, at most 7 days. */
  readonly lifetime?: number
  /** Either: how long a person has, in milliseconds; 3 min unless given. For a guest also how long it looks for its host. */
  readonly timeout?: number
  /**
   * Host: whether `restore` serves it again after a restart; true unless given. If not, it ends with the process: at the
   * next start it is cancelled, and there only for guests whose answer was lost.
   */
  readonly persistent?: boolean
  /** Host: what the application should open after joining; in the link, at most 1,024 bytes. */
  readonly target?: string
  /** Either: aborting cancels. */
  readonly signal?: AbortSignal
}

/** What may be said when an invitation is opened again: see `rearm`. */
export type RearmOptions = Pick<InvitationsOptions, 'codeLength' | 'codeAlphabet' | 'signal'>

/** Options of a host with every default filled in. */
export interface HostChoices {
  readonly type: InvitationType
  readonly role: Role
  readonly history: 'all' | 'none'
  readonly authMethod: AuthMethod
  readonly guestKey: PublicKey | 'carried' | undefined
  readonly multiUse: boolean
  readonly uses: number | undefined
  readonly approve: boolean
  readonly code: string | undefined
  readonly lifetimeS: number
  readonly timeoutMs: number
  readonly persistent: boolean
  readonly target: string | undefined
}

/** @throws TypeError for options that make no invitation */
export function hostChoices(options: InvitationsOptions): HostChoices {
  const {
    type = 'INTERACTIVE',
    role = 'EDITOR',
    history = 'all',
    guestKey,
    authMethod = guestKey === undefined ? 'SHARED_SECRET' : 'KNOWN_PUBLIC_KEY',
    multiUse = false,
    approve = false,
    persistent = true,
    lifetime = DEFAULT_LIFETIME_S,
  } = options
  if (!(lifetime > 0 && lifetime <= MAX_LIFETIME_S))
    throw new TypeError(`a lifetime is at most ${MAX_LIFETIME_S} seconds (7 days), got ${lifetime}`)
  const { uses } = options
  if (uses !== undefined && !(multiUse && Number.isSafeInteger(uses) && uses >= 2 && uses <= MAX_USES))
    throw new TypeError(`uses are from 2 to ${MAX_USES}, of an invitation that is \`multiUse\`, got ${uses}`)
  if ((authMethod === 'KNOWN_PUBLIC_KEY') !== (guestKey !== undefined))
    throw new TypeError('a `guestKey` is given if and only if the method is `KNOWN_PUBLIC_KEY`')
  if (multiUse && guestKey instanceof PublicKey)
    throw new TypeError('an invitation for one identity is not for many: `multiUse` makes no sense')
  if (multiUse && authMethod !== 'SHARED_SECRET' && !approve && options.open !== true)
    throw new TypeError(
      'an invitation for anybody with the link, any number of times, needs `approve` or `open: true`',
    )
  if (type === 'DELEGATED' && !persistent)
    throw new TypeError(
      'what others serve does not end with this process: a delegated invitation is `persistent`',
    )
  return {
    type,
    role,
    history,
    authMethod,
    guestKey,
    multiUse,
    uses,
    approve,
    code: authMethod === 'SHARED_SECRET' ? codeOf(options, multiUse) : undefined,
    lifetimeS: Math.floor(lifetime),
    timeoutMs: timeoutOf(options),
    persistent,
    target: options.target,
  }
}

/** @throws TypeError for fewer codes than a million */
export function codeOf({ codeLength, codeAlphabet }: InvitationsOptions, multiUse: boolean): string {
  return generateCode({
    values: multiUse ? MULTI_USE_CODE_VALUES : MIN_CODE_VALUES,
    ...(codeLength !== undefined && { length: codeLength }),
    ...(codeAlphabet !== undefined && { alphabet: codeAlphabet }),
  })
}

/** @throws TypeError */
export function timeoutOf({ timeout = DEFAULT_TIMEOUT_MS }: InvitationsOptions): number {
  if (!(timeout > 0 && timeout <= MAX_TIMEOUT_MS))
    throw new TypeError(`a timeout is at most ${MAX_TIMEOUT_MS} milliseconds (an hour), got ${timeout}`)
  return Math.floor(timeout)
}
