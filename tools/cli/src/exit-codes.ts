import { CommanderError } from 'commander'

/** What the process ends with; scripts may rely on these. Listed in the README. */
export const EXIT = {
  ok: 0,
  /** A fault of this program. */
  unexpected: 1,
  /** Wrong arguments. */
  usage: 2,
  /** There is no identity, no such space, or it exists already. */
  state: 3,
  /** The link is cut, mistyped, too long, foreign or of a newer version. */
  link: 4,
  /** Refused: wrong code, locked, used up, by the host, or because the own role does not allow it. */
  refused: 5,
  /** The invitation has expired or was cancelled. */
  over: 6,
  /** Nobody could be reached in time. */
  unreachable: 7,
  /** The data directory is unwritable, full, damaged, in use, or of a newer version. */
  data: 8,
} as const

/** A refusal that a person should read as it stands. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly exitCode: number
  constructor(code: string, message: string, exitCode: number) {
    super(message)
    this.code = code
    this.exitCode = exitCode
  }
}

const BY_CODE: Readonly<Record<string, number>> = {
  NO_IDENTITY: EXIT.state,
  IDENTITY_EXISTS: EXIT.state,
  LINK_TOO_LONG: EXIT.link,
  LINK_MALFORMED: EXIT.link,
  LINK_FOREIGN: EXIT.link,
  LINK_VERSION: EXIT.link,
  UNSUPPORTED: EXIT.link,
  WRONG_CODE: EXIT.refused,
  LOCKED: EXIT.refused,
  REFUSED: EXIT.refused,
  REDEEMED: EXIT.refused,
  DECLINED: EXIT.refused,
  NOT_ALLOWED: EXIT.refused,
  WRONG_GUEST: EXIT.refused,
  NOT_A_MEMBER: EXIT.refused,
  HOST_FAILED: EXIT.refused,
  EXPIRED: EXIT.over,
  CANCELLED: EXIT.over,
  TIMED_OUT: EXIT.unreachable,
  UNREACHABLE: EXIT.unreachable,
  STORAGE_FAILED: EXIT.data,
  NO_RECOVERY: EXIT.state,
  SENIOR_DEVICE: EXIT.refused,
  WRONG_PHRASE_LENGTH: EXIT.usage,
  UNKNOWN_PHRASE_WORD: EXIT.usage,
  WRONG_PHRASE_CHECKSUM: EXIT.usage,
  WRONG_RECIPIENT: EXIT.refused,
  BAD_BACKUP: EXIT.refused,
  SEAL_BROKEN: EXIT.refused,
  BAD_EXPORT: EXIT.refused,
  BAD_ADMISSION: EXIT.refused,
  WRONG_PASSPHRASE: EXIT.refused,
  UNSUPPORTED_VERSION: EXIT.data,
}
/** What a person can do about it, where the error's own text doesn't say. */
const ADVICE: Readonly<Record<string, string>> = {
  NO_IDENTITY: 'There is no identity here yet: `vestibule init --name NAME` makes one.',
  NO_RECOVERY: 'There is no recovery phrase yet: `vestibule recovery create` makes one.',
  KEY_NOT_FOUND:
    'This device does not hold the key of the identity itself; only the first device makes a phrase.',
  SENIOR_DEVICE:
    'That device is not below this one: revoke it from one that was added before it, or with --phrase.',
  WRONG_RECIPIENT: 'The backup is for another phrase.',
  SEAL_BROKEN: 'The backup is damaged.',
  IDENTITY_EXISTS: 'There is an identity here already; choose another place with --data.',
}

/** The text for a person. */
export function adviceFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return ADVICE[code] ?? error.message
}

/** The exit code that fits an error, by its class and literal code. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (!(error instanceof Error)) return EXIT.unexpected
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.name === 'StorageError') return EXIT.data
  return BY_CODE[code] ?? (error.name === 'KeysError' ? EXIT.data : EXIT.unexpected)
}
