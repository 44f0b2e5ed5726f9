/** What can go wrong with an invitation, at any of its ends. Callers switch over this, never over a text. */
export type InvitationErrorCode = keyof typeof SENTENCES

/** One sentence for a person per code. None of them ever holds a part of a link, a code or a key. */
const SENTENCES = {
  LINK_TOO_LONG: 'This is too long to be an invitation link.',
  LINK_MALFORMED: 'This invitation link is incomplete or mistyped. Copy the whole link and try again.',
  TOO_LARGE: 'There is too much in this invitation: its target is too long.',
  LINK_FOREIGN: 'This is not an invitation link.',
  LINK_VERSION: 'This invitation link was made by a newer version. Update to open it.',
  EXPIRED: 'This invitation has expired. Ask for a new one.',
  CANCELLED: 'This invitation was cancelled.',
  REDEEMED: 'This invitation has been used already. Ask for a new one.',
  LOCKED: 'Too many wrong codes: this invitation is locked. Ask its sender for a new code.',
  NOT_LOCKED: 'This invitation is not locked: it needs no new code.',
  CODE_NOT_WANTED: 'No code is wanted now.',
  WRONG_CODE: 'The code was wrong. Ask the sender of the invitation for it.',
  DECLINED: 'The sender of the invitation declined the request.',
  WRONG_GUEST: 'This invitation is for somebody else.',
  NOT_ALLOWED: 'The sender of the invitation may not admit this person.',
  ALREADY_JOINED: 'You are a member of this space already.',
  NO_IDENTITY: 'There is no identity on this device yet.',
  IDENTITY_EXISTS: 'There is another identity on this device already.',
  TIMED_OUT: 'Nobody answered in time. Is the other side online?',
  REFUSED: 'The other side did not accept this invitation.',
  PROOF_INVALID: 'The request to join could not be verified.',
  ANSWER_INVALID: 'The answer to the request could not be verified. Nothing was joined.',
  PROTOCOL_VIOLATION: 'The other side did not follow the protocol of invitations.',
  HOST_FAILED: 'The other side could not complete the invitation. Try again later.',
  STORAGE_FAILED: 'The invitation could not be stored on this device.',
  NETWORK_FAILED: 'The network could not be used.',
  CLOSED: 'Invitations are not served here any more.',
  UNSUPPORTED: 'This kind of invitation is not supported here.',
} as const

/**
 * The one error of invitations. `message` is a sentence for a person; `code` is for programs; `cause` keeps
 * what lay behind it. Secrets (codes, links, keys) are in none of them.
 *
 * @example
 * try {
 *   parseInvitation(text)
 * } catch (error) {
 *   if (error instanceof InvitationError && error.code === 'LINK_VERSION') offerUpdate()
 *   else throw error
 * }
 */
export class InvitationError extends Error {
  override readonly name = 'InvitationError'
  readonly code: InvitationErrorCode

  constructor(code: InvitationErrorCode, options?: ErrorOptions) {
    super(SENTENCES[code], options)
    this.code = code
  }
}
